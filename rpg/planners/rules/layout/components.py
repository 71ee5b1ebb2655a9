"""Nodes of the layout's graph and what connects them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rpg.language.grammar.elements import Kind
from rpg.language.scene_graph.graph import Thing
from rpg.planners.rules.layout.blocks import Block, One
from rpg.planners.rules.layout.normal import Pair


@dataclass(frozen=True, slots=True)
class Node:
    """A block and the things in it; `anchored` is false where its parts' places are inside it."""

    block: Block
    things: list[Thing]
    anchored: bool = True

    @property
    def anchor(self) -> tuple[int | None, int | None]:
        """The place on the canvas of the first of its things that has one."""
        if not self.anchored:
            return None, None
        anchors = (thing.anchor for thing in self.things)
        return next((anchor for anchor in anchors if anchor != (None, None)), (None, None))


def loose(node: Node) -> list[Block]:
    """The node's block; a group without relations or arrangement gives its members one by one."""
    thing = node.things[0]
    if len(node.things) == 1 and thing.count > 1 and not thing.arrangement:
        return [One(thing)] * thing.count
    return [node.block]


def related(nodes: Sequence[Node], pairs: Iterable[Pair]) -> list[tuple[Kind, int, int]]:
    """The pairs as relations between different nodes, by number."""
    home = {id(thing): at for at, node in enumerate(nodes) for thing in node.things}
    edges = []
    for pair in pairs:
        a, b = home.get(id(pair.first)), home.get(id(pair.second))
        if a is not None and b is not None and a != b:
            edges.append((pair.kind, a, b))
    return edges


def components(count: int, edges: Iterable[tuple[int, int]]) -> list[list[int]]:
    """The connected parts of a graph over 0 to count - 1, each in order, the first's first."""
    group = list(range(count))
    for a, b in edges:
        old, new = max(group[a], group[b]), min(group[a], group[b])
        group = [new if g == old else g for g in group]
    return [[at for at in range(count) if group[at] == root] for root in sorted(set(group))]
