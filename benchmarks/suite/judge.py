"""Holds what the detector sees against a prompt's ground truth.

The scores follow T2I-CompBench's idea: of each category the share of what it asks about that is
right. `strict` is all or nothing: every fact right, and nothing else in the picture.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from PIL import Image
from pydantic import BaseModel, ConfigDict

from benchmarks.suite.truth import Group, Item, Relation
from rpg.toybox.detector import Detection, detect, place_of

__all__ = ["Found", "Seen", "Verdict", "judge", "look"]

ASPECTS: Mapping[str, tuple[str, ...]] = {
    "color": ("attributes",),
    "shape": ("attributes",),
    "pattern": ("attributes",),
    "spatial": ("relations",),
    "numeracy": ("counts",),
    "complex": ("attributes", "relations", "counts"),
    "scene": ("attributes", "scene"),
}
_CLEAR = 0.25  # of both things' extents together, between their middles: less is no direction


class Found(BaseModel):
    """A thing in a picture: its shape, colour and fill, None where unclear; the box in pixels."""

    model_config = ConfigDict(frozen=True)

    name: str | None
    colour: str | None
    box: tuple[int, int, int, int]
    fill: str | None = None

    @classmethod
    def of(cls, found: Detection) -> Found:
        """What the detector found."""
        return cls(name=found.name, colour=found.colour, box=found.box, fill=found.fill)

    def is_of(self, group: Group) -> bool:
        """Whether it is what the group asks for; any fill is where none is named."""
        filled = group.fill is None or group.fill == self.fill
        return filled and (self.colour, self.name) == (group.colour, group.name)


class Seen(BaseModel):
    """What the detector sees in a picture of so many pixels."""

    model_config = ConfigDict(frozen=True)

    size: tuple[int, int]
    place: str
    things: tuple[Found, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """How much of a prompt is in a picture: shares, 0 to 1, None where nothing is asked.

    Attributes:
        attributes: Of the things, those that are there in their shape, colour and fill.
        counts: Mean over the kinds: half for being there, half for being as many as asked for
            (T2I-CompBench's rule for numbers).
        relations: Of the relations and corners, those that hold.
        scene: Whether the ground is the place's.
        nothing_else: Whether there are as many things as were asked for in all.
        score: Mean of the aspects that the prompt's category is about.
    """

    attributes: float
    counts: float
    relations: float | None
    scene: float | None
    nothing_else: bool
    score: float

    @property
    def strict(self) -> bool:
        """Whether everything is right."""
        facts = (self.attributes, self.counts, self.relations, self.scene)
        return self.nothing_else and all(fact in (None, 1.0) for fact in facts)


def look(image: Image.Image) -> Seen:
    """What the detector sees; the picture at the model's own size."""
    things = tuple(Found.of(d) for d in detect(image))
    return Seen(size=image.size, place=place_of(image), things=things)


def judge(seen: Seen, item: Item) -> Verdict:
    """How much of the item is in the picture."""
    there = [(len(_of(group, seen)), group.count) for group in item.groups]
    relations = [_holds(one, seen, item) for one in item.relations]
    relations += [_in_corner(item.groups[index], name, seen) for index, name in item.corners]
    facts: dict[str, float | None] = {
        "attributes": sum(min(pair) for pair in there) / item.total,
        "counts": fmean(0.5 * (found > 0) + 0.5 * (found == asked) for found, asked in there),
        "relations": fmean(relations) if relations else None,
        "scene": float(seen.place == item.scene) if item.scene else None,
    }
    asked = [value for name in ASPECTS[item.category] if (value := facts[name]) is not None]
    return Verdict(
        **facts,  # type: ignore[arg-type]
        nothing_else=len(seen.things) == item.total,
        score=fmean(asked),
    )


def _of(group: Group, seen: Seen) -> list[Found]:
    return [thing for thing in seen.things if thing.is_of(group)]


def _holds(relation: Relation, seen: Seen, item: Item) -> bool:
    """Whether as many as asked for of both groups can be chosen so that all pairs stand so."""
    axis = 0 if relation.way in ("left", "right") else 1
    before, after = relation.subject, relation.object
    if relation.way in ("right", "below"):
        before, after = after, before
    first = _outermost(item.groups[before], seen, axis, last=False)
    second = _outermost(item.groups[after], seen, axis, last=True)
    return bool(first and second) and all(_before(a, b, axis) for a in first for b in second)


def _outermost(group: Group, seen: Seen, axis: int, *, last: bool) -> Sequence[Found]:
    """The first or last `count` of the group along an axis; none where there are too few."""
    found = sorted(_of(group, seen), key=lambda thing: _middle(thing, axis), reverse=last)
    return found[: group.count] if len(found) >= group.count else ()


def _before(a: Found, b: Found, axis: int) -> bool:
    reach = sum(thing.box[axis + 2] - thing.box[axis] for thing in (a, b))
    return _middle(b, axis) - _middle(a, axis) >= _CLEAR * reach


def _in_corner(group: Group, corner: str, seen: Seen) -> bool:
    vertical, horizontal = corner.split()
    return any(
        (_middle(thing, 0) < seen.size[0] / 2) == (horizontal == "left")
        and (_middle(thing, 1) < seen.size[1] / 2) == (vertical == "top")
        for thing in _of(group, seen)
    )


def _middle(thing: Found, axis: int) -> float:
    return (thing.box[axis] + thing.box[axis + 2]) / 2
