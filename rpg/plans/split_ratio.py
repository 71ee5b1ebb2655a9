"""The split-ratio grammar, "1,1,1;2,2,3", to boxes and back. Standard library only.

It is that of RPG's official code and of regional-prompter::

    ratio  = row (";" row)*                 rows from top to bottom
    row    = number ("," number)*           columns from left to right
    number = digits, with or without a decimal point, from above 0 to 1e9

What each form means, where the official code leaves it open or answers by accident:

    1,2,1           one row: every number is the width of a column
    1               one region, the whole canvas (the official code crashes)
    1,1,1;2,2,3     several rows: a row's first number is its height, the others are its columns'
                    widths; two halves above a row twice as high, split 2 to 3
    1;2             a row of several that is only a height is one region of full width
    1,1;1,1         two rows of one column each, not two by two: that is 1,1,1;1,1,1
    1,(1,1);2       round brackets and white space around numbers mean nothing
    1,1.            nor does one full stop at the very end

Everything else is refused with its position: zeros, signs, exponents, an empty row or column, other
letters, more than 64 regions, a region narrower than a ten-thousandth of its row. (The official
code divides by the zeros and takes what is no number for 1.)
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import NamedTuple

from rpg.errors import LayoutError
from rpg.plans.geometry import MAX_CELLS, Box, rows_of

__all__ = ["format_split_ratio", "parse_split_ratio"]

MAX_NUMBER = 1e9
MIN_SHARE = 1e-4  # of a side; under a pixel on any canvas there is
_FINEST = 1000  # the largest denominator tried when a split is written as whole numbers
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]*)?|\.[0-9]+")
_IGNORED = " \t\r\n\f\v()"


def parse_split_ratio(text: str, start: int = 0, end: int | None = None) -> tuple[Box, ...]:
    """Read a split ratio into boxes that tile the canvas, in reading order.

    Args:
        text: holds the ratio, alone or among other text.
        start: where in `text` the ratio begins.
        end: where it ends; None is the end of the text.

    Raises:
        LayoutError: that is no split ratio; `position`, in `text`, is where it stops being one.
    """
    rows = _read_rows(text, start, len(text) if end is None else end)
    if len(rows) == 1:
        rows = [[_Number(1.0, start), *rows[0]]]
    heights = [row[0] for row in rows]
    columns = [row[1:] or [_Number(1.0, row[0].position)] for row in rows]
    return tuple(
        Box(x0, y0, x1, y1)
        for (y0, y1), widths in zip(_shares(heights), columns, strict=True)
        for x0, x1 in _shares(widths)
    )


def format_split_ratio(boxes: Sequence[Box]) -> str:
    """Write boxes that form rows of columns as a split ratio, in whole numbers where they fit.

    Reading it again gives the same boxes in reading order, to within a millionth of a side.

    Raises:
        LayoutError: the boxes, in reading order, do not tile the canvas as rows of columns.
    """
    rows = rows_of(boxes)
    widths = [_written([box.width for box in row]) for row in rows]
    if len(rows) == 1:
        return ",".join(widths[0])
    heights = _written([row[0].height for row in rows])
    return ";".join(",".join([h, *row]) for h, row in zip(heights, widths, strict=True))


class _Number(NamedTuple):
    """A number of a ratio and where it stands."""

    value: float
    position: int


def _spans(sizes: Sequence[float]) -> list[tuple[float, float]]:
    """Sizes in any unit to start and end, in shares of their sum."""
    total = math.fsum(sizes)
    inner = [edge / total for edge in accumulate(sizes[:-1])]
    return list(pairwise([0.0, *inner, 1.0]))


def _shares(numbers: Sequence[_Number]) -> list[tuple[float, float]]:
    least = min(numbers)
    if least.value < MIN_SHARE * math.fsum(number.value for number in numbers):
        raise LayoutError(
            f"split ratio: {least.value:g} at position {least.position} leaves its region under "
            f"{MIN_SHARE:.2%} of the side; use numbers nearer to each other",
            least.position,
        )
    return _spans([number.value for number in numbers])


def _read_rows(text: str, start: int, end: int) -> list[list[_Number]]:
    end = start + len(text[start:end].rstrip())
    if text[start:end].endswith("."):
        end -= 1
    rows: list[list[_Number]] = []
    for row_text in text[start:end].split(";"):
        rows.append(_read_row(row_text, start))
        start += len(row_text) + 1
        if sum(max(len(row) - 1, 1) for row in rows) > MAX_CELLS:
            raise _too_many(rows[-1][-1].position)
    if len(rows) == 1 and len(rows[0]) > MAX_CELLS:  # a single row has no height before it
        raise _too_many(rows[0][-1].position)
    return rows


def _too_many(position: int) -> LayoutError:
    return LayoutError(
        f"split ratio: over {MAX_CELLS} regions at position {position}; use fewer", position
    )


def _read_row(row_text: str, start: int) -> list[_Number]:
    numbers: list[_Number] = []
    for part in row_text.split(",", MAX_CELLS + 1):
        position = start + len(part) - len(part.lstrip(_IGNORED))
        if len(numbers) > MAX_CELLS:  # the part is all the rest of the row
            raise _too_many(position)
        numbers.append(_read_number(part.strip(_IGNORED), position))
        start += len(part) + 1
    return numbers


def _read_number(token: str, position: int) -> _Number:
    if not _NUMBER.fullmatch(token):
        found = f"{token[:20]!r}" if token else "nothing"
        raise LayoutError(
            f"split ratio: expected a number at position {position}, found {found}; write columns "
            "as 1,2,1 and rows as 1,1,1;2,2,3",
            position,
        )
    value = float(token)
    if not 0 < value <= MAX_NUMBER:
        raise LayoutError(
            f"split ratio: {token[:20]} at position {position} is not above 0 and at most 1e9",
            position,
        )
    return _Number(value, position)


def _written(sizes: Sequence[float]) -> list[str]:
    """Sizes that sum to a side as the smallest whole numbers, else as decimals."""
    shares = [Fraction(size).limit_denominator(_FINEST) for size in sizes]
    if sum(shares) != 1 or any(
        abs(share - Fraction(size)) > 1e-9 for share, size in zip(shares, sizes, strict=True)
    ):
        return [f"{size:.9f}".rstrip("0") for size in sizes]
    scale = math.lcm(*(share.denominator for share in shares))
    return [str(int(share * scale)) for share in shares]
