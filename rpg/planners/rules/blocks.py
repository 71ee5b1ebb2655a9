"""Blocks: parts of a layout that know how to fill any box, so that rows of them tile the canvas."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Protocol

from rpg.geometry import FULL, Box
from rpg.planners.rules.things import Thing

_UNEVEN = 0.6  # what an incomplete grid costs, in octaves of aspect ratio
_LEAST = 0.35  # the smallest share of an even part that a small thing is left with


@dataclass(frozen=True, slots=True)
class Placed:
    """One region to be: a thing, or one of several, in its box."""

    thing: Thing
    box: Box
    z: int


class Block(Protocol):
    """Something that fills a box.

    `rows` and `columns` say how much room it wants against one ordinary thing, `size` the area that
    its size words ask for against an ordinary thing's.
    """

    @property
    def rows(self) -> int: ...

    @property
    def columns(self) -> int: ...

    @property
    def size(self) -> float: ...

    def place(self, box: Box, z: int = 0) -> Iterator[Placed]:
        """Puts everything in the block into the box."""
        ...


@cache
def split_rows(count: int, aspect: float = 1.0) -> tuple[int, ...]:
    """How many things each row holds, for cells as square as can be; complete grids are preferred.

    Args:
        count: Things, at least 1.
        aspect: Width over height of the box.
    """
    return min((_even(count, rows) for rows in range(1, count + 1)), key=lambda r: _cost(r, aspect))


def _even(count: int, rows: int) -> tuple[int, ...]:
    """Rows as equal as can be, the shorter ones first."""
    short, longer = divmod(count, rows)
    return (short,) * (rows - longer) + (short + 1,) * longer


def _cost(rows: tuple[int, ...], aspect: float) -> float:
    cells = (n * abs(math.log2(aspect * len(rows) / n)) for n in rows)
    return sum(cells) / sum(rows) + (_UNEVEN if len(set(rows)) > 1 else 0.0)


@dataclass(frozen=True, slots=True)
class One:
    """One thing, or one of several."""

    thing: Thing
    rows: int = 1
    columns: int = 1

    @property
    def size(self) -> float:
        return self.thing.size

    def place(self, box: Box, z: int = 0) -> Iterator[Placed]:
        yield Placed(self.thing, box, z)


@dataclass(frozen=True, slots=True)
class Flat:
    """Blocks without relations: as many rows as suit the box."""

    parts: tuple[Block, ...]

    @property
    def rows(self) -> int:
        return len(split_rows(len(self.parts)))

    @property
    def columns(self) -> int:
        return max(split_rows(len(self.parts)))

    @property
    def size(self) -> float:
        return max(part.size for part in self.parts)

    def place(self, box: Box, z: int = 0) -> Iterator[Placed]:
        split = split_rows(len(self.parts), round(box.width / box.height, 6))
        yield from Rows(_cut(self.parts, split)).place(box, z)


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of blocks, from top to bottom; every row fills the width."""

    lines: tuple[tuple[Block, ...], ...]

    @property
    def rows(self) -> int:
        return sum(_height(line) for line in self.lines)

    @property
    def columns(self) -> int:
        return max(sum(block.columns for block in line) for line in self.lines)

    @property
    def size(self) -> float:
        return max(block.size for line in self.lines for block in line)

    def place(self, box: Box, z: int = 0) -> Iterator[Placed]:
        single = len(self.lines) == 1
        heights = [_height(line) * _tallness(line) for line in self.lines]
        for line, (y0, y1) in zip(self.lines, shares(heights), strict=True):
            widths = [b.columns * (b.size if single else math.sqrt(b.size)) for b in line]
            for block, (x0, x1) in zip(line, shares(widths), strict=True):
                yield from block.place(Box(x0, y0, x1, y1).within(box), z)


def _height(line: Sequence[Block]) -> int:
    return max(block.rows for block in line)


def _tallness(line: Sequence[Block]) -> float:
    return math.sqrt(sum(block.size for block in line) / len(line))


def _cut(parts: Sequence[Block], split: Sequence[int]) -> tuple[tuple[Block, ...], ...]:
    lines, start = [], 0
    for count in split:
        lines.append(tuple(parts[start : start + count]))
        start += count
    return tuple(lines)


def shares(weights: Sequence[float]) -> list[tuple[float, float]]:
    """Start and end of parts of 0 to 1 in proportion to the weights; no part becomes a sliver."""
    least = _LEAST * sum(weights) / len(weights)
    weights = [max(weight, least) for weight in weights]
    total = math.fsum(weights)
    ends = [math.fsum(weights[: i + 1]) / total for i in range(len(weights) - 1)]
    return list(zip([0.0, *ends], [*ends, 1.0], strict=True))


