"""Boxes along an axis: 0 to the right, 1 down."""

from __future__ import annotations

from rpg.plans.geometry import Box

X, Y = 0, 1
_NEAR = 0.03  # between edges of one row


def is_at(box: Box, x: int | None, y: int | None) -> bool:
    """Whether the middle of the box is in that column and row of 3 x 3."""
    column, row = (min(int(centre * 3 + 1e-9), 2) for centre in box.center)
    return x in (None, column) and y in (None, row)


def along(box: Box, axis: int) -> tuple[float, float]:
    """Start and end of a box along an axis."""
    return (box.x0, box.x1) if axis == X else (box.y0, box.y1)


def cross(box: Box, axis: int) -> tuple[float, float]:
    """Start and end of a box across an axis."""
    return along(box, 1 - axis)


def length(box: Box, axis: int) -> float:
    """Length of a box along an axis."""
    return box.width if axis == X else box.height


def boxed(axis: int, along: tuple[float, float], cross: tuple[float, float]) -> Box:
    """The box with these ends along an axis and across it."""
    (x0, x1), (y0, y1) = (along, cross) if axis == X else (cross, along)
    return Box(x0, y0, x1, y1)


def close(one: tuple[float, float], other: tuple[float, float]) -> bool:
    """Whether two spans begin and end at about the same places."""
    return all(abs(a - b) <= _NEAR for a, b in zip(one, other, strict=True))


def overlap(one: Box, other: Box) -> bool:
    """Whether the boxes share more than an edge."""
    common = one.intersection(other)
    return common is not None and min(common.width, common.height) > 1e-6


def distance(box: Box, point: tuple[float, float]) -> float:
    """How far a point is from a box, along the axes."""
    x, y = point
    return max(box.x0 - x, 0, x - box.x1) + max(box.y0 - y, 0, y - box.y1)
