"""Normalizes relations to the four kinds of constraint that the layout solves."""

from __future__ import annotations

from dataclasses import dataclass, field

from rpg.language.grammar.elements import RelationKind
from rpg.language.lexicon.inflect import is_plural
from rpg.language.scene_graph.graph import Entity, Relation, SceneGraph, split_off

_FLIPPED = {
    RelationKind.RIGHT: RelationKind.LEFT,
    RelationKind.BELOW: RelationKind.ABOVE,
    RelationKind.BEHIND: RelationKind.FRONT,
}
_MOST_PAIRS = 256
_DEEPEST = 4  # boxes inside boxes
_PLAIN = frozenset({RelationKind.LEFT, RelationKind.ABOVE, RelationKind.BESIDE, RelationKind.FRONT})


@dataclass(frozen=True, slots=True)
class Pair:
    """`first` is left of, above, next to, or in front of `second`."""

    kind: RelationKind
    first: Entity
    second: Entity


@dataclass(slots=True)
class Constraints:
    """What the layout has to keep; what stands inside what is noted on the entities themselves.

    Attributes:
        pairs: In the order of the prompt.
        rings: An entity and those around it, two regions or more.
    """

    pairs: list[Pair] = field(default_factory=list)
    rings: list[tuple[Entity, tuple[Entity, ...]]] = field(default_factory=list)


def normalize(graph: SceneGraph) -> Constraints:
    """The graph's relations as constraints; groups on both sides of something are split."""
    constraints = Constraints()
    for relation in list(graph.relations):
        _reduce(graph, relation, constraints)
    for relation in graph.relations:
        _carry_forward(relation, constraints)
    _flatten(graph)
    constraints.pairs = list(dict.fromkeys(constraints.pairs))[:_MOST_PAIRS]
    return constraints


def _reduce(graph: SceneGraph, relation: Relation, into: Constraints) -> None:
    kind, subject, objects = relation.kind, relation.subject, list(relation.objects)
    if kind is RelationKind.ON:
        kind = RelationKind.ABOVE
    if kind in _PLAIN or kind in _FLIPPED:
        _pairs(kind, subject, objects, into)
    elif kind in (RelationKind.INSIDE, RelationKind.CONTAINS):
        for entity in objects:
            inner, outer = (subject, entity) if kind is RelationKind.INSIDE else (entity, subject)
            _put_inside(graph, inner, outer)
    elif kind in (RelationKind.AMID, RelationKind.AROUND):
        middle, around = (
            (subject, objects) if kind is RelationKind.AMID else (objects[0], [subject])
        )
        _surround(graph, middle, around, into)
    elif kind is RelationKind.SIDES:
        subject.count = 2 if subject.count == 1 and not subject.crowd else subject.count
        _between(graph, objects[0], [subject], into)
    else:
        _between(graph, subject, objects, into)


def _pairs(kind: RelationKind, subject: Entity, objects: list[Entity], into: Constraints) -> None:
    for entity in objects:
        pair = (subject, entity) if kind in _PLAIN else (entity, subject)
        into.pairs.append(Pair(_FLIPPED.get(kind, kind), *pair))


def _carry_forward(relation: Relation, into: Constraints) -> None:
    """What stands on something stands in front of what that is in front of."""
    if relation.kind is RelationKind.ON:
        into.pairs += [
            Pair(RelationKind.FRONT, relation.subject, pair.second)
            for pair in into.pairs
            if pair.kind is RelationKind.FRONT and pair.first in relation.objects
            if pair.second is not relation.subject
        ]


def _put_inside(graph: SceneGraph, inner: Entity, outer: Entity) -> None:
    if not inner.put_inside(outer):
        graph.notes.append(f"{inner.name} inside {outer.name} contradicts the rest")


def _flatten(graph: SceneGraph) -> None:
    """Takes out what is inside so much that little of the canvas would be left for it."""
    for entity in sorted(graph.entities, key=lambda entity: len(entity.outer)):
        if len(entity.outer) > _DEEPEST and entity.parent is not None:
            graph.notes.append(f"{entity.name} inside {entity.parent.name}: there is no room left")
            entity.parent, entity.held = None, ""


def _surround(graph: SceneGraph, middle: Entity, around: list[Entity], into: Constraints) -> None:
    if sum(entity.count for entity in around) == 1:
        _put_inside(graph, middle, around[0])
    else:
        into.rings.append((middle, tuple(around)))


def _between(graph: SceneGraph, middle: Entity, outer: list[Entity], into: Constraints) -> None:
    """Left and right of the middle; with three or more, all round it."""
    total = sum(entity.count for entity in outer)
    if total == 1 and is_plural(outer[0].noun[-1].lower()):
        outer[0].count = total = 2  # "between white cupboards": some on either side
    if total == 1:
        into.pairs.append(Pair(RelationKind.BESIDE, middle, outer[0]))
    elif total == 2:
        left, right = outer if len(outer) == 2 else (outer[0], _halved(graph, outer[0]))
        into.pairs += [
            Pair(RelationKind.LEFT, left, middle),
            Pair(RelationKind.LEFT, middle, right),
        ]
    else:
        into.rings.append((middle, tuple(outer)))


def _halved(graph: SceneGraph, pair: Entity) -> Entity:
    other = split_off(pair, 1)
    graph.entities.insert(graph.entities.index(pair) + 1, other)
    return other