@dataclass(frozen=True, slots=True)
class Depth:
    """Layers from back to front: each covers the lower middle of the one behind it."""

    layers: tuple[tuple[Block, ...], ...]

    @property
    def rows(self) -> int:
        return max(_height(layer) for layer in self.layers)

    @property
    def columns(self) -> int:
        return max(sum(block.columns for block in layer) for layer in self.layers)

    @property
    def size(self) -> float:
        return max(block.size for layer in self.layers for block in layer)

    def place(self, box: Box, z: int = 0) -> Iterator[Placed]:
        for depth, layer in enumerate(self.layers):
            part = depth / max(len(self.layers) - 1, 1)
            inner = Box(0.2 * part, 0.4 * part, 1 - 0.2 * part, 1).within(box)
            yield from Rows((layer,)).place(inner, z + depth)


@dataclass(frozen=True, slots=True)
class Ring:
    """A block in the middle of at least two others."""

    middle: Block
    around: tuple[Block, ...]

    @property
    def rows(self) -> int:
        return 1 if len(self.around) == 2 else 3

    @property
    def columns(self) -> int:
        return 3

    @property
    def size(self) -> float:
        return self.middle.size

    def place(self, box: Box, z: int = 0) -> Iterator[Placed]:
        """Two left and right; three or four above and below; more all round."""
        top, sides = _ring_counts(len(self.around))
        bottom = len(self.around) - top - sides
        left, right = self.around[:sides][: sides // 2], self.around[:sides][sides // 2 :]
        centre = (*left, self.middle, *right)
        lines = (self.around[sides : sides + top], centre, self.around[len(self.around) - bottom :])
        whole = tuple(line for line in lines if line)
        weights = [2.0 * math.sqrt(self.middle.size) if line is centre else _tallness(line)
                   for line in whole]  # fmt: skip
        for line, (y0, y1) in zip(whole, shares(weights), strict=True):
            widths = [2.0 * b.size if b is self.middle else b.size for b in line]
            for block, (x0, x1) in zip(line, shares(widths), strict=True):
                yield from block.place(Box(x0, y0, x1, y1).within(box), z)


def _ring_counts(count: int) -> tuple[int, int]:
    """How many stand above, and how many beside; the rest stand below."""
    if count == 2:
        return 0, 2
    sides = 0 if count in (4,) else 2
    above = (count - sides + 1) // 2
    return above, sides


def several(thing: Thing) -> Block:
    """All of one kind of thing as a block, as it is arranged."""
    ones: tuple[Block, ...] = (One(thing),) * thing.count
    if thing.count == 1:
        return One(thing)
    if thing.arrangement == "row":
        return Rows((ones,))
    if thing.arrangement == "column":
        return Rows(tuple((one,) for one in ones))
    if "x" in thing.arrangement:
        rows, columns = (int(part) for part in thing.arrangement.split("x"))
        return Rows((ones[:columns],) * rows)
    return Flat(ones)


def best_rows(blocks: Sequence[Block]) -> Block:
    """Blocks that have no relation to each other, in the rows that suit their forms best."""
    if all(isinstance(block, One) for block in blocks):
        return Flat(tuple(blocks)) if len(blocks) > 1 else blocks[0]
    if len(blocks) > 8:
        return Flat(tuple(blocks))
    candidates = [Rows(_cut(blocks, split)) for split in _compositions(len(blocks))]
    return min(candidates, key=_ugliness)


def _compositions(count: int) -> Iterator[tuple[int, ...]]:
    """All ways to write count as a sum, in order; the fewest rows first."""
    for rows in range(1, count + 1):
        yield from _sums(count, rows)


def _sums(count: int, rows: int) -> Iterator[tuple[int, ...]]:
    if rows == 1:
        yield (count,)
        return
    for first in range(1, count - rows + 2):
        for rest in _sums(count - first, rows - 1):
            yield (first, *rest)


def _ugliness(block: Block) -> float:
    """Mean distance, in octaves, of the cells from squares of equal area."""
    cells = list(block.place(FULL))
    total = 0.0
    for placed in cells:
        total += abs(math.log2(placed.box.width / placed.box.height))
        total += 0.5 * abs(math.log2(placed.box.area * len(cells) / placed.thing.size))
    return round(total / len(cells), 6)
