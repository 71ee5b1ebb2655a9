"""Recaptioning: a region for every entity, with what is particular to it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from rpg.language.grammar.tokens import join
from rpg.language.scene_graph.graph import Entity, SceneGraph
from rpg.planners.rules.layout.solver import PlacedEntity
from rpg.planners.rules.scene import place_groups
from rpg.plans.plan import MAX_PROMPT_CHARS, Region


def give_places(graph: SceneGraph) -> None:
    """Gives entities the settings that are theirs alone, where the prompt names several places."""
    groups = place_groups(graph.settings)
    if len(groups) < 2:
        return
    start = 0
    for after, text in groups:
        for entity in graph.entities[start:after]:
            entity.place = text
        start = max(start, after)
    for entity in graph.entities[start:]:
        entity.place = ""


def subprompt(entity: Entity) -> str:
    """Says "a red star of gold shining"; shorter where that is too long for a subprompt."""
    place = entity.place or ""
    texts = (join([entity.described, place]), join([entity.name, place]), entity.name)
    whole = next((text for text in texts if len(text) <= MAX_PROMPT_CHARS), entity.head)
    return whole or "thing"


def regions(spots: Sequence[PlacedEntity], things: Mapping[int, str]) -> tuple[Region, ...]:
    """The regions of a layout. Ids are made of the noun and a number: "star-1".

    Args:
        spots: The layout.
        things: Ids of what entities are, by the entities' `id`.
    """
    return _regions(spots, things, Counter())


def _regions(
    spots: Sequence[PlacedEntity], things: Mapping[int, str], used: Counter[str]
) -> tuple[Region, ...]:
    return tuple(
        Region(
            id=_identity(spot.entity, used),
            shows=(things[id(spot.entity)],),
            prompt=subprompt(spot.entity),
            box=spot.box,
            z=spot.z,
            children=_regions(spot.inside, things, used),
        )
        for spot in spots
    )


def _identity(entity: Entity, used: Counter[str]) -> str:
    name = re.sub(r"[^a-z0-9]+", "-", entity.head)[:40].strip("-") or "thing"
    used[name] += 1
    return f"{name}-{used[name]}"
