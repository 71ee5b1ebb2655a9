"""The plan's reasoning as text: what was parsed, where it was placed, what could not be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rpg.language.grammar.elements import RelationKind
from rpg.language.positions import position_in_words
from rpg.language.scene_graph.graph import Entity, Relation, SceneGraph
from rpg.planners.rules.layout.lattice import holds, overlap
from rpg.planners.rules.layout.normal import Constraints, Pair
from rpg.planners.rules.layout.solver import PlacedEntity
from rpg.plans.geometry import Box


def explain(
    summary: str,
    graph: SceneGraph,
    constraints: Constraints,
    spots: Sequence[PlacedEntity],
    setting: str,
) -> str:
    """Several lines: the `summary`, the setting, where all is, and what is left over."""
    lines = [summary]
    if setting:
        lines.append(f"Setting, said in every region: {setting}.")
    if graph.styles:
        lines.append(f"Style, said with every text: {', '.join(graph.styles)}.")
    lines += [f"Placed: {text}." for text in _placed(spots)]
    lines += [f"Not kept, it contradicts the rest: {it}." for it in unkept(constraints, spots)]
    lines += [f"Not there, as asked: {text}." for text in graph.negatives]
    lines += [f"Not placed: {note}." for note in graph.notes]
    return "\n".join(lines)


def summarize(graph: SceneGraph) -> str:
    """The entities and relations, before the layout splits any of them."""
    lines = [f"Things: {'; '.join(entity.counted for entity in graph.entities)}."]
    if graph.relations:
        lines.append(f"Relations: {'; '.join(_relation_text(r) for r in graph.relations)}.")
    return "\n".join(lines)


def _relation_text(relation: Relation) -> str:
    objects = " and ".join(entity.counted for entity in relation.objects)
    return f"{relation.subject.counted} {relation.kind.value} {objects}"


def _pair(pair: Pair) -> str:
    return f"{pair.first.name} {pair.kind.value} {pair.second.name}"


def _placed(spots: Sequence[PlacedEntity], inside: str = "") -> Iterator[str]:
    for spot in spots:
        size = f"{spot.box.width:.0%} x {spot.box.height:.0%} of the canvas"
        where = f"inside {inside}" if inside else position_in_words(spot.box)
        yield f"{spot.entity.name}, {where}, {size}"
        yield from _placed(spot.inside, spot.entity.name)


def unkept(constraints: Constraints, spots: Sequence[PlacedEntity]) -> list[str]:
    """The pairs and rings that do not hold between the boxes, in words."""
    spots_of: dict[int, list[PlacedEntity]] = {}
    for spot in _all(spots):
        spots_of.setdefault(id(spot.entity), []).append(spot)
    pairs = [p for p in constraints.pairs if id(p.first) in spots_of and id(p.second) in spots_of]
    lost = [_pair(p) for p in pairs if not _holds(p, spots_of[id(p.first)], spots_of[id(p.second)])]
    for middle, around in constraints.rings:
        boxes = [spot.box for entity in around for spot in spots_of.get(id(entity), ())]
        if not all(_amid(spot.box, boxes) for spot in spots_of.get(id(middle), ())):
            lost.append(f"{middle.name} surrounded by {around[0].name}")
    return lost


def _amid(middle: Box, around: Sequence[Box]) -> bool:
    """Whether some centres lie on either side of the middle's; of four or more, both ways."""
    sides = [[box.center[axis] - middle.center[axis] for box in around] for axis in (0, 1)]
    around_it = [min(side) < 0 < max(side) for side in sides]
    return all(around_it) if len(around) > 3 else any(around_it)


def _holds(pair: Pair, first: Sequence[PlacedEntity], second: Sequence[PlacedEntity]) -> bool:
    if _nested(pair.first, pair.second):
        return True
    boxes = [spot.box for spot in first], [spot.box for spot in second]
    if pair.kind is RelationKind.FRONT:
        return overlap(*boxes) and all(a.z > b.z for a in first for b in second)
    return holds(pair.kind, *boxes)


def _nested(first: Entity, second: Entity) -> bool:
    return first.parent is second or second.parent is first


def _all(spots: Sequence[PlacedEntity]) -> Iterator[PlacedEntity]:
    for spot in spots:
        yield spot
        yield from _all(spot.inside)
