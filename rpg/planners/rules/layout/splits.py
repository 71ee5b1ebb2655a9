"""How many entities go into each row, and how much of a side each part gets."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import cache
from typing import TypeVar

T = TypeVar("T")

_UNEVEN = 0.6  # what an incomplete grid costs, in octaves of aspect ratio
_LEAST = 0.35  # the smallest share of an even part that a small entity is left with


@cache
def split_rows(count: int, aspect: float = 1.0) -> tuple[int, ...]:
    """How many entities each row holds, for nearly square cells; complete grids are preferred.

    Args:
        count: Entities, at least 1.
        aspect: Width over height of the box.
    """
    rows = (_even(count, number) for number in range(1, count + 1))
    return min(rows, key=lambda split: _cost(split, aspect))


def even_splits(count: int) -> Iterator[tuple[int, ...]]:
    """All ways to make rows that are as equal as can be; the fewest rows first."""
    for rows in range(1, count + 1):
        split = _even(count, rows)
        yield from dict.fromkeys((split, split[::-1]))


def _even(count: int, rows: int) -> tuple[int, ...]:
    """Rows as equal as can be, the shorter ones first."""
    short, longer = divmod(count, rows)
    return (short,) * (rows - longer) + (short + 1,) * longer


def _cost(split: tuple[int, ...], aspect: float) -> float:
    octaves = (count * abs(math.log2(aspect * len(split) / count)) for count in split)
    return sum(octaves) / sum(split) + (_UNEVEN if len(set(split)) > 1 else 0.0)


def cut(parts: Sequence[T], split: Sequence[int]) -> tuple[tuple[T, ...], ...]:
    """The parts in runs of the given lengths."""
    ends = [sum(split[: at + 1]) for at in range(len(split))]
    return tuple(tuple(parts[end - count : end]) for count, end in zip(split, ends, strict=True))


def shares(weights: Sequence[float]) -> list[tuple[float, float]]:
    """Start and end of parts of 0 to 1 in proportion to the weights; no part becomes a sliver."""
    least = _LEAST * sum(weights) / len(weights)
    weights = [max(weight, least) for weight in weights]
    total = math.fsum(weights)
    ends = [math.fsum(weights[: at + 1]) / total for at in range(len(weights) - 1)]
    return list(zip([0.0, *ends], [*ends, 1.0], strict=True))


def compositions(count: int) -> Iterator[tuple[int, ...]]:
    """All ways to write a number as a sum, in order; the fewest summands first."""
    for summands in range(1, count + 1):
        yield from _sums(count, summands)


def _sums(count: int, summands: int) -> Iterator[tuple[int, ...]]:
    if summands == 1:
        yield (count,)
        return
    for first in range(1, count - summands + 2):
        for rest in _sums(count - first, summands - 1):
            yield (first, *rest)
