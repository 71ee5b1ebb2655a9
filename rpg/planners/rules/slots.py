"""Blocks at places of the canvas: corners, edges, the middle."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rpg.geometry import Box
from rpg.planners.rules.blocks import Block, Placed, best_rows

Place = tuple[int | None, int | None]


@dataclass(frozen=True, slots=True)
class Slots:
    """Blocks with their places: column and row of 3 x 3, or None where that is free."""

    blocks: tuple[tuple[Place, Block], ...]
    rows: int = 1
    columns: int = 1
    size: float = 1.0

    def place(self, box: Box, z: int = 0) -> Iterator[Placed]:
        """Rows of places; a place that nothing takes stays with the base prompt."""
        lines = self._lines()
        for (y0, y1), line in zip(_spans(list(lines)), lines.values(), strict=True):
            cells = _cells(line)
            for (x0, x1), blocks in zip(_spans(list(cells)), cells.values(), strict=True):
                yield from best_rows(blocks).place(Box(x0, y0, x1, y1).within(box), z)

    def _lines(self) -> dict[float, list[tuple[Place, Block]]]:
        """Blocks by row. What has no row goes between, or where its column is free."""
        free_row = _free_row([y for (_, y), _ in self.blocks])
        lines: dict[float, list[tuple[Place, Block]]] = {}
        for (x, y), block in self.blocks:
            lines.setdefault(free_row if y is None else y, []).append(((x, y), block))
        return dict(sorted(lines.items()))


def _free_row(rows: Sequence[int | None]) -> float:
    """The row for what names none: 1.5 means that it need not be the exact middle."""
    return 1 if 1 in rows else 1.5


def _cells(line: Sequence[tuple[Place, Block]]) -> dict[float, list[Block]]:
    free = _free_row([x for (x, _), _ in line])
    cells: dict[float, list[Block]] = {}
    for (x, _), block in line:
        cells.setdefault(free if x is None else x, []).append(block)
    return dict(sorted(cells.items()))


def _spans(taken: list[float]) -> list[tuple[float, float]]:
    """The span of 0 to 1 for every place taken, in order; 0, 1, 2 are exact, 1.5 is free."""
    exact = [place for place in taken if place != 1.5]
    if taken in ([1.5], [1]):
        return [(0.0, 1.0)]
    if len(taken) == 1:
        return [(0.0, 0.5)] if taken == [0] else [(0.5, 1.0)]
    if 1 in exact or len(taken) == 3:
        thirds = {0: (0.0, 1 / 3), 1: (1 / 3, 2 / 3), 1.5: (1 / 3, 2 / 3), 2: (2 / 3, 1.0)}
        return [thirds[place] for place in taken]
    return [(0.0, 0.5), (0.5, 1.0)]
