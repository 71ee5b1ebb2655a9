"""Boxes on the canvas and the split-ratio grammar, both ways. Standard library only.

The grammar is that of RPG's official code and of regional-prompter::

    ratio  = row (";" row)*                 rows from top to bottom
    row    = number ("," number)*           columns from left to right
    number = decimal, above zero            spaces and one full stop at the very end are ignored

With one row, every number is the width of a column: ``1,2,1`` is three columns. With several rows,
the first number of each row is its height and the rest are the widths of its columns:
``1,1,1;2,2,3`` is a row of two halves above one twice as high, split 2 to 3. A row of several that
has only its height is one region of full width: ``1;2`` is two rows.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, groupby

from rpg.errors import LayoutError

__all__ = ["FULL", "Box", "format_split_ratio", "grid", "parse_split_ratio"]

MAX_CELLS = 64
_TOLERANCE = 1e-6
_FINEST = 1000  # the largest denominator tried when a split is written as whole numbers
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?|\.[0-9]+")


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
                f"box {edges}: needs 0 <= x0 < x1 <= 1 and 0 <= y0 < y1 <= 1 (fractions of the canvas)"
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
        return shared / (self.area + other.area - shared)

    def within(self, outer: Box) -> Box:
        """This box read as fractions of `outer`, in fractions of the canvas."""
        return Box(
            outer.x0 + self.x0 * outer.width,
            outer.y0 + self.y0 * outer.height,
            min(outer.x0 + self.x1 * outer.width, outer.x1),
            min(outer.y0 + self.y1 * outer.height, outer.y1),
        )

    def to_pixels(self, width: int, height: int) -> tuple[int, int, int, int]:
        """Left, top, right, bottom in pixels of a `width` x `height` canvas, at least one pixel each way.

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
    return _boxes([(1.0, [1.0] * columns)] * rows)


def parse_split_ratio(text: str) -> tuple[Box, ...]:
    """Read a split ratio into boxes that tile the canvas, in reading order.

    Raises:
        LayoutError: the text is no split ratio; `position` is where it stops being one.
    """
    rows = [list(_numbers(text, start, end)) for start, end in _row_spans(text)]
    if len(rows) == 1:
        rows = [[1.0, *rows[0]]]
    split = [(row[0], row[1:] or [1.0]) for row in rows]
    cells = sum(len(columns) for _, columns in split)
    if cells > MAX_CELLS:
        raise LayoutError(f"split ratio: {cells} regions, at most {MAX_CELLS} are drawn", 0)
    return _boxes(split)


def format_split_ratio(boxes: Sequence[Box]) -> str:
    """Write boxes that form rows of columns as a split ratio, in whole numbers where they fit.

    Raises:
        LayoutError: the boxes, in reading order, do not tile the canvas as rows of columns.
    """
    ordered = sorted(boxes, key=lambda box: (round(box.y0, 6), box.x0))
    rows = [list(row) for _, row in groupby(ordered, key=lambda box: round(box.y0, 6))]
    _check_tiles(rows)
    widths = [_whole([box.width for box in row]) for row in rows]
    if len(rows) == 1:
        return ",".join(widths[0])
    heights = _whole([row[0].height for row in rows])
    return ";".join(",".join([h, *row]) for h, row in zip(heights, widths, strict=True))


def _pixel_span(start: float, end: float, length: int) -> tuple[int, int]:
    first = min(round(start * length), length - 1)
    return first, max(round(end * length), first + 1)


def _boxes(rows: Sequence[tuple[float, Sequence[float]]]) -> tuple[Box, ...]:
    """Rows as (height, widths), in any unit, to boxes."""
    ys = _edges([height for height, _ in rows])
    return tuple(
        Box(x0, y0, x1, y1)
        for (_, widths), (y0, y1) in zip(rows, ys, strict=True)
        for x0, x1 in _edges(widths)
    )


def _edges(sizes: Sequence[float]) -> list[tuple[float, float]]:
    total = math.fsum(sizes)
    inner = [min(end / total, 1.0) for end in accumulate(sizes)][:-1]
    points = [0.0, *inner, 1.0]
    if any(end <= start for start, end in zip(points, points[1:], strict=False)):
        raise LayoutError(
            "split ratio: the numbers differ too much; the smallest region has no area", 0
        )
    return list(zip(points, points[1:], strict=False))


def _row_spans(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of every row's text; a full stop at the very end belongs to none."""
    stripped = text.rstrip()
    end = len(stripped) - 1 if stripped.endswith(".") else len(stripped)
    start = 0
    for index in [*(i for i, letter in enumerate(text[:end]) if letter == ";"), end]:
        yield start, index
        start = index + 1


def _numbers(text: str, start: int, end: int) -> Iterator[float]:
    for part in text[start:end].split(","):
        token = part.strip()
        position = start + len(part) - len(part.lstrip())
        if not _NUMBER.fullmatch(token):
            found = f"{token[:20]!r}" if token else "nothing"
            raise LayoutError(
                f"split ratio: expected a number at position {position}, found {found}; "
                "write rows as 1,1,2 separated by ;",
                position,
            )
        value = float(token)
        if not 0 < value < math.inf or not value <= 1e9:
            raise LayoutError(
                f"split ratio: {token[:20]} at position {position} is not between 0 and 1e9",
                position,
            )
        yield value
        start += len(part) + 1


def _check_tiles(rows: Sequence[Sequence[Box]]) -> None:
    bottom = 0.0
    for row in rows:
        right = 0.0
        for box in row:
            if abs(box.x0 - right) > _TOLERANCE or abs(box.y0 - bottom) > _TOLERANCE:
                raise _not_a_grid()
            if abs(box.y1 - row[0].y1) > _TOLERANCE:
                raise _not_a_grid()
            right = box.x1
        if abs(right - 1) > _TOLERANCE:
            raise _not_a_grid()
        bottom = row[0].y1
    if abs(bottom - 1) > _TOLERANCE:
        raise _not_a_grid()


def _not_a_grid() -> LayoutError:
    return LayoutError(
        "these boxes are no rows of columns that fill the canvas; save the plan as JSON"
    )


def _whole(sizes: Sequence[float]) -> list[str]:
    """Sizes that sum to a side as the smallest whole numbers, or as decimals where there are none."""
    shares = [Fraction(size).limit_denominator(_FINEST) for size in sizes]
    fits = sum(shares) == 1 and all(
        share > 0 and abs(float(share) - size) < _TOLERANCE
        for share, size in zip(shares, sizes, strict=True)
    )
    if not fits:
        return [f"{size:.9f}" for size in sizes]
    scale = math.lcm(*(share.denominator for share in shares))
    wholes = [int(share * scale) for share in shares]
    divisor = math.gcd(*wholes)
    return [str(whole // divisor) for whole in wholes]
