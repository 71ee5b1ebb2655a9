"""Findings: each check evaluated on the matched detections."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from rpg.critics._matching import Seen, Slot, key_of
from rpg.critics.checks import NOTHING_ELSE, number_of, place_in_words
from rpg.critique import Check, Finding
from rpg.language.lexicon.inflect import article
from rpg.plans.geometry import FULL, Box
from rpg.plans.scene import DIRECTIONS
from rpg.toybox.detector import place_of
from rpg.toybox.vocabulary import COLOURS, FILLS, THINGS, canonical, place_meant

_UNCLEAR = 0.4  # something without a clear form
_WRONG = 0.25  # another thing: better than none
_ELSEWHERE = 0.2  # plus up to as much again, the more of it lies in its region
_FAILED = 0.45  # the most that a colour or a number can have and still be wrong
_PATTERN = 0.2  # another fill
_STRAYS = 0.4  # for one thing too many; shared by several
_CLEAR = 0.05  # of the canvas: so far apart, a direction is beyond doubt
_DIRECTIONS = {**DIRECTIONS, "on": DIRECTIONS["above"]}
_PALETTE = {name: np.array(value, float) for name, value in COLOURS.items()}
_WIDEST = max(float(np.linalg.norm(a - b)) for a in _PALETTE.values() for b in _PALETTE.values())


@dataclass(frozen=True, slots=True)
class MatchedPicture:
    """The detections of a picture, matched to the plan.

    Attributes:
        image: At the model's own size.
        boxes: Where the plan's regions lie.
        slots: What is to be there.
        seen: What is there.
        standing: For each slot the number of what stands for it.
    """

    image: Image.Image
    boxes: Mapping[str, Box]
    slots: Sequence[Slot]
    seen: Sequence[Seen]
    standing: Sequence[int | None]

    def at(self, key: str) -> list[tuple[Slot, Seen | None]]:
        """The slots of a thing, each with what stands for it."""
        pairs = zip(self.slots, self.standing, strict=True)
        return [
            (slot, None if number is None else self.seen[number])
            for slot, number in pairs
            if slot.key == key
        ]

    def things(self, key: str) -> list[Seen]:
        """What stands for a thing."""
        return [one for _, one in self.at(key) if one is not None]

    def strays(self) -> Iterator[Seen]:
        """What stands for nothing."""
        taken = set(self.standing)
        return (one for number, one in enumerate(self.seen) if number not in taken)


def judged(check: Check, picture: MatchedPicture) -> Finding:
    """The finding of one check."""
    match check.kind:
        case "presence":
            return _presence(check, picture)
        case "attribute":
            return _attribute(check, picture)
        case "count":
            return _strays(check, picture) if not check.things else _count(check, picture)
        case "relation":
            return _relation(check, picture)
        case "scene":
            return _scene(check, picture)


def _unknown(check: Check, why: str) -> Finding:
    return Finding(check=check, score=0.5, seen=why, unknown=True)


def _worst(findings: Sequence[tuple[Slot, Finding]]) -> Finding:
    """The finding with the lowest score, about all regions where it does not hold."""
    worst = min((finding for _, finding in findings), key=lambda finding: finding.score)
    failed = [slot.region for slot, finding in findings if not finding.holds and slot.region]
    return worst.model_copy(update={"regions": tuple(dict.fromkeys(failed))})


def _presence(check: Check, picture: MatchedPicture) -> Finding:
    pairs = picture.at(key_of(check))
    found = [(slot, _present(check, slot, seen)) for slot, seen in pairs]
    return _worst(found) if found else _unknown(check, "no region is to show it")


def _present(check: Check, slot: Slot, seen: Seen | None) -> Finding:
    if seen is None:
        return Finding(check=check, score=0, seen="nothing there", box=slot.box)
    if not slot.known:
        return _unknown(check, f"a {seen.words}; Toybox does not know the wanted thing")
    if seen.name is None:
        words = f"something {seen.colour or ''} without a clear form, not {_a(slot.noun)}"
        return Finding(check=check, score=_UNCLEAR, seen=" ".join(words.split()), box=seen.box)
    if seen.name != slot.noun:
        words = f"{_a(seen.name)}, not {_a(slot.noun)}"
        return Finding(check=check, score=_WRONG, seen=words, box=seen.box)
    if not slot.holds(seen):
        words = f"the {seen.name} is {_where(seen.box)}, not {_where(slot.box)}"
        score = _ELSEWHERE + 0.5 * min(slot.share(seen), 0.5)
        return Finding(check=check, score=score, seen=words, box=seen.box)
    return Finding(check=check, score=1)


def _a(noun: str) -> str:
    return f"{article(noun)} {noun}"


def _where(box: Box) -> str:
    return place_in_words(box) or "on the canvas"


def _attribute(check: Check, picture: MatchedPicture) -> Finding:
    wanted = canonical(check.value)
    if wanted not in COLOURS and wanted not in FILLS:
        return _unknown(check, f'the detector cannot tell what is "{check.value}"')
    found = [(slot, seen) for slot, seen in picture.at(key_of(check)) if seen is not None]
    if not found:
        return _unknown(check, "nothing there that could be")
    looks = _coloured if wanted in COLOURS else _filled
    return _worst([(slot, looks(check, wanted, seen)) for slot, seen in found])


def _coloured(check: Check, wanted: str, seen: Seen) -> Finding:
    if seen.colour == wanted:
        return Finding(check=check, score=1)
    nearness = 0.0
    if seen.colour is not None:
        away = float(np.linalg.norm(_PALETTE[seen.colour] - _PALETTE[wanted]))
        nearness = 1 - away / _WIDEST
    words = f"the {seen.name or 'thing'} is {seen.colour or 'of another colour'}, not {check.value}"
    return Finding(check=check, score=_FAILED * nearness, seen=words, box=seen.box)


def _filled(check: Check, wanted: str, seen: Seen) -> Finding:
    if seen.fill == wanted:
        return Finding(check=check, score=1)
    if seen.fill is None:
        return _unknown(check, "its colour is none of Toybox's, so its fill cannot be read")
    words = f"the {seen.name or 'thing'} is {seen.fill}, not {check.value}"
    return Finding(check=check, score=_PATTERN, seen=words, box=seen.box)


def _count(check: Check, picture: MatchedPicture) -> Finding:
    """Counts what stands for a planned one, whatever its form: its presence tells of that."""
    kind = check.things[0]
    noun = canonical(kind.split()[-1])
    slots = [
        (slot, number)
        for slot, number in zip(picture.slots, picture.standing, strict=True)
        if slot.key in check.ids
    ]
    strays = [one for one in picture.strays() if one.name == noun]
    there = sum(number is not None for _, number in slots) + len(strays)
    if noun not in THINGS:
        return _unknown(check, f"Toybox does not know the {kind}")
    if there == check.count:
        return Finding(check=check, score=1)
    gaps = [slot.box for slot, number in slots if number is None]
    wanted = check.count or 0
    score = _FAILED * min(there, wanted) / max(there, wanted)
    words = f"{number_of(there, kind)}, not {number_of(wanted, kind).split()[0]}"
    box = next(iter([*(one.box for one in strays), *gaps]), None)
    return Finding(check=check, score=score, seen=words, box=box)


def _strays(check: Check, picture: MatchedPicture) -> Finding:
    """What stands for nothing and is of no kind that is planned."""
    planned = {slot.noun for slot in picture.slots}
    found = [one for one in picture.strays() if one.name not in planned]
    if check.id != NOTHING_ELSE:
        return _unknown(check, "it is not said what to count")
    if not found:
        return Finding(check=check, score=1)
    found.sort(key=lambda one: -one.box.area)
    text = "; ".join(f"an extra {one.words} {_where(one.box)}" for one in found)
    return Finding(check=check, score=_STRAYS / len(found), seen=text[:2000], box=found[0].box)


def _relation(check: Check, picture: MatchedPicture) -> Finding:
    found = [picture.things(name) for name in check.ids]
    if len(found) < 2 or not all(found):
        return _unknown(check, "not all of them are there")
    if check.value == "between" and len(found) > 2:
        return _between(check, found)
    axis, sign = _DIRECTIONS.get(check.value, (0, 0))
    if not sign:
        return _unknown(check, f'the detector cannot tell what is "{check.value}"')
    ahead = min(sign * (_middle(found[0], axis) - _middle(other, axis)) for other in found[1:])
    score = min(max(0.5 + 0.5 * ahead / _CLEAR, 0.0), 1.0)
    if score >= 0.5:
        return Finding(check=check, score=score)
    words = f"the {_name(found[0], check, 0)} is not {check.value} the {_name(found[1], check, 1)}"
    return Finding(check=check, score=score, seen=words, box=found[0][0].box)


def _between(check: Check, found: Sequence[Sequence[Seen]]) -> Finding:
    """Whether the first stands between the others, across or down."""
    inside = max(
        min(middle - min(ends), max(ends) - middle)
        for axis in (0, 1)
        if (ends := [_middle(one, axis) for one in found[1:]])
        and (middle := _middle(found[0], axis)) is not None
    )
    score = min(max(0.5 + 0.5 * inside / _CLEAR, 0.0), 1.0)
    if score >= 0.5:
        return Finding(check=check, score=score)
    words = f"the {_name(found[0], check, 0)} is not between them"
    return Finding(check=check, score=score, seen=words, box=found[0][0].box)


def _middle(things: Sequence[Seen], axis: int) -> float:
    return float(np.mean([one.box.center[axis] for one in things]))


def _name(things: Sequence[Seen], check: Check, place: int) -> str:
    return things[0].name or check.things[place]


def _scene(check: Check, picture: MatchedPicture) -> Finding:
    wanted = place_meant(check.value)
    if wanted is None:
        return _unknown(check, f'Toybox has no place that is "{check.value}"')
    boxes = [picture.boxes[name] for name in check.regions if name in picture.boxes] or [FULL]
    for box in boxes:
        found = place_of(picture.image.crop(box.to_pixels(*picture.image.size)))
        if found != wanted:
            where = box if check.regions else None  # what is wrong everywhere is in no place
            return Finding(
                check=check, score=0, seen=f"it is {found}, not {check.value}", box=where
            )
    return Finding(check=check, score=1)
