"""Merging a changed plan with the previous one: what the answer cannot express is kept."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from rpg.plans.geometry import Box
from rpg.plans.plan import Plan, Region

_ROUNDED = 0.011  # of the canvas: what whole percentages lose


def plan_as_answer(plan: Plan) -> str:
    """The plan as JSON in the form of an answer, from back to front, boxes in percent."""
    regions = [
        {"id": region.id, "prompt": region.prompt, "box": _percent(region.box)}
        for region in plan.layers()
    ]
    answer = {
        "regions": regions,
        "base_prompt": plan.effective_base_prompt,
        "base_ratio": plan.base_ratio,
        "negative": plan.negative,
    }
    return json.dumps(answer, ensure_ascii=False, indent=1)


def _percent(box: Box) -> dict[str, int]:
    edges = {"left": box.x0, "top": box.y0, "right": box.x1, "bottom": box.y1}
    return {name: round(100 * edge) for name, edge in edges.items()}


def merged(regions: Sequence[Region], previous: Plan) -> tuple[Region, ...]:
    """The regions with what those of the same id had before: exact box, mask, negative, z, parent.

    What is painted over what stays as in the order given.
    """
    before = {region.id: region for region in previous.layers()}
    updated = [_merged_region(region, before.get(region.id)) for region in regions]
    nested = _nested(updated, previous)
    same = [one.id for one in _flat(nested)] == [one.id for one in updated]
    return nested if same else _leveled(updated)


def _merged_region(region: Region, old: Region | None) -> Region:
    if old is None:
        return region
    update: dict[str, Any] = {"negative": old.negative, "base_ratio": old.base_ratio, "z": old.z}
    if _alike(region.box, old.box):
        update |= {"box": old.box, "mask": old.mask}
    return region.model_copy(update=update)


def _alike(one: Box, other: Box) -> bool:
    pairs = ((one.x0, other.x0), (one.y0, other.y0), (one.x1, other.x1), (one.y1, other.y1))
    return all(abs(a - b) <= _ROUNDED for a, b in pairs)


def _nested(regions: Sequence[Region], previous: Plan) -> tuple[Region, ...]:
    """With those that did not move put back into their parents, where these did not move either."""
    now = {region.id: region for region in regions}
    parents = {
        child.id: region.id
        for region in _containers(previous.regions)
        for child in region.children
        if _stayed(region, now) and _stayed(child, now)
    }

    def filled(region: Region) -> Region:
        inside = [filled(one) for one in regions if parents.get(one.id) == region.id]
        return region.model_copy(update={"children": _leveled(inside)})

    return _leveled([filled(region) for region in regions if region.id not in parents])


def _stayed(region: Region, now: dict[str, Region]) -> bool:
    return region.id in now and now[region.id].box == region.box


def _containers(regions: Sequence[Region]) -> Iterator[Region]:
    for region in regions:
        if region.children:
            yield region
            yield from _containers(region.children)


def _leveled(regions: Sequence[Region]) -> tuple[Region, ...]:
    """Siblings whose z never falls, so that they are painted in the order given."""
    level = min((region.z for region in regions), default=0)
    leveled = []
    for region in regions:
        level = max(level, region.z)
        leveled.append(region.model_copy(update={"z": level}))
    return tuple(leveled)


def _flat(regions: Sequence[Region]) -> Iterator[Region]:
    for region in regions:
        yield region
        yield from _flat(region.children)
