"""Subprompts: every thing with its own attributes, what it does, and the scene it stands in."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from rpg.planners.rules.grammar.tokens import join
from rpg.planners.rules.layout.solver import Spot
from rpg.planners.rules.reading.things import Reading, Scene, Thing
from rpg.plans.plan import MAX_PROMPT_CHARS, Region


def give_places(reading: Reading) -> None:
    """Gives things the scenes that are theirs alone, where the prompt names several places."""
    groups = _place_groups(reading.scenes)
    if len(groups) < 2:
        return
    start = 0
    for after, text in groups:
        for thing in reading.things[start:after]:
            thing.place = text
        start = max(start, after)
    for thing in reading.things[start:]:
        thing.place = ""


def common_scene(reading: Reading) -> str:
    """The scene of the whole picture: its only place, or the one it opens with; and its times."""
    groups = _place_groups(reading.scenes)
    place = groups[0][1] if len(groups) == 1 or (groups and groups[0][0] == 0) else ""
    times = dict.fromkeys(scene.text for scene in reading.scenes if scene.is_time)
    return join([place, *times])


def _place_groups(scenes: Sequence[Scene]) -> list[tuple[int, str]]:
    """Places named one after the other, as one text, with the number of things named before."""
    groups: dict[int, list[str]] = {}
    for scene in scenes:
        if not scene.is_time:
            groups.setdefault(scene.after, []).append(scene.text)
    return [(after, join(list(dict.fromkeys(texts)))) for after, texts in groups.items()]


def subprompt(thing: Thing, scene: str, styles: Sequence[str]) -> str:
    """Says "a red star at night, oil painting"; shorter where that is too long for a subprompt."""
    place = join([thing.place or "", scene])
    tail = "".join(f", {style}" for style in styles)
    full = join([thing.described, place]) + tail
    texts = (full, join([thing.name, place]), thing.name, thing.head or "thing")
    return next(text for text in texts if len(text) <= MAX_PROMPT_CHARS)


def regions(spots: Sequence[Spot], scene: str, styles: Sequence[str]) -> tuple[Region, ...]:
    """The regions of a layout. Ids are made of the noun and a number: "star-1"."""
    return _regions(spots, scene, styles, Counter())


def _regions(
    spots: Sequence[Spot], scene: str, styles: Sequence[str], used: Counter[str]
) -> tuple[Region, ...]:
    return tuple(
        Region(
            id=_identity(spot.thing, used),
            prompt=subprompt(spot.thing, scene, styles),
            box=spot.box,
            z=spot.z,
            children=_regions(spot.inside, scene, styles, used),
        )
        for spot in spots
    )


def _identity(thing: Thing, used: Counter[str]) -> str:
    name = re.sub(r"[^a-z0-9]+", "-", thing.head)[:40].strip("-") or "thing"
    used[name] += 1
    return f"{name}-{used[name]}"
