"""Where a thing goes: at a place on the canvas, beside another thing, or where there is room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rpg.errors import PlanError
from rpg.planners.rules.grammar.elements import Anchor, Kind
from rpg.planners.rules.instructions.board import Board, Item
from rpg.planners.rules.instructions.free import aligned
from rpg.planners.rules.instructions.levels import hosts_of
from rpg.planners.rules.instructions.rooms import Level, Room
from rpg.planners.rules.instructions.spans import X, Y, is_at
from rpg.planners.rules.instructions.stage import Place, level_of, levels, placed, riding
from rpg.plans.geometry import FULL, Box

_INSIDE = Box(0.2, 0.2, 0.8, 0.8)
_BEFORE = Box(0.2, 0.4, 0.8, 1.0)  # what stands in front covers this of what is behind
_GAP = 0.2
_SIDES = {Kind.LEFT: (X, False), Kind.RIGHT: (X, True), Kind.ABOVE: (Y, False),
          Kind.ON: (Y, False), Kind.BELOW: (Y, True)}  # fmt: skip


def at_anchor(board: Board, anchor: Anchor, size: float = 1.0, moving: Item | None = None) -> Place:
    """A place on the canvas, for something new or for what is moving.

    Raises:
        PlanError: There is no room.
    """
    if anchor.back:
        return Place(FULL, z=min([item.region.z for item in board.items], default=0) - 1)
    if moving is not None and moving.parent == "" and (row := _in_row(board, anchor, moving)):
        return row
    level = level_of(board, "", moving)
    room = level.at(anchor.x, anchor.y, size)
    return placed(board, "", _sized(room, anchor, moving), moving)


def _in_row(board: Board, anchor: Anchor, moving: Item) -> Place | None:
    """The end of the row or column that something stands in already, where that is the place."""
    level = level_of(board, "", None)
    if moving.id not in level.boxes:
        return None
    for axis, place, other in ((X, anchor.x, anchor.y), (Y, anchor.y, anchor.x)):
        line = level.line(moving.id, axis)
        ends = {0: line[0], 2: line[-1]}
        if place in (0, 2) and other is None and len(line) > 1 and ends[place] != moving.id:
            room = level.reorder(moving.id, ends[place], axis, place == 2)
            if is_at(room.box, anchor.x, anchor.y):
                return placed(board, "", room, moving)
    return None


def _sized(room: Room, anchor: Anchor, moving: Item | None) -> Room:
    """The room cut down to what is moving into it."""
    if moving is None:
        return room
    box = aligned(room.box, anchor.x, anchor.y, moving.box.width, moving.box.height)
    return Room(box, room.moves)


def anywhere(board: Board, size: float = 1.0) -> Place:
    """Where there is the most room.

    Raises:
        PlanError: There is none.
    """
    return placed(board, "", level_of(board, "", None).anywhere(size), None)


def beside(
    board: Board,
    kinds: Sequence[Kind],
    others: Sequence[Item],
    size: float = 1.0,
    moving: Item | None = None,
) -> Place:
    """A place that stands to another thing, or between two, as the relation says.

    Raises:
        PlanError: There is no room, or such a place cannot be made for one thing.
    """
    if moving is not None and moving.id in {other.id for other in others}:
        raise PlanError(f"{moving.shown} cannot stand by itself: say beside what")
    kind = kinds[0]
    if kind in _SIDES:
        return _diagonal(board, kinds, _outermost(others, *_SIDES[kind]), size, moving)
    if kind is Kind.BESIDE:
        return _next_to(board, _outermost(others, X, True), size, moving)
    if kind is Kind.BETWEEN and len(others) == 2:
        return _between(board, others[0], others[1], size, moving)
    if kind not in (Kind.INSIDE, Kind.FRONT, Kind.BEHIND):
        raise PlanError(f"{kind.value!r}: say 'left of', 'right of', 'above', 'below', 'next to', "
                        "'in front of', 'behind', 'inside' or 'between' two things")  # fmt: skip
    if len(others) != 1:
        raise board.which(f"{kind.value} ...", others)
    if kind is Kind.INSIDE:
        return _inside(board, others[0], size)
    make = _in_front if kind is Kind.FRONT else _behind
    return make(board, others[0], moving)


def _diagonal(
    board: Board, kinds: Sequence[Kind], other: Item, size: float, moving: Item | None
) -> Place:
    """On one side of the other thing; "above and to the left" takes half of that."""
    place = _on_side(board, _SIDES[kinds[0]], other, size, moving)
    if len(kinds) == 1:
        return place
    column = 0 if kinds[1] is Kind.LEFT else 2
    half = aligned(place.box, column, None, place.box.width / 2, place.box.height)
    return replace(place, box=half)


def _outermost(others: Sequence[Item], axis: int, after: bool) -> Item:
    """The one of several that is farthest on that side."""
    ends = sorted(others, key=lambda item: item.box.center[axis])
    return ends[-1] if after else ends[0]


def _on_side(
    board: Board, side: tuple[int, bool], other: Item, size: float, moving: Item | None
) -> Place:
    """Free room on that side of the other thing, else room that its row or column makes."""
    axis, after = side
    whole, level, name = levels(board, other, moving)
    if moving is not None and moving.id in whole.line(name, axis):
        room = whole.reorder(moving.id, name, axis, after)
        return placed(board, other.parent, room, moving)
    box = _free_beside(level, level.boxes[name], side, size)
    room = Room(box, {}) if box else level.insert(name, axis, after, size)
    return placed(board, other.parent, room, moving, z=other.region.z)


def _free_beside(level: Level, ref: Box, side: tuple[int, bool], size: float) -> Box | None:
    axis, after = side
    towards = 0 if after else 2

    def suits(box: Box) -> bool:
        centre = box.center[1 - axis]
        start, end = (ref.y0, ref.y1) if axis == X else (ref.x0, ref.x1)
        mine, edge = ((box.x0, box.x1), (ref.x0, ref.x1)) if axis == X else (
            (box.y0, box.y1), (ref.y0, ref.y1))  # fmt: skip
        gap = mine[0] - edge[1] if after else edge[0] - mine[1]
        return start <= centre <= end and -1e-6 <= gap <= _GAP

    x, y = (towards, None) if axis == X else (None, towards)
    return level.free(suits, x, y, size)


def _next_to(board: Board, other: Item, size: float, moving: Item | None) -> Place:
    whole, level, name = levels(board, other, moving)
    if moving is not None and moving.id in whole.line(name, X):
        line = whole.line(name, X)
        return _on_side(board, (X, line.index(moving.id) > line.index(name)), other, size, moving)
    for after in (True, False):
        box = _free_beside(level, level.boxes[name], (X, after), size)
        if box:
            return placed(board, other.parent, Room(box, {}), moving, z=other.region.z)
    return _on_side(board, (X, True), other, size, moving)


def _between(board: Board, one: Item, other: Item, size: float, moving: Item | None) -> Place:
    """Between two things of one row or column; else on the side that looks at the other one."""
    whole, level, first = levels(board, one, moving)
    hosts = hosts_of(board.siblings(one.parent))
    second = hosts.get(other.id, other.id)
    if second not in level.boxes or second == first:
        raise PlanError(f"there is no place between {one.shown} and {other.shown}")
    a, b = level.boxes[first].center, level.boxes[second].center
    axis = X if abs(a[0] - b[0]) >= abs(a[1] - b[1]) else Y
    after = b[axis] > a[axis]
    if moving is not None and moving.id in whole.line(first, axis):
        room = whole.reorder(moving.id, first, axis, after)
    else:
        box = _free_beside(level, level.boxes[first], (axis, after), size)
        low, high = sorted((a[axis], b[axis]))
        fits = box is not None and low < box.center[axis] < high
        room = Room(box, {}) if box and fits else level.insert(first, axis, after, size)
    return placed(board, one.parent, room, moving)


def _inside(board: Board, other: Item, size: float) -> Place:
    level = level_of(board, other.id, None)
    if not level.boxes:
        return Place(_INSIDE.within(other.box), other.id)
    return placed(board, other.id, level.anywhere(size), None)


def _in_front(board: Board, other: Item, moving: Item | None) -> Place:
    z = 1 + max(item.region.z for item in board.siblings(other.parent) if item is not moving)
    box = _BEFORE.within(other.box)
    if moving is not None:
        box = aligned(box, 1, 2, moving.box.width, moving.box.height) if _fits(moving, box) else box
    return Place(box, other.parent, z)


def _fits(moving: Item, box: Box) -> bool:
    return moving.box.width < box.width and moving.box.height < box.height


def _behind(board: Board, other: Item, moving: Item | None) -> Place:
    """The room of the other one, which comes forward and leaves some to be seen."""
    nearer = _BEFORE.within(other.box)
    moves = {other.id: nearer, **riding(board, other.parent, {other.id: nearer}, moving)}
    return Place(other.box, other.parent, other.region.z - 1, moves)
