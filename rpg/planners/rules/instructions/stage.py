"""The plan's regions as levels on which room is made, and rooms as places in the plan."""

from __future__ import annotations

from dataclasses import dataclass, field

from rpg.planners.rules.instructions.board import Board, Item
from rpg.planners.rules.instructions.levels import hosts_of, is_backdrop
from rpg.planners.rules.instructions.rooms import Level, Room
from rpg.planners.rules.instructions.spans import overlap
from rpg.plans.geometry import FULL, Box
from rpg.plans.tree import carried


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is to go, and the new boxes of what makes room for it."""

    box: Box
    parent: str = ""
    z: int = 0
    moves: dict[str, Box] = field(default_factory=dict)


def levels(board: Board, other: Item, moving: Item | None) -> tuple[Level, Level, str]:
    """The level of a thing, with and without what is moving; and what stands for it there."""
    hosts = hosts_of(board.siblings(other.parent))
    name = hosts.get(other.id, other.id)
    whole = level_of(board, other.parent, None)
    if moving is not None and name == moving.id:
        name = other.id
    if name not in whole.boxes:  # a backdrop, or in front of what is moving
        whole = Level(
            {**whole.boxes, name: unit(board.item(name).box, bounds_of(board, other.parent))}
        )
    return whole, whole.without(moving.id) if moving else whole, name


def bounds_of(board: Board, parent: str) -> Box:
    """The box of a region, or the canvas."""
    return board.item(parent).box if parent else FULL


def level_of(board: Board, parent: str, moving: Item | None) -> Level:
    """What stands in a region, or on the canvas, in fractions of it."""
    bounds = bounds_of(board, parent)
    boxes = {}
    for item in standing(board, parent):
        common = item.box.intersection(bounds)
        if common is not None and (moving is None or item.id != moving.id):
            boxes[item.id] = unit(common, bounds)
    return Level(boxes)


def standing(board: Board, parent: str) -> list[Item]:
    """What takes room: neither a backdrop nor in front of something else."""
    siblings = board.siblings(parent)
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
    board: Board, parent: str, room: Room, moving: Item | None, *, z: int | None = None
) -> Place:
    """The room in fractions of the canvas; what stands in front of what moves goes along."""
    bounds = bounds_of(board, parent)
    moves = {name: box.within(bounds) for name, box in room.moves.items()}
    box = room.box.within(bounds)
    leaders = moves if moving is None else {**moves, moving.id: box}
    moves.update(riding(board, parent, leaders, moving))
    if z is None:
        z = moving.region.z if moving is not None else 0
    covered = [item.region.z for item in standing(board, parent)
               if item is not moving and overlap(moves.get(item.id, item.box), box)]  # fmt: skip
    if covered:
        z = max(z, max(covered) + 1)
    return Place(box, parent, z, moves)


def riding(
    board: Board, parent: str, moves: dict[str, Box], moving: Item | None = None
) -> dict[str, Box]:
    """New boxes for what stands in front of what moves."""
    hosts = hosts_of(board.siblings(parent))
    along = {rider: host for rider, host in hosts.items() if host in moves}
    return {
        rider: carried(board.item(rider).box, board.item(host).box, moves[host])
        for rider, host in along.items()
        if moving is None or rider != moving.id
    }
