"""Says in plain words what was found, where it was put, and what could not be placed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rpg.planners.rules.grammar.elements import Kind
from rpg.planners.rules.layout.lattice import holds, overlap
from rpg.planners.rules.layout.normal import Constraints, Pair
from rpg.planners.rules.layout.solver import Spot
from rpg.planners.rules.reading.things import Reading, Relation, Thing
from rpg.plans.geometry import Box

_ROWS = ("top", "", "bottom")
_COLUMNS = ("left", "", "right")


def explain(
    found: str, reading: Reading, constraints: Constraints, spots: Sequence[Spot], scene: str
) -> str:
    """Several lines: what was `found`, the scene, where all is, and what is left over."""
    lines = [found]
    if scene:
        lines.append(f"Scene, added to every subprompt: {scene}.")
    if reading.styles:
        lines.append(f"Style, added to every subprompt: {', '.join(reading.styles)}.")
    lines += [f"Placed: {text}." for text in _placed(spots)]
    lines += [f"Not kept, it contradicts the rest: {it}." for it in unkept(constraints, spots)]
    lines += [f"Not there, as asked: {text}." for text in reading.negatives]
    lines += [f"Not placed: {note}." for note in reading.notes]
    return "\n".join(lines)


def found(reading: Reading) -> str:
    """The things and relations, before the layout splits any of them."""
    lines = [f"Things: {'; '.join(thing.counted for thing in reading.things)}."]
    if reading.relations:
        lines.append(f"Relations: {'; '.join(_said(r) for r in reading.relations)}.")
    return "\n".join(lines)


def _said(relation: Relation) -> str:
    objects = " and ".join(thing.counted for thing in relation.objects)
    return f"{relation.subject.counted} {relation.kind.value} {objects}"


def _pair(pair: Pair) -> str:
    return f"{pair.first.name} {pair.kind.value} {pair.second.name}"


def _placed(spots: Sequence[Spot], inside: str = "") -> Iterator[str]:
    for spot in spots:
        size = f"{spot.box.width:.0%} x {spot.box.height:.0%} of the canvas"
        where = f"inside {inside}" if inside else where_is(spot.box)
        yield f"{spot.thing.name}, {where}, {size}"
        yield from _placed(spot.inside, spot.thing.name)


def where_is(box: Box) -> str:
    """The place of a box in words: "top left", "in the middle", "the whole canvas"."""
    if box.area > 0.99:
        return "the whole canvas"
    x, y = (min(int(centre * 3 + 1e-9), 2) for centre in box.center)
    return " ".join(filter(None, (_ROWS[y], _COLUMNS[x]))) or "in the middle"


def unkept(constraints: Constraints, spots: Sequence[Spot]) -> list[str]:
    """The pairs and rings that do not hold between the boxes, in words."""
    found: dict[int, list[Spot]] = {}
    for spot in _all(spots):
        found.setdefault(id(spot.thing), []).append(spot)
    pairs = [p for p in constraints.pairs if id(p.first) in found and id(p.second) in found]
    lost = [_pair(p) for p in pairs if not _kept(p, found[id(p.first)], found[id(p.second)])]
    for middle, around in constraints.rings:
        boxes = [spot.box for thing in around for spot in found.get(id(thing), ())]
        if not all(_amid(spot.box, boxes) for spot in found.get(id(middle), ())):
            lost.append(f"{middle.name} surrounded by {around[0].name}")
    return lost


def _amid(middle: Box, around: Sequence[Box]) -> bool:
    """Whether some centres lie on either side of the middle's; of four or more, both ways."""
    sides = [[box.center[axis] - middle.center[axis] for box in around] for axis in (0, 1)]
    around_it = [min(side) < 0 < max(side) for side in sides]
    return all(around_it) if len(around) > 3 else any(around_it)


def _kept(pair: Pair, first: Sequence[Spot], second: Sequence[Spot]) -> bool:
    if _nested(pair.first, pair.second):
        return True
    boxes = [spot.box for spot in first], [spot.box for spot in second]
    if pair.kind is Kind.FRONT:
        return overlap(*boxes) and all(a.z > b.z for a in first for b in second)
    return holds(pair.kind, *boxes)


def _nested(first: Thing, second: Thing) -> bool:
    return first.parent is second or second.parent is first


def _all(spots: Sequence[Spot]) -> Iterator[Spot]:
    for spot in spots:
        yield spot
        yield from _all(spot.inside)
