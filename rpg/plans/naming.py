"""Regions by what people call them: id, number, or words that only one of them shows."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rpg.errors import SettingsError
from rpg.plans.plan import Plan, Region

__all__ = ["region_named"]

_ARTICLES = frozenset(("a", "an", "the"))
_MOST_LISTED, _MOST_CHARS = 12, 40


def region_named(plan: Plan, name: str | int) -> Region:
    """The one region of a plan that is meant.

    Args:
        plan: whose regions with a subprompt count.
        name: an id; a number from 1 in painting order, as the drawn plan shows it; or words for
            something that one region alone shows, such as "the knight".

    Raises:
        SettingsError: none is meant, or several; lists what there is.
    """
    layers = plan.layers()
    for meant in _readings(plan, str(name).strip()):
        if len(meant) == 1:
            return meant[0]
        if meant:
            several = ", ".join(repr(one.id) for one in meant)
            raise SettingsError(f"{name!r:.80} may be any of the regions {several}: name its id")
    if not layers:
        raise SettingsError(f"{name!r:.80}: the plan has no regions")
    listed = [f"{i} {one.id!r} ({_short(one.prompt)})" for i, one in enumerate(layers, 1)]
    rest = [f"and {len(layers) - _MOST_LISTED} more"] if len(layers) > _MOST_LISTED else []
    there = ", ".join([*listed[:_MOST_LISTED], *rest])
    raise SettingsError(f"no region {name!r:.80}; there are: {there}")


def _readings(plan: Plan, name: str) -> Iterator[list[Region]]:
    """What a name may mean, from the strictest reading to the loosest."""
    layers, wanted = plan.layers(), _words(name)
    yield [one for one in layers if one.id == name]
    yield [one for i, one in enumerate(layers, 1) if str(i) == name]
    yield list(plan.shown_by(name))
    called = {
        thing.id
        for thing in plan.scene.things
        if wanted and wanted <= _words(" ".join((thing.name, *thing.attributes)))
    }
    yield [one for one in layers if called.intersection(one.shows)]
    yield [one for one in layers if wanted and wanted <= _words(one.prompt)]


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower())) - _ARTICLES


def _short(text: str) -> str:
    return text if len(text) <= _MOST_CHARS else f"{text[: _MOST_CHARS - 3]}..."
