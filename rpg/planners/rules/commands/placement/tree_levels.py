"""Levels of the plan's region tree, and rooms on them as placements on the canvas."""

from __future__ import annotations

from dataclasses import dataclass, field

from rpg.planners.rules.commands.placement.axes import overlap
from rpg.planners.rules.commands.placement.rooms import Room, SiblingBoxes
from rpg.planners.rules.commands.placement.stacking import hosts_of, is_backdrop
from rpg.planners.rules.commands.plan_editor import PlanEditor, RegionNode
from rpg.plans.geometry import FULL, Box
from rpg.plans.tree import carried


@dataclass(frozen=True, slots=True)
class Placement:
    """Where something is to go, and the new boxes of what makes room for it."""

    box: Box
    parent: str = ""
    z: int = 0
    moves: dict[str, Box] = field(default_factory=dict)


def levels(
    editor: PlanEditor, other: RegionNode, moving: RegionNode | None
) -> tuple[SiblingBoxes, SiblingBoxes, str]:
    """The level of a thing, with and without what is moving; and what stands for it there."""
    hosts = hosts_of(editor.siblings(other.parent))
    name = hosts.get(other.id, other.id)
    whole = level_of(editor, other.parent, None)
    if moving is not None and name == moving.id:
        name = other.id
    if name not in whole.boxes:  # a backdrop, or in front of what is moving
        whole = SiblingBoxes(
            {**whole.boxes, name: unit(editor.item(name).box, bounds_of(editor, other.parent))}
        )
    return whole, whole.without(moving.id) if moving else whole, name


def bounds_of(editor: PlanEditor, parent: str) -> Box:
    """The box of a region, or the canvas."""
    return editor.item(parent).box if parent else FULL


def level_of(editor: PlanEditor, parent: str, moving: RegionNode | None) -> SiblingBoxes:
    """What stands in a region, or on the canvas, in fractions of it."""
    bounds = bounds_of(editor, parent)
    boxes = {}
    for item in standing(editor, parent):
        common = item.box.intersection(bounds)
        if common is not None and (moving is None or item.id != moving.id):
            boxes[item.id] = unit(common, bounds)
    return SiblingBoxes(boxes)


def standing(editor: PlanEditor, parent: str) -> list[RegionNode]:
    """What takes room: neither a backdrop nor in front of something else."""
    siblings = editor.siblings(parent)
    hosts = hosts_of(siblings)
    return [item for item in siblings if item.id not in hosts and not is_backdrop(item, siblings)]


def unit(box: Box, bounds: Box) -> Box:
    """The box in fractions of the bounds."""
    return Box.clamped(
        (box.x0 - bounds.x0) / bounds.width,
        (box.y0 - bounds.y0) / bounds.height,
        (box.x1 - bounds.x0) / bounds.width,
        (box.y1 - bounds.y0) / bounds.height,
    )


def placed(
    editor: PlanEditor, parent: str, room: Room, moving: RegionNode | None, *, z: int | None = None
) -> Placement:
    """The room in fractions of the canvas; what stands in front of what moves goes along."""
    bounds = bounds_of(editor, parent)
    moves = {name: box.within(bounds) for name, box in room.moves.items()}
    box = room.box.within(bounds)
    leaders = moves if moving is None else {**moves, moving.id: box}
    moves.update(riding(editor, parent, leaders, moving))
    if z is None:
        z = moving.region.z if moving is not None else 0
    covered = [item.region.z for item in standing(editor, parent)
               if item is not moving and overlap(moves.get(item.id, item.box), box)]  # fmt: skip
    if covered:
        z = max(z, max(covered) + 1)
    return Placement(box, parent, z, moves)


def riding(
    editor: PlanEditor, parent: str, moves: dict[str, Box], moving: RegionNode | None = None
) -> dict[str, Box]:
    """New boxes for what stands in front of what moves."""
    hosts = hosts_of(editor.siblings(parent))
    along = {rider: host for rider, host in hosts.items() if host in moves}
    return {
        rider: carried(editor.item(rider).box, editor.item(host).box, moves[host])
        for rider, host in along.items()
        if moving is None or rider != moving.id
    }
