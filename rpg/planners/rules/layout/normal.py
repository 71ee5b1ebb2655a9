"""Reduces what a prompt says of positions to four relations that a layout can keep."""

from __future__ import annotations

from dataclasses import dataclass, field

from rpg.language.grammar.elements import Kind
from rpg.language.lexicon.inflect import is_plural
from rpg.language.scene_graph.graph import Reading, Relation, Thing, split_off

_FLIPPED = {Kind.RIGHT: Kind.LEFT, Kind.BELOW: Kind.ABOVE, Kind.BEHIND: Kind.FRONT}
_MOST_PAIRS = 256
_DEEPEST = 4  # boxes inside boxes
_PLAIN = frozenset({Kind.LEFT, Kind.ABOVE, Kind.BESIDE, Kind.FRONT})


@dataclass(frozen=True, slots=True)
class Pair:
    """`first` is left of, above, next to, or in front of `second`."""

    kind: Kind
    first: Thing
    second: Thing


@dataclass(slots=True)
class Constraints:
    """What the layout has to keep; what stands inside what is noted on the things themselves.

    Attributes:
        pairs: In the order of the prompt.
        rings: A thing and those around it, two regions or more.
    """

    pairs: list[Pair] = field(default_factory=list)
    rings: list[tuple[Thing, tuple[Thing, ...]]] = field(default_factory=list)


def normalize(reading: Reading) -> Constraints:
    """The reading's relations as constraints; groups on both sides of something are split."""
    constraints = Constraints()
    for relation in list(reading.relations):
        _reduce(reading, relation, constraints)
    for relation in reading.relations:
        _carry_forward(relation, constraints)
    _flatten(reading)
    constraints.pairs = list(dict.fromkeys(constraints.pairs))[:_MOST_PAIRS]
    return constraints


def _reduce(reading: Reading, relation: Relation, into: Constraints) -> None:
    kind, subject, objects = relation.kind, relation.subject, list(relation.objects)
    if kind is Kind.ON:
        kind = Kind.ABOVE
    if kind in _PLAIN or kind in _FLIPPED:
        _pairs(kind, subject, objects, into)
    elif kind in (Kind.INSIDE, Kind.CONTAINS):
        for thing in objects:
            inner, outer = (subject, thing) if kind is Kind.INSIDE else (thing, subject)
            _put_inside(reading, inner, outer)
    elif kind in (Kind.AMID, Kind.AROUND):
        middle, around = (subject, objects) if kind is Kind.AMID else (objects[0], [subject])
        _surround(reading, middle, around, into)
    elif kind is Kind.SIDES:
        subject.count = 2 if subject.count == 1 and not subject.crowd else subject.count
        _between(reading, objects[0], [subject], into)
    else:
        _between(reading, subject, objects, into)


def _pairs(kind: Kind, subject: Thing, objects: list[Thing], into: Constraints) -> None:
    for thing in objects:
        pair = (subject, thing) if kind in _PLAIN else (thing, subject)
        into.pairs.append(Pair(_FLIPPED.get(kind, kind), *pair))


def _carry_forward(relation: Relation, into: Constraints) -> None:
    """What stands on something stands in front of what that is in front of."""
    if relation.kind is Kind.ON:
        into.pairs += [
            Pair(Kind.FRONT, relation.subject, pair.second)
            for pair in into.pairs
            if pair.kind is Kind.FRONT and pair.first in relation.objects
            if pair.second is not relation.subject
        ]


def _put_inside(reading: Reading, inner: Thing, outer: Thing) -> None:
    if not inner.put_inside(outer):
        reading.notes.append(f"{inner.name} inside {outer.name} contradicts the rest")


def _flatten(reading: Reading) -> None:
    """Takes out what is inside so much that little of the canvas would be left for it."""
    for thing in sorted(reading.things, key=lambda thing: len(thing.outer)):
        if len(thing.outer) > _DEEPEST and thing.parent is not None:
            reading.notes.append(f"{thing.name} inside {thing.parent.name}: there is no room left")
            thing.parent, thing.held = None, ""


def _surround(reading: Reading, middle: Thing, around: list[Thing], into: Constraints) -> None:
    if sum(thing.count for thing in around) == 1:
        _put_inside(reading, middle, around[0])
    else:
        into.rings.append((middle, tuple(around)))


def _between(reading: Reading, middle: Thing, outer: list[Thing], into: Constraints) -> None:
    """Left and right of the middle; with three or more, all round it."""
    total = sum(thing.count for thing in outer)
    if total == 1 and is_plural(outer[0].noun[-1].lower()):
        outer[0].count = total = 2  # "between white cupboards": some on either side
    if total == 1:
        into.pairs.append(Pair(Kind.BESIDE, middle, outer[0]))
    elif total == 2:
        left, right = outer if len(outer) == 2 else (outer[0], _halved(reading, outer[0]))
        into.pairs += [Pair(Kind.LEFT, left, middle), Pair(Kind.LEFT, middle, right)]
    else:
        into.rings.append((middle, tuple(outer)))


def _halved(reading: Reading, pair: Thing) -> Thing:
    other = split_off(pair, 1)
    reading.things.insert(reading.things.index(pair) + 1, other)
    return other
