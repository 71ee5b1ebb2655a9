"""Resizing and nudging: larger, smaller, a bit to the left."""

from __future__ import annotations

from rpg.errors import PlanError
from rpg.planners.rules.commands.placement.rooms import Room
from rpg.planners.rules.commands.placement.tree_levels import (
    Placement,
    bounds_of,
    level_of,
    placed,
    unit,
)
from rpg.planners.rules.commands.plan_editor import PlanEditor, RegionNode
from rpg.plans.geometry import Box


def resized(editor: PlanEditor, item: RegionNode, wider: float, taller: float) -> Placement:
    """The thing's place, so many times as wide and as tall; others give way.

    Raises:
        PlanError: It fills all there is, or something else would be too small.
    """
    bounds = bounds_of(editor, item.parent)
    now = unit(item.box, bounds)
    width, height = min(now.width * wider, 1.0), min(now.height * taller, 1.0)
    if max(wider, taller) > 1 and width - now.width < 0.01 and height - now.height < 0.01:
        raise PlanError(f"{item.shown} fills all the room there is already")
    return _pushed(editor, item, _around(now.center, width, height))


def nudged(editor: PlanEditor, item: RegionNode, x: float, y: float) -> Placement:
    """The thing's place, so far to the right and down; at an edge it becomes smaller.

    Raises:
        PlanError: Something would be too small.
    """
    now = unit(item.box, bounds_of(editor, item.parent))
    spans = (_shifted(now.x0, now.x1, x), _shifted(now.y0, now.y1, y))
    if None in spans:
        raise PlanError(f"{item.shown} is at that edge already")
    (x0, x1), (y0, y1) = (span or (0.0, 1.0) for span in spans)
    return _pushed(editor, item, Box(x0, y0, x1, y1))


def _shifted(start: float, end: float, by: float) -> tuple[float, float] | None:
    """The span so far on; shorter if it takes all there is, None if it is at that end already."""
    if end - start > 1 - 1e-6 and by:
        return (0.0, 1 - 2 * abs(by)) if by < 0 else (2 * abs(by), 1.0)
    if not by:
        return start, end
    by = max(by, -start) if by < 0 else min(by, 1 - end)
    return None if abs(by) < 0.01 else (max(start + by, 0.0), min(end + by, 1.0))


def _around(centre: tuple[float, float], width: float, height: float) -> Box:
    x = min(max(centre[0] - width / 2, 0.0), 1.0 - width)
    y = min(max(centre[1] - height / 2, 0.0), 1.0 - height)
    return Box(x, y, min(x + width, 1.0), min(y + height, 1.0))


def _pushed(editor: PlanEditor, item: RegionNode, box: Box) -> Placement:
    level = level_of(editor, item.parent, None)
    room = level.pushed(item.id, box) if item.id in level.boxes else Room(box, {})
    return placed(editor, item.parent, room, item)
