"""Boxes of the things' own shape: about square, each in the middle of its cell.

A model that draws a thing for every piece of canvas it is told of puts two into a long cell. What
a box gives up is left over, and drawn from the scene's setting.
"""

from __future__ import annotations

from collections.abc import Sequence

from rpg.defaults import ModelDefaults
from rpg.planners.base import ModelNotes
from rpg.plans.geometry import Box
from rpg.plans.plan import Plan, Region

_BACKDROP = 0.9  # of the canvas: what covers so much is in nothing's way


def shaped(plan: Plan, notes: ModelNotes) -> Plan:
    """The plan with every single thing in a box that is as square as its cell lets it be.

    Centres stay, so that relations hold; so do sides of at least `notes.region_side` pixels, and
    thereby the canvas. Crowds, what stands in front of something, and what holds others keep their
    boxes.
    """
    layers = plan.layers()
    width, height = notes.sizes[0]
    canvas = ModelDefaults(width=width, height=height, region_side=notes.region_side).canvas(
        region.box for region in layers
    )
    regions = tuple(
        one.model_copy(update={"box": _squared(one.box, canvas, notes.region_side)})
        if _stands_alone(plan, one)
        else one
        for one in plan.regions
    )
    return plan.model_copy(update={"regions": regions})


def _stands_alone(plan: Plan, region: Region) -> bool:
    """Whether a region shows one thing, with nothing in it, before it or behind it."""
    things = [plan.scene.thing(name) for name in region.shows]
    single = all(one and one.count == len(plan.shown_by(one.id)) for one in things)
    others = (one.box for one in plan.regions if one is not region)
    crossed = any(region.box.intersection(box) and box.area < _BACKDROP for box in others)
    return single and not region.children and not crossed and region.box.area < _BACKDROP


def _squared(box: Box, canvas: Sequence[int], least: int) -> Box:
    """The largest box about the same centre that is square, or as long as a side has to be."""
    sides = [box.width * canvas[0], box.height * canvas[1]]
    floors = [side / max(side // least, 1) if least else 0.0 for side in canvas]
    wide, high = (
        min(side, max(min(sides), floor)) / whole
        for side, floor, whole in zip(sides, floors, canvas, strict=True)
    )
    x, y = box.center
    return Box(
        max(x - wide / 2, box.x0),
        max(y - high / 2, box.y0),
        min(x + wide / 2, box.x1),
        min(y + high / 2, box.y1),
    )
