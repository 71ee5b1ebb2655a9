"""Placements: at a position on the canvas, beside another region, or where there is room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rpg.errors import PlanError
from rpg.language.grammar.elements import Anchor, RelationKind
from rpg.planners.rules.commands.placement.axes import X, Y, is_at
from rpg.planners.rules.commands.placement.free_space import aligned
from rpg.planners.rules.commands.placement.rooms import Room, SiblingBoxes
from rpg.planners.rules.commands.placement.stacking import hosts_of
from rpg.planners.rules.commands.placement.tree_levels import (
    Placement,
    level_of,
    levels,
    placed,
    riding,
)
from rpg.planners.rules.commands.plan_editor import PlanEditor, RegionNode
from rpg.plans.geometry import FULL, Box

_INSIDE = Box(0.2, 0.2, 0.8, 0.8)
_BEFORE = Box(0.2, 0.4, 0.8, 1.0)  # what stands in front covers this of what is behind
_GAP = 0.2
_SIDES = {
    RelationKind.LEFT: (X, False),
    RelationKind.RIGHT: (X, True),
    RelationKind.ABOVE: (Y, False),
    RelationKind.ON: (Y, False),
    RelationKind.BELOW: (Y, True),
}


def at_anchor(
    editor: PlanEditor, anchor: Anchor, size: float = 1.0, moving: RegionNode | None = None
) -> Placement:
    """A place on the canvas, for something new or for what is moving.

    Raises:
        PlanError: There is no room.
    """
    if anchor.back:
        return Placement(FULL, z=min([item.region.z for item in editor.items], default=0) - 1)
    if moving is not None and moving.parent == "" and (row := _in_row(editor, anchor, moving)):
        return row
    level = level_of(editor, "", moving)
    room = level.at(anchor.x, anchor.y, size)
    return placed(editor, "", _sized(room, anchor, moving), moving)


def _in_row(editor: PlanEditor, anchor: Anchor, moving: RegionNode) -> Placement | None:
    """The end of the row or column that something stands in already, where that is the place."""
    level = level_of(editor, "", None)
    if moving.id not in level.boxes:
        return None
    for axis, place, other in ((X, anchor.x, anchor.y), (Y, anchor.y, anchor.x)):
        line = level.line(moving.id, axis)
        ends = {0: line[0], 2: line[-1]}
        if place in (0, 2) and other is None and len(line) > 1 and ends[place] != moving.id:
            room = level.reorder(moving.id, ends[place], axis, place == 2)
            if is_at(room.box, anchor.x, anchor.y):
                return placed(editor, "", room, moving)
    return None


def _sized(room: Room, anchor: Anchor, moving: RegionNode | None) -> Room:
    """The room cut down to what is moving into it."""
    if moving is None:
        return room
    box = aligned(room.box, anchor.x, anchor.y, moving.box.width, moving.box.height)
    return Room(box, room.moves)


def anywhere(editor: PlanEditor, size: float = 1.0) -> Placement:
    """Where there is the most room.

    Raises:
        PlanError: There is none.
    """
    return placed(editor, "", level_of(editor, "", None).anywhere(size), None)


def beside(
    editor: PlanEditor,
    kinds: Sequence[RelationKind],
    others: Sequence[RegionNode],
    size: float = 1.0,
    moving: RegionNode | None = None,
) -> Placement:
    """A place that stands to another thing, or between two, as the relation says.

    Raises:
        PlanError: There is no room, or such a place cannot be made for one thing.
    """
    if moving is not None and moving.id in {other.id for other in others}:
        raise PlanError(f"{moving.shown} cannot stand by itself: say beside what")
    kind = kinds[0]
    if kind in _SIDES:
        return _diagonal(editor, kinds, _outermost(others, *_SIDES[kind]), size, moving)
    if kind is RelationKind.BESIDE:
        return _next_to(editor, _outermost(others, X, True), size, moving)
    if kind is RelationKind.BETWEEN and len(others) == 2:
        return _between(editor, others[0], others[1], size, moving)
    if kind not in (RelationKind.INSIDE, RelationKind.FRONT, RelationKind.BEHIND):
        raise PlanError(f"{kind.value!r}: say 'left of', 'right of', 'above', 'below', 'next to', "
                        "'in front of', 'behind', 'inside' or 'between' two things")  # fmt: skip
    if len(others) != 1:
        raise editor.which(f"{kind.value} ...", others)
    if kind is RelationKind.INSIDE:
        return _inside(editor, others[0], size)
    make = _in_front if kind is RelationKind.FRONT else _behind
    return make(editor, others[0], moving)


def _diagonal(
    editor: PlanEditor,
    kinds: Sequence[RelationKind],
    other: RegionNode,
    size: float,
    moving: RegionNode | None,
) -> Placement:
    """On one side of the other thing; "above and to the left" takes half of that."""
    place = _on_side(editor, _SIDES[kinds[0]], other, size, moving)
    if len(kinds) == 1:
        return place
    column = 0 if kinds[1] is RelationKind.LEFT else 2
    half = aligned(place.box, column, None, place.box.width / 2, place.box.height)
    return replace(place, box=half)


def _outermost(others: Sequence[RegionNode], axis: int, after: bool) -> RegionNode:
    """The one of several that is farthest on that side."""
    ends = sorted(others, key=lambda item: item.box.center[axis])
    return ends[-1] if after else ends[0]


def _on_side(
    editor: PlanEditor,
    side: tuple[int, bool],
    other: RegionNode,
    size: float,
    moving: RegionNode | None,
) -> Placement:
    """Free room on that side of the other thing, else room that its row or column makes."""
    axis, after = side
    whole, level, name = levels(editor, other, moving)
    if moving is not None and moving.id in whole.line(name, axis):
        room = whole.reorder(moving.id, name, axis, after)
        return placed(editor, other.parent, room, moving)
    box = _free_beside(level, level.boxes[name], side, size)
    room = Room(box, {}) if box else level.insert(name, axis, after, size)
    return placed(editor, other.parent, room, moving, z=other.region.z)


def _free_beside(level: SiblingBoxes, ref: Box, side: tuple[int, bool], size: float) -> Box | None:
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


def _next_to(
    editor: PlanEditor, other: RegionNode, size: float, moving: RegionNode | None
) -> Placement:
    whole, level, name = levels(editor, other, moving)
    if moving is not None and moving.id in whole.line(name, X):
        line = whole.line(name, X)
        return _on_side(editor, (X, line.index(moving.id) > line.index(name)), other, size, moving)
    for after in (True, False):
        box = _free_beside(level, level.boxes[name], (X, after), size)
        if box:
            return placed(editor, other.parent, Room(box, {}), moving, z=other.region.z)
    return _on_side(editor, (X, True), other, size, moving)


def _between(
    editor: PlanEditor, one: RegionNode, other: RegionNode, size: float, moving: RegionNode | None
) -> Placement:
    """Between two things of one row or column; else on the side that looks at the other one."""
    whole, level, first = levels(editor, one, moving)
    hosts = hosts_of(editor.siblings(one.parent))
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
    return placed(editor, one.parent, room, moving)


def _inside(editor: PlanEditor, other: RegionNode, size: float) -> Placement:
    level = level_of(editor, other.id, None)
    if not level.boxes:
        return Placement(_INSIDE.within(other.box), other.id)
    return placed(editor, other.id, level.anywhere(size), None)


def _in_front(editor: PlanEditor, other: RegionNode, moving: RegionNode | None) -> Placement:
    z = 1 + max(item.region.z for item in editor.siblings(other.parent) if item is not moving)
    box = _BEFORE.within(other.box)
    if moving is not None:
        box = aligned(box, 1, 2, moving.box.width, moving.box.height) if _fits(moving, box) else box
    return Placement(box, other.parent, z)


def _fits(moving: RegionNode, box: Box) -> bool:
    return moving.box.width < box.width and moving.box.height < box.height


def _behind(editor: PlanEditor, other: RegionNode, moving: RegionNode | None) -> Placement:
    """The room of the other one, which comes forward and leaves some to be seen."""
    nearer = _BEFORE.within(other.box)
    moves = {other.id: nearer, **riding(editor, other.parent, {other.id: nearer}, moving)}
    return Placement(other.box, other.parent, other.region.z - 1, moves)
