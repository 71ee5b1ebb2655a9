"""The layout solver: boxes between whose centres every relation holds."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rpg.language.grammar.elements import RelationKind
from rpg.language.scene_graph.graph import Entity
from rpg.planners.rules.layout.blocks import Block, Cell, Depth, One, Ring, several
from rpg.planners.rules.layout.components import Node, components, loose, related
from rpg.planners.rules.layout.lattice import arrange, overlap
from rpg.planners.rules.layout.normal import Constraints, Pair
from rpg.planners.rules.layout.packing import best_rows
from rpg.planners.rules.layout.ranks import Ranks
from rpg.planners.rules.layout.slots import Slots
from rpg.plans.geometry import FULL, Box

# Parts of somebody's box, by where they have an entity.
_HELD = {"hand": Box(0.3, 0.45, 0.7, 0.95), "head": Box(0.3, 0.0, 0.7, 0.4)}


@dataclass(frozen=True, slots=True)
class PlacedEntity:
    """A region to be, with those inside it."""

    entity: Entity
    box: Box
    z: int
    inside: tuple[PlacedEntity, ...] = ()


def lay_out(entities: Sequence[Entity], constraints: Constraints) -> tuple[PlacedEntity, ...]:
    """A box for every entity and each one of several. What contradicts the rest gives way."""
    return tuple(_level(entities, constraints, None, FULL, 0, ()))


def _level(
    entities: Sequence[Entity],
    constraints: Constraints,
    parent: Entity | None,
    box: Box,
    z: int,
    covers: Sequence[Box],
) -> Iterator[PlacedEntity]:
    """The spots of what stands directly in `parent`, or on the canvas, from `z` up.

    `covers` are the boxes of what stands in front of `parent`.
    """
    here = [entity for entity in entities if entity.parent is parent]
    if not here:
        return
    nodes = _nodes([entity for entity in here if not entity.back], _lifted(constraints, parent))
    placed = [Cell(entity, FULL.within(box), z - 1) for entity in here if entity.back]
    if nodes:
        placed += _whole(nodes, _lifted(constraints, parent)).place(box, z)
    firsts: set[int] = set()
    for cell in placed:
        first = id(cell.entity) not in firsts
        firsts.add(id(cell.entity))
        above = [*covers, *(other.box for other in placed if other.z > cell.z)]
        inside = tuple(_inside(entities, constraints, cell, above)) if first else ()
        yield PlacedEntity(cell.entity, cell.box, cell.z, inside)


def _inside(
    entities: Sequence[Entity], constraints: Constraints, cell: Cell, covers: Sequence[Box]
) -> Iterator[PlacedEntity]:
    inner = [entity for entity in entities if entity.parent is cell.entity]
    for held in dict.fromkeys(entity.held for entity in inner):
        group = [entity for entity in inner if entity.held == held]
        part = _HELD[held] if held else _middle(group, cell.entity)
        box = _seen(part.within(cell.box), cell.box, covers)
        these = [entity for entity in entities if entity in group or entity not in inner]
        yield from _level(these, constraints, cell.entity, box, cell.z, covers)


def _seen(box: Box, outer: Box, covers: Sequence[Box]) -> Box:
    """`box`, moved up in `outer` until half of it shows where one of `covers` would hide it."""
    tops = [cover.y0 for cover in covers if cover.intersection(box) == box]
    if not tops:
        return box
    top = max(outer.y0, min(tops) - box.height / 2)
    return Box(box.x0, top, box.x1, top + box.height)


def _middle(inner: Sequence[Entity], outer: Entity) -> Box:
    """The middle of what surrounds the inner entities: 3/5 each way, more or less as sizes go."""
    side = 0.6 * math.sqrt(max(entity.size for entity in inner) / outer.size)
    edge = (1 - min(max(side, 0.35), 0.75)) / 2
    return Box(edge, edge, 1 - edge, 1 - edge)


def _lifted(constraints: Constraints, parent: Entity | None) -> Constraints:
    """The constraints between entities directly in `parent`; each stands for what is inside it."""

    def lift(entity: Entity) -> Entity | None:
        current: Entity | None = entity
        while current is not None and current.parent is not parent:
            current = current.parent
        return current

    pairs = [Pair(p.kind, a, b) for p in constraints.pairs
             if (a := lift(p.first)) and (b := lift(p.second)) and a is not b]  # fmt: skip
    rings = [(m, tuple(r for r in ring if r.parent is parent)) for m, ring in constraints.rings
             if m.parent is parent]  # fmt: skip
    return Constraints(pairs, rings)


def _nodes(entities: Sequence[Entity], constraints: Constraints) -> list[Node]:
    """One node for each entity, ring, or pile of entities before one another."""
    nodes = _rings(entities, constraints)
    taken = {id(entity) for node in nodes for entity in node.entities}
    nodes += [Node(several(entity), [entity]) for entity in entities if id(entity) not in taken]
    order = {id(entity): at for at, entity in enumerate(entities)}
    nodes.sort(key=lambda node: order[id(node.entities[0])])
    return _piles(nodes, constraints)


def _rings(entities: Sequence[Entity], constraints: Constraints) -> list[Node]:
    nodes: list[Node] = []
    here, taken = {id(entity) for entity in entities}, set[int]()
    for middle, around in constraints.rings:
        members = [
            t for t in dict.fromkeys((middle, *around)) if id(t) in here and id(t) not in taken
        ]
        ring = [
            One(entity) for entity in members if entity is not middle for _ in range(entity.count)
        ]
        if middle in members and len(ring) > 1:
            nodes.append(Node(Ring(several(middle), tuple(ring)), members))
            taken |= {id(entity) for entity in members}
    return nodes


def _piles(nodes: list[Node], constraints: Constraints) -> list[Node]:
    """Joins nodes that stand in front of each other into layers."""
    edges = related(nodes, [pair for pair in constraints.pairs if pair.kind is RelationKind.FRONT])
    ranks = Ranks(len(nodes))
    acyclic = [(a, b) for _, a, b in edges if ranks.before(b, a)]
    depth = ranks.values()
    out: list[Node] = []
    for members in components(len(nodes), acyclic):
        one = nodes[members[0]].block
        block = _pile(nodes, members, depth, acyclic, constraints) if len(members) > 1 else one
        out.append(Node(block, [entity for at in members for entity in nodes[at].entities]))
    return out


def _pile(
    nodes: Sequence[Node],
    members: Sequence[int],
    depth: Sequence[int],
    acyclic: Sequence[tuple[int, int]],
    constraints: Constraints,
) -> Block:
    """Layers of what is equally far back; one for each where some would miss what they cover."""
    ranks = sorted({depth[at] for at in members})
    layers = [[at for at in members if depth[at] == rank] for rank in ranks]
    pile = Depth(tuple(_layer([nodes[at] for at in layer], constraints) for layer in layers))
    boxes: dict[int, list[Box]] = {}
    for placed in pile.place(FULL):
        boxes.setdefault(id(placed.entity), []).append(placed.box)
    here = [
        (boxes[id(nodes[a].entities[0])], boxes[id(nodes[b].entities[0])])
        for a, b in acyclic
        if a in members
    ]
    if all(overlap(first, second) for first, second in here):
        return pile
    return Depth(tuple((nodes[at].block,) for layer in layers for at in layer))


def _layer(nodes: list[Node], constraints: Constraints) -> tuple[Block, ...]:
    """Side by side, but what other relations tie together as they say."""
    return tuple(part.block for part in _components(nodes, constraints))


def _whole(nodes: list[Node], constraints: Constraints) -> Block:
    """One block of all nodes."""
    parts = _components(nodes, constraints)
    if any(part.anchor != (None, None) for part in parts) and not _fills_all(parts):
        return Slots(tuple((part.anchor, part.block) for part in parts))
    return best_rows([block for part in parts for block in loose(part)])


def _fills_all(parts: Sequence[Node]) -> bool:
    """Whether there is one part only, in the middle."""
    return len(parts) == 1 and parts[0].anchor == (1, 1)


def _components(nodes: list[Node], constraints: Constraints) -> list[Node]:
    """One node of each part that is held together by relations on the plane."""
    edges = related(
        nodes, [pair for pair in constraints.pairs if pair.kind is not RelationKind.FRONT]
    )
    groups = components(len(nodes), [(a, b) for _, a, b in edges])
    return [_component([nodes[at] for at in group], constraints) for group in groups]


def _component(nodes: list[Node], constraints: Constraints) -> Node:
    if len(nodes) == 1:
        return nodes[0]
    entities = [entity for node in nodes for entity in node.entities]
    return Node(arrange(nodes, constraints.pairs), entities, anchored=False)
