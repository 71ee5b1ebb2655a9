"""Finds rows for blocks that have no relation to each other."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rpg.planners.rules.layout.blocks import Block, Flat, One, Rows, stretch
from rpg.planners.rules.layout.splits import compositions, cut
from rpg.plans.geometry import FULL

_MOST_TRIED = 8  # blocks; 2**7 ways to put them in rows


def best_rows(blocks: Sequence[Block]) -> Block:
    """The blocks, in order, in the rows that suit their forms best."""
    if len(blocks) == 1:
        return blocks[0]
    if len(blocks) > _MOST_TRIED or all(isinstance(block, One) for block in blocks):
        return Flat(tuple(blocks))
    candidates = [Rows(cut(blocks, split)) for split in compositions(len(blocks))]
    return min(candidates, key=_ugliness)


def _ugliness(block: Block) -> float:
    """Mean distance, in octaves, of the cells from squares of equal area."""
    cells = list(block.place(FULL))
    unequal = (abs(math.log2(cell.box.area * len(cells) / cell.entity.size)) for cell in cells)
    return round(stretch(cells) + 0.5 * math.fsum(unequal) / len(cells), 6)
