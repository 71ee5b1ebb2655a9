"""Spatial relations between a plan's things, from their boxes and from the prompt."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations, product

from rpg.critics._targets import Target
from rpg.language.grammar.elements import RelationKind
from rpg.language.scene_graph.graph import Entity, Relation
from rpg.plans.geometry import Box

_NEAR = 0.02  # of the canvas: boxes that overlap by less stand side by side
_LEVEL = 0.5  # of the smaller side: less in common is a diagonal
_CLEAR = 0.01  # of the canvas between two centres
_MOST_PAIRS = 6  # of one relation of the prompt: "five stars left of four moons" are twenty

_GATHERING = frozenset({RelationKind.BETWEEN, RelationKind.AMID, RelationKind.FLANKED})
_TURNED = {RelationKind.RIGHT: RelationKind.LEFT, RelationKind.BELOW: RelationKind.ABOVE}

Span = Callable[[Box], tuple[float, float]]


@dataclass(frozen=True, slots=True)
class TargetRelation:
    """The first target stands to the others as the kind says."""

    kind: RelationKind
    targets: tuple[Target, ...]


def relations(targets: Sequence[Target], stated: Sequence[Relation]) -> list[TargetRelation]:
    """Relations between neighbours, then those that the prompt names; each once."""
    unique: dict[tuple[object, ...], TargetRelation] = {}
    for stands in (*_neighbours(targets), *_named(targets, stated)):
        unique.setdefault((stands.kind, *(target.key for target in stands.targets)), stands)
    return list(unique.values())


def _neighbours(targets: Sequence[Target]) -> Iterator[TargetRelation]:
    """Who stands right beside or right above whom; things that look alike do not count."""
    own = list({target.region: target for target in reversed(targets)}.values())[::-1]
    for kind, along, across in ((RelationKind.LEFT, _xs, _ys), (RelationKind.ABOVE, _ys, _xs)):
        for a, b in permutations(own, 2):
            if _alike(a, b) or not _before(a.box, b.box, along, across):
                continue
            if not any(_between(a.box, c.box, b.box, along, across) for c in own):
                yield TargetRelation(kind, (a, b))


def _alike(a: Target, b: Target) -> bool:
    return a.noun == b.noun and set(a.attributes) == set(b.attributes)


def _xs(box: Box) -> tuple[float, float]:
    return box.x0, box.x1


def _ys(box: Box) -> tuple[float, float]:
    return box.y0, box.y1


def _before(a: Box, b: Box, along: Span, across: Span) -> bool:
    """Whether a lies wholly before b, and level with it."""
    (start_a, end_a), (start_b, end_b) = across(a), across(b)
    common = min(end_a, end_b) - max(start_a, start_b)
    level = common >= _LEVEL * min(end_a - start_a, end_b - start_b)
    return level and along(a)[1] <= along(b)[0] + _NEAR and along(a)[0] < along(b)[0]


def _between(a: Box, c: Box, b: Box, along: Span, across: Span) -> bool:
    return c not in (a, b) and _before(a, c, along, across) and _before(c, b, along, across)


def _named(targets: Sequence[Target], stated: Sequence[Relation]) -> Iterator[TargetRelation]:
    for relation in stated:
        subjects = _targets_of(relation.subject, targets)
        objects = [_targets_of(thing, targets) for thing in relation.objects]
        if not subjects or not all(objects):
            continue
        if relation.kind in _GATHERING:
            others = [target for each in objects for target in each]
            sets = [(subject, *others) for subject in subjects]
        else:
            sets = [pair for each in objects for pair in product(subjects, each)]
        if len(sets) <= _MOST_PAIRS:
            yield from _kept(relation.kind, sets)


def _targets_of(thing: Entity, targets: Sequence[Target]) -> list[Target]:
    """The targets that a thing of the prompt has become."""
    same = [target for target in targets if target.noun == thing.head]
    words = {word.lower() for word in thing.attributes}
    fitting = [target for target in same if words & set(target.attributes)]
    return fitting or same


def _kept(kind: RelationKind, sets: Sequence[tuple[Target, ...]]) -> Iterator[TargetRelation]:
    """Those that the boxes do not contradict: a region may have been moved since."""
    for given in sets:
        if len({target.key for target in given}) < len(given):
            continue
        way, ordered = (_TURNED[kind], given[::-1]) if kind in _TURNED else (kind, given)
        if _agrees(way, ordered):
            yield TargetRelation(way, ordered)


def _agrees(kind: RelationKind, targets: Sequence[Target]) -> bool:
    a, b = targets[0].box, targets[1].box
    if a == b or kind not in (RelationKind.LEFT, RelationKind.ABOVE, RelationKind.ON):
        return True
    axis = 0 if kind is RelationKind.LEFT else 1
    inside = kind is RelationKind.ON and a.intersection(b) == a
    return inside or a.center[axis] < b.center[axis] - _CLEAR
