"""Boxes on the canvas, in fractions of it. Standard library only."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rpg.errors import LayoutError

__all__ = ["FULL", "MAX_CELLS", "Box", "covered", "grid", "rows_of"]

MAX_CELLS = 64
_TOLERANCE = 1e-6  # between edges meant to be one: what JSON written by hand is rounded to


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in fractions of the canvas, half-open, y down.

    Attributes:
        x0: left edge, 0 to below 1.
        y0: top edge, 0 to below 1.
        x1: right edge, above x0, at most 1.
        y1: bottom edge, above y0, at most 1.

    Raises:
        LayoutError: an edge is not a number, lies outside the canvas, or the box has no area.
    """

    x0: float
    y0: float
    x1: float
    y1: float

    def __post_init__(self) -> None:
        """Refuse what is no rectangle on the canvas."""
        edges = (self.x0, self.y0, self.x1, self.y1)
        if not all(isinstance(edge, int | float) and math.isfinite(edge) for edge in edges):
            raise LayoutError(f"box {edges}: edges must be finite numbers from 0 to 1")
        if not (0 <= self.x0 < self.x1 <= 1 and 0 <= self.y0 < self.y1 <= 1):
            raise LayoutError(
                f"box {edges}: needs 0 <= x0 < x1 <= 1 and 0 <= y0 < y1 <= 1, in fractions of the "
                "canvas"
            )

    @classmethod
    def clamped(cls, x0: float, y0: float, x1: float, y1: float) -> Box:
        """The part of a rectangle that lies on the canvas; reversed edges are swapped.

        Raises:
            LayoutError: an edge is not finite, or nothing of it lies on the canvas.
        """
        if not all(math.isfinite(edge) for edge in (x0, y0, x1, y1)):
            raise LayoutError(f"box {(x0, y0, x1, y1)}: edges must be finite numbers")
        (x0, x1), (y0, y1) = sorted((x0, x1)), sorted((y0, y1))
        return cls(max(x0, 0.0), max(y0, 0.0), min(x1, 1.0), min(y1, 1.0))

    @property
    def width(self) -> float:
        """Share of the canvas's width."""
        return self.x1 - self.x0

    @property
    def height(self) -> float:
        """Share of the canvas's height."""
        return self.y1 - self.y0

    @property
    def area(self) -> float:
        """Share of the canvas's area."""
        return self.width * self.height

    @property
    def center(self) -> tuple[float, float]:
        """The middle, x and y."""
        return (self.x0 + self.x1) / 2, (self.y0 + self.y1) / 2

    def contains(self, x: float, y: float) -> bool:
        """Whether the point lies in the box; the right and bottom edges do not."""
        return self.x0 <= x < self.x1 and self.y0 <= y < self.y1

    def intersection(self, other: Box) -> Box | None:
        """The common part, or None where the two share no area."""
        x0, y0 = max(self.x0, other.x0), max(self.y0, other.y0)
        x1, y1 = min(self.x1, other.x1), min(self.y1, other.y1)
        return Box(x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None

    def iou(self, other: Box) -> float:
        """Intersection over union, 0 to 1."""
        common = self.intersection(other)
        shared = common.area if common else 0.0
        union = self.area + other.area - shared
        return shared / union if union else 0.0  # a sliver's area can be too small for a float

    def within(self, outer: Box) -> Box:
        """This box read as fractions of `outer`, in fractions of the canvas."""
        return Box(
            outer.x0 + self.x0 * outer.width,
            outer.y0 + self.y0 * outer.height,
            min(outer.x0 + self.x1 * outer.width, outer.x1),
            min(outer.y0 + self.y1 * outer.height, outer.y1),
        )

    def to_pixels(self, width: int, height: int) -> tuple[int, int, int, int]:
        """Left, top, right, bottom in pixels of a `width` x `height` canvas, one at least each way.

        Edges are rounded, so boxes that share an edge share it in pixels too.
        """
        left, right = _pixel_span(self.x0, self.x1, width)
        top, bottom = _pixel_span(self.y0, self.y1, height)
        return left, top, right, bottom


FULL = Box(0.0, 0.0, 1.0, 1.0)


def grid(rows: int, columns: int) -> tuple[Box, ...]:
    """Equal cells in reading order.

    Raises:
        LayoutError: fewer than one row or column, or more than 64 cells.
    """
    if rows < 1 or columns < 1 or rows * columns > MAX_CELLS:
        raise LayoutError(f"a grid of {rows} x {columns}: needs 1 to {MAX_CELLS} cells")
    return tuple(
        Box(x / columns, y / rows, (x + 1) / columns, (y + 1) / rows)
        for y in range(rows)
        for x in range(columns)
    )


def covered(box: Box, above: Sequence[Box]) -> bool:
    """Whether every cell between the edges of all boxes lies under one of those above."""
    parts = [part for part in (box.intersection(other) for other in above) if part is not None]
    across = sorted({box.x0, box.x1, *(edge for part in parts for edge in (part.x0, part.x1))})
    down = sorted({box.y0, box.y1, *(edge for part in parts for edge in (part.y0, part.y1))})
    return all(any(part.contains(x, y) for part in parts) for x in across[:-1] for y in down[:-1])


def rows_of(boxes: Sequence[Box]) -> list[list[Box]]:
    """The boxes in reading order, row by row.

    Raises:
        LayoutError: they do not tile the canvas as rows of columns.
    """
    rows: list[list[Box]] = []
    for box in sorted(boxes, key=lambda box: box.y0):
        if rows and abs(box.y0 - rows[-1][0].y0) <= _TOLERANCE:
            rows[-1].append(box)
        else:
            rows.append([box])
    rows = [sorted(row, key=lambda box: box.x0) for row in rows]
    level = all(abs(box.y1 - row[0].y1) <= _TOLERANCE for row in rows for box in row)
    fills = _chained([(row[0].y0, row[0].y1) for row in rows]) and all(
        _chained([(box.x0, box.x1) for box in row]) for row in rows
    )
    if not (level and fills):
        raise LayoutError(
            "these boxes are no rows of columns that fill the canvas, which is all that a split "
            "ratio can say; save the plan as JSON"
        )
    return rows


def _pixel_span(start: float, end: float, length: int) -> tuple[int, int]:
    first = min(round(start * length), length - 1)
    return first, max(round(end * length), first + 1)


def _chained(spans: Sequence[tuple[float, float]]) -> bool:
    """Whether the spans go from 0 to 1 without gap or overlap."""
    ends = [0.0, *(end for _, end in spans)]
    starts = [*(start for start, _ in spans), 1.0]
    return all(abs(start - end) <= _TOLERANCE for start, end in zip(starts, ends, strict=True))
