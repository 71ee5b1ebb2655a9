"""Blocks: parts of a layout that can fill any box, so that rows of them tile the canvas."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from rpg.language.scene_graph.graph import Entity
from rpg.planners.rules.layout.splits import cut, even_splits, shares, split_rows
from rpg.plans.geometry import Box


@dataclass(frozen=True, slots=True)
class Cell:
    """One region to be: an entity, or one of several, in its box."""

    entity: Entity
    box: Box
    z: int


class Extent(NamedTuple):
    """The room a block wants: rows and columns, and every entity's size against ordinary ones."""

    rows: int
    columns: int
    sizes: tuple[float, ...]

    @property
    def size(self) -> float:
        """The size of the largest entity."""
        return max(self.sizes)


class Block(Protocol):
    """Something that fills a box."""

    def extent(self) -> Extent:
        """The room it wants."""
        ...

    def place(self, box: Box, z: int = 0) -> Iterator[Cell]:
        """Puts everything in the block into the box."""
        ...


@dataclass(frozen=True, slots=True)
class One:
    """One entity, or one of several."""

    entity: Entity

    def extent(self) -> Extent:
        """One cell."""
        return Extent(1, 1, (self.entity.size,))

    def place(self, box: Box, z: int = 0) -> Iterator[Cell]:
        """Fills the box."""
        yield Cell(self.entity, box, z)


@dataclass(frozen=True, slots=True)
class Flat:
    """Blocks without relations: as many rows as suit the box."""

    parts: tuple[Block, ...]

    def extent(self) -> Extent:
        """As on a square."""
        split = split_rows(len(self.parts))
        return Extent(len(split), max(split), _sizes(self.parts))

    def place(self, box: Box, z: int = 0) -> Iterator[Cell]:
        """Rows from left to right, as even as can be; as square as can be where sizes differ."""
        split = split_rows(len(self.parts), round(box.width / box.height, 6))
        rows = Rows(cut(self.parts, split))
        if len(set(_sizes(self.parts))) > 1:
            others = [Rows(cut(self.parts, split)) for split in even_splits(len(self.parts))]
            rows = min(others, key=lambda other: stretch(other.place(box)))
        yield from rows.place(box, z)


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of blocks, from top to bottom; every row fills the width."""

    lines: tuple[tuple[Block, ...], ...]

    def extent(self) -> Extent:
        """Rows one above the other."""
        lines = [_line_extent(line) for line in self.lines]
        sizes = tuple(size for line in lines for size in line.sizes)
        return Extent(sum(line.rows for line in lines), max(line.columns for line in lines), sizes)

    def place(self, box: Box, z: int = 0) -> Iterator[Cell]:
        """Even rows and columns; where sizes differ, areas in proportion to them."""
        mixed = len(set(self.extent().sizes)) > 1
        wanted = [_line_extent(line) for line in self.lines]
        heights = [sum(extent.sizes) if mixed else extent.rows for extent in wanted]
        for line, (y0, y1) in zip(self.lines, shares(heights), strict=True):
            room = [block.extent() for block in line]
            widths = [sum(extent.sizes) if mixed else extent.columns for extent in room]
            for block, (x0, x1) in zip(line, shares(widths), strict=True):
                yield from block.place(Box(x0, y0, x1, y1).within(box), z)


def _line_extent(line: Sequence[Block]) -> Extent:
    """The room of blocks side by side."""
    wanted = [block.extent() for block in line]
    rows, columns = max(e.rows for e in wanted), sum(e.columns for e in wanted)
    return Extent(rows, columns, _sizes(line))


def _sizes(blocks: Iterable[Block]) -> tuple[float, ...]:
    return tuple(size for block in blocks for size in block.extent().sizes)


def stretch(cells: Iterable[Cell]) -> float:
    """How far cells are from squares: the mean, in octaves of their aspect ratios."""
    octaves = [abs(math.log2(cell.box.width / cell.box.height)) for cell in cells]
    return round(math.fsum(octaves) / len(octaves), 6)


def _tallness(line: Sequence[Block]) -> float:
    """Height of a row around a middle, against one of ordinary entities."""
    return math.sqrt(sum(block.extent().size for block in line) / len(line))


@dataclass(frozen=True, slots=True)
class Depth:
    """Layers from back to front: each covers the lower middle of those behind it."""

    layers: tuple[tuple[Block, ...], ...]

    def extent(self) -> Extent:
        """The room of the largest layer."""
        wanted = [_line_extent(layer) for layer in self.layers]
        sizes = max((extent.sizes for extent in wanted), key=sum)
        return Extent(max(e.rows for e in wanted), max(e.columns for e in wanted), sizes)

    def place(self, box: Box, z: int = 0) -> Iterator[Cell]:
        """The back fills the box; the front 3/5 of it each way, more or less as sizes go."""
        back, front = (_line_extent(layer).size for layer in (self.layers[0], self.layers[-1]))
        off = 1 - min(max(0.6 * math.sqrt(front / back), 0.35), 0.85)
        for depth, layer in enumerate(self.layers):
            part = off * depth / max(len(self.layers) - 1, 1)
            inner = Box(part / 2, part, 1 - part / 2, 1.0).within(box)
            yield from Rows((layer,)).place(inner, z + depth)


@dataclass(frozen=True, slots=True)
class Ring:
    """A block in the middle of at least two others."""

    middle: Block
    around: tuple[Block, ...]

    def extent(self) -> Extent:
        """Three by three; of two only, one row."""
        return Extent(1 if len(self.around) == 2 else 3, 3, _sizes((self.middle, *self.around)))

    def place(self, box: Box, z: int = 0) -> Iterator[Cell]:
        """Two stand left and right; four above and below in pairs; more all round."""
        lines = self._lines()
        heights = [self._weight(line, _tallness(line)) for line in lines]
        for line, (y0, y1) in zip(lines, shares(heights), strict=True):
            widths = [self._weight((block,), block.extent().size) for block in line]
            for block, (x0, x1) in zip(line, shares(widths), strict=True):
                yield from block.place(Box(x0, y0, x1, y1).within(box), z)

    def _lines(self) -> tuple[tuple[Block, ...], ...]:
        sides = 0 if len(self.around) == 4 else 2
        above = sides + (len(self.around) - sides + 1) // 2
        left, right = self.around[: sides // 2], self.around[sides // 2 : sides]
        lines = (self.around[sides:above], (*left, self.middle, *right), self.around[above:])
        return tuple(line for line in lines if line)

    def _weight(self, line: Sequence[Block], ordinary: float) -> float:
        """The middle gets twice the room of the others, more where it is big."""
        return 2.0 * math.sqrt(self.middle.extent().size) if self.middle in line else ordinary


def several(entity: Entity) -> Block:
    """All of one kind of entity as a block, as it is arranged."""
    ones: tuple[Block, ...] = (One(entity),) * entity.count
    if entity.count == 1:
        return One(entity)
    if entity.arrangement == "row":
        return Rows((ones,))
    if entity.arrangement == "column":
        return Rows(tuple((one,) for one in ones))
    if "x" in entity.arrangement:
        rows, columns = (int(part) for part in entity.arrangement.split("x"))
        return Rows((ones[:columns],) * rows)
    return Flat(ones)
