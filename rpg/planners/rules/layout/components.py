"""Nodes of the layout's graph and what connects them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rpg.language.grammar.elements import RelationKind
from rpg.language.scene_graph.graph import Entity
from rpg.planners.rules.layout.blocks import Block, One
from rpg.planners.rules.layout.normal import Pair


@dataclass(frozen=True, slots=True)
class Node:
    """A block and the entities in it; `anchored` is false where its parts' places are inside it."""

    block: Block
    entities: list[Entity]
    anchored: bool = True

    @property
    def anchor(self) -> tuple[int | None, int | None]:
        """The place on the canvas of the first of its entities that has one."""
        if not self.anchored:
            return None, None
        anchors = (entity.anchor for entity in self.entities)
        return next((anchor for anchor in anchors if anchor != (None, None)), (None, None))


def loose(node: Node) -> list[Block]:
    """The node's block; a group without relations or arrangement gives its members one by one."""
    entity = node.entities[0]
    if len(node.entities) == 1 and entity.count > 1 and not entity.arrangement:
        return [One(entity)] * entity.count
    return [node.block]


def related(nodes: Sequence[Node], pairs: Iterable[Pair]) -> list[tuple[RelationKind, int, int]]:
    """The pairs as relations between different nodes, by number."""
    home = {id(entity): at for at, node in enumerate(nodes) for entity in node.entities}
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
