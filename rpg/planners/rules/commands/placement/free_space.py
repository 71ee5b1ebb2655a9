"""Free space: rectangles of the unit square that no box covers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rpg.plans.geometry import Box

_CELLS = 24  # halves, thirds, quarters, sixths and eighths fall on their edges
_SHARE = 1e-3  # of a cell: how much of it may be taken


def free_rectangles(taken: Sequence[Box]) -> Iterator[Box]:
    """The free rectangles on a grid of 24 x 24 that cannot grow sideways."""
    grid = _occupied(taken)
    for top in range(_CELLS):
        closed = [False] * _CELLS
        for bottom in range(top, _CELLS):
            closed = [a or b for a, b in zip(closed, grid[bottom], strict=True)]
            for left, right in _runs(closed):
                yield Box(left / _CELLS, top / _CELLS, right / _CELLS, (bottom + 1) / _CELLS)


def _occupied(taken: Sequence[Box]) -> list[list[bool]]:
    return [[any(_in(box, x, y) for box in taken) for x in range(_CELLS)] for y in range(_CELLS)]


def _in(box: Box, x: int, y: int) -> bool:
    wide = min(box.x1 * _CELLS, x + 1) - max(box.x0 * _CELLS, x)
    high = min(box.y1 * _CELLS, y + 1) - max(box.y0 * _CELLS, y)
    return wide > _SHARE and high > _SHARE


def _runs(closed: Sequence[bool]) -> Iterator[tuple[int, int]]:
    """Start and end of every run of open columns."""
    start: int | None = None
    for at, shut in enumerate([*closed, True]):
        if shut and start is not None:
            yield start, at
            start = None
        elif not shut and start is None:
            start = at


def aligned(room: Box, x: int | None, y: int | None, width: float, height: float) -> Box:
    """A part of the room, at most so large, towards a column and a row of 3 x 3."""
    left, right = _span(room.x0, room.x1, x, width)
    top, bottom = _span(room.y0, room.y1, y, height)
    return Box(left, top, right, bottom)


def _span(start: float, end: float, place: int | None, length: float) -> tuple[float, float]:
    length = min(length, end - start)
    if place in (0, 2):
        return (start, start + length) if place == 0 else (end - length, end)
    middle = 0.5 if place == 1 else (start + end) / 2
    first = min(max(middle - length / 2, start), end - length)
    return first, first + length
