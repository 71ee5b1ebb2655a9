"""Rows and columns for entities that are left of, above or next to each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, groupby, permutations

from rpg.language.grammar.elements import RelationKind
from rpg.planners.rules.layout.blocks import Block, Cell, Extent, Rows
from rpg.planners.rules.layout.components import Node, loose, related
from rpg.planners.rules.layout.normal import Pair
from rpg.planners.rules.layout.packing import best_rows
from rpg.planners.rules.layout.ranks import Ranks
from rpg.plans.geometry import FULL, Box

_MOST_SHUFFLED = 6  # in a row; 720 orders of them

Edge = tuple[RelationKind, int, int]


@dataclass(frozen=True, slots=True)
class Lattice:
    """Blocks in the cells of a grid, some of them empty: keeps any order of rows and columns."""

    cells: tuple[tuple[int, int, Block], ...]  # row, column

    def extent(self) -> Extent:
        """As many rows and columns as there are."""
        rows, columns, _ = zip(*self.cells, strict=True)
        sizes = tuple(size for *_, block in self.cells for size in block.extent().sizes)
        return Extent(1 + max(rows), 1 + max(columns), sizes)

    def place(self, box: Box, z: int = 0) -> Iterator[Cell]:
        """Equal cells."""
        rows, columns, _ = self.extent()
        for y, x, block in self.cells:
            cell = Box(x / columns, y / rows, (x + 1) / columns, (y + 1) / rows)
            yield from block.place(cell.within(box), z)


def arrange(nodes: Sequence[Node], pairs: Sequence[Pair]) -> Block:
    """A block in which the nodes keep the pairs; full rows if those do, else a grid with gaps."""
    edges = related(nodes, pairs)
    y, x = _ranks(nodes, edges)
    rows = _full_rows(nodes, pairs, y.values(), _neighbourly(x, y.values(), edges))
    if broken(rows, pairs) == 0:
        return rows
    lattice = _lattice(nodes, y.values(), x.values())
    return min((rows, lattice), key=lambda block: broken(block, pairs))


def _ranks(nodes: Sequence[Node], edges: Sequence[Edge]) -> tuple[Ranks, Ranks]:
    """Ranks by y and x. What is left of something is level with it where nothing forbids that."""
    y, x = Ranks(len(nodes)), Ranks(len(nodes))
    for kind, a, b in edges:
        if kind is RelationKind.ABOVE:
            y.before(a, b)
        elif kind is RelationKind.LEFT:
            x.before(a, b)
    _anchor(nodes, x, 0)
    _anchor(nodes, y, 1)
    above = {(a, b) for kind, a, b in edges if kind is RelationKind.ABOVE}
    for kind, a, b in edges:
        if kind is RelationKind.ABOVE:
            x.level(a, b)
        elif (a, b) not in above and (b, a) not in above:
            y.level(a, b)
    return y, x


def _anchor(nodes: Sequence[Node], ranks: Ranks, axis: int) -> None:
    """Puts nodes with a place on the canvas before those that come later along that axis."""
    for (a, first), (b, second) in permutations(enumerate(nodes), 2):
        here, there = first.anchor[axis], second.anchor[axis]
        if here is None and there is None:
            continue
        if (1 if here is None else here) < (1 if there is None else there):
            ranks.before(a, b)


def _neighbourly(x: Ranks, rows: Sequence[int], edges: Sequence[Edge]) -> list[int]:
    """Places along x in which what is related within a row stands as near as x's order allows."""
    place = x.values()
    for row in sorted(set(rows)):
        here = sorted((at for at, y in enumerate(rows) if y == row), key=lambda at: (place[at], at))
        wanted = [(a, b) for _, a, b in edges if a in here and b in here]
        if not 2 < len(here) <= _MOST_SHUFFLED or not wanted:
            continue
        allowed = [order for order in permutations(here) if _keeps(order, x)]
        best = min(
            allowed, key=lambda order: sum(abs(order.index(a) - order.index(b)) for a, b in wanted)
        )
        for at, item in enumerate(best):
            place[item] = at
    return place


def _keeps(order: Sequence[int], x: Ranks) -> bool:
    """Whether nothing in the order stands after what x puts it before."""
    return not any(x.must_follow(a, b) for a, b in combinations(order, 2))


def _full_rows(
    nodes: Sequence[Node], pairs: Sequence[Pair], y: Sequence[int], x: Sequence[int]
) -> Block:
    order = sorted(range(len(nodes)), key=lambda at: (y[at], x[at], at))
    rows = [[nodes[at] for at in row] for _, row in groupby(order, key=lambda at: y[at])]
    return Rows(tuple(_line(row, pairs) for row in rows))


def _line(row: Sequence[Node], pairs: Sequence[Pair]) -> tuple[Block, ...]:
    """The blocks of a row; groups that only share the row are laid out as one."""
    ones = [block for node in row for block in loose(node)]
    sideways = related(row, [pair for pair in pairs if pair.kind is not RelationKind.ABOVE])
    if sideways or len(ones) == len(row) or any(len(node.entities) > 1 for node in row):
        return tuple(node.block for node in row)
    return (best_rows(ones),)


def _lattice(nodes: Sequence[Node], y: Sequence[int], x: Sequence[int]) -> Block:
    rows, columns = sorted(set(y)), sorted(set(x))
    cells: dict[tuple[int, int], list[Block]] = {}
    for at, node in enumerate(nodes):
        cells.setdefault((rows.index(y[at]), columns.index(x[at])), []).append(node.block)
    return Lattice(tuple((row, column, best_rows(found)) for (row, column), found in cells.items()))


def broken(block: Block, pairs: Sequence[Pair]) -> int:
    """How many of the pairs do not hold when the block fills the canvas."""
    boxes: dict[int, list[Box]] = {}
    for placed in block.place(FULL):
        boxes.setdefault(id(placed.entity), []).append(placed.box)
    here = [p for p in pairs if id(p.first) in boxes and id(p.second) in boxes]
    return sum(not holds(p.kind, boxes[id(p.first)], boxes[id(p.second)]) for p in here)


def holds(kind: RelationKind, first: Sequence[Box], second: Sequence[Box]) -> bool:
    """Whether every first box is left of or above every second, by centres; else always."""
    test = _TESTS.get(kind)
    return test is None or all(test(a, b) for a in first for b in second)


def overlap(first: Sequence[Box], second: Sequence[Box]) -> bool:
    """Whether any first box shares area with any second."""
    return any(a.intersection(b) for a in first for b in second)


def _left(a: Box, b: Box) -> bool:
    return a.center[0] < b.center[0] - 1e-9


def _above(a: Box, b: Box) -> bool:
    return a.center[1] < b.center[1] - 1e-9


_TESTS: dict[RelationKind, Callable[[Box, Box], bool]] = {
    RelationKind.LEFT: _left,
    RelationKind.ABOVE: _above,
}
