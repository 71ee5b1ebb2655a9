"""Blocks at places of the canvas: corners, edges, the middle."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from rpg.planners.rules.layout.blocks import Block, Cell, Extent
from rpg.planners.rules.layout.packing import best_rows
from rpg.planners.rules.layout.splits import shares
from rpg.plans.geometry import Box

T = TypeVar("T")
Placement = tuple[int | None, int | None]
_FREE = 1.5  # for what names no place: between the others, but need not be in the exact middle


@dataclass(frozen=True, slots=True)
class Slots:
    """Blocks with their places: column and row of 3 x 3, or None where that is free."""

    blocks: tuple[tuple[Placement, Block], ...]

    def extent(self) -> Extent:
        """Three by three."""
        return Extent(3, 3, tuple(size for _, one in self.blocks for size in one.extent().sizes))

    def place(self, box: Box, z: int = 0) -> Iterator[Cell]:
        """Rows of places; a place that nothing takes stays with the base prompt."""
        lines = _grouped([(y, (x, block)) for (x, y), block in self.blocks])
        heights = [_size([block for _, block in line]) for line in lines.values()]
        for (y0, y1), line in zip(_spans(list(lines), heights), lines.values(), strict=True):
            cells = _grouped(line)
            widths = [_size(blocks) for blocks in cells.values()]
            for (x0, x1), blocks in zip(_spans(list(cells), widths), cells.values(), strict=True):
                yield from best_rows(blocks).place(Box(x0, y0, x1, y1).within(box), z)


def _grouped(items: Sequence[tuple[int | None, T]]) -> dict[float, list[T]]:
    """What goes to each place along one axis, in order."""
    free = 1 if any(place == 1 for place, _ in items) else _FREE
    groups: dict[float, list[T]] = {}
    for place, item in items:
        groups.setdefault(free if place is None else place, []).append(item)
    return dict(sorted(groups.items()))


def _size(blocks: Sequence[Block]) -> float:
    """The size of the largest entity in the blocks."""
    return max(block.extent().size for block in blocks)


def _spans(taken: list[float], sizes: list[float]) -> list[tuple[float, float]]:
    """The span of 0 to 1 for every place that is taken, in order; two share it as sizes go."""
    if taken in ([_FREE], [1]):
        return [(0.0, 1.0)]
    if len(taken) == 1:
        return [(0.0, 0.5)] if taken == [0] else [(0.5, 1.0)]
    if 1 in taken or len(taken) == 3:
        third = {0: 0, 1: 1, _FREE: 1, 2: 2}
        return [(third[place] / 3, (third[place] + 1) / 3) for place in taken]
    return shares(sizes)
