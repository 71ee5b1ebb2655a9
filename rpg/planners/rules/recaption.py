"""Recaptioning: a subprompt for every entity, with its attributes, its actions and its setting."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from rpg.language.grammar.tokens import join
from rpg.language.scene_graph.graph import Entity, SceneGraph, Setting
from rpg.planners.rules.layout.solver import PlacedEntity
from rpg.plans.plan import MAX_PROMPT_CHARS, Region


def give_places(graph: SceneGraph) -> None:
    """Gives entities the settings that are theirs alone, where the prompt names several places."""
    groups = _place_groups(graph.settings)
    if len(groups) < 2:
        return
    start = 0
    for after, text in groups:
        for entity in graph.entities[start:after]:
            entity.place = text
        start = max(start, after)
    for entity in graph.entities[start:]:
        entity.place = ""


def common_setting(graph: SceneGraph) -> str:
    """The setting of the whole picture: its only place, or the one it opens with; and its times."""
    groups = _place_groups(graph.settings)
    place = groups[0][1] if len(groups) == 1 or (groups and groups[0][0] == 0) else ""
    times = dict.fromkeys(setting.text for setting in graph.settings if setting.is_time)
    return join([place, *times])


def _place_groups(settings: Sequence[Setting]) -> list[tuple[int, str]]:
    """Places named one after the other, as one text, with the number of entities named before."""
    groups: dict[int, list[str]] = {}
    for setting in settings:
        if not setting.is_time:
            groups.setdefault(setting.after, []).append(setting.text)
    return [(after, join(list(dict.fromkeys(texts)))) for after, texts in groups.items()]


def subprompt(entity: Entity, setting: str, styles: Sequence[str]) -> str:
    """Says "a red star at night, oil painting"; shorter where that is too long for a subprompt."""
    place = join([entity.place or "", setting])
    tail = "".join(f", {style}" for style in styles)
    full = join([entity.described, place]) + tail
    texts = (full, join([entity.name, place]), entity.name, entity.head or "thing")
    return next(text for text in texts if len(text) <= MAX_PROMPT_CHARS)


def regions(
    spots: Sequence[PlacedEntity], setting: str, styles: Sequence[str]
) -> tuple[Region, ...]:
    """The regions of a layout. Ids are made of the noun and a number: "star-1"."""
    return _regions(spots, setting, styles, Counter())


def _regions(
    spots: Sequence[PlacedEntity], setting: str, styles: Sequence[str], used: Counter[str]
) -> tuple[Region, ...]:
    return tuple(
        Region(
            id=_identity(spot.entity, used),
            prompt=subprompt(spot.entity, setting, styles),
            box=spot.box,
            z=spot.z,
            children=_regions(spot.inside, setting, styles, used),
        )
        for spot in spots
    )


def _identity(entity: Entity, used: Counter[str]) -> str:
    name = re.sub(r"[^a-z0-9]+", "-", entity.head)[:40].strip("-") or "thing"
    used[name] += 1
    return f"{name}-{used[name]}"
