"""The critic of Toybox's pictures: measures, asks nobody, and is always of the same mind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from rpg.critics._matching import Seen, Slot, key_of, matched
from rpg.critics._verdicts import MatchedPicture, judged
from rpg.critics.checks import compile_checks
from rpg.critics.choice import CriticChoice
from rpg.critique import Check, Critique
from rpg.plans.geometry import FULL, Box
from rpg.toybox.detector import Detection, detect
from rpg.toybox.vocabulary import COLOURS, FILLS, canonical

if TYPE_CHECKING:
    from rpg.plans.plan import Plan

__all__ = ["CHOICE", "ToyboxCritic"]

_SMALLEST_SIDE = 64  # pixels; the model draws no less
_LARGEST_SCALE = 64
_MOST_SLOTS = 64  # of one check


class ToyboxCritic:
    """Finds the things of a Toybox picture with the detector and holds them against the checks.

    It judges forms, colours, fills, numbers, places, directions and the ground. What Toybox does
    not know, a dragon or "fluffy", comes out unknown.

    Pictures are expected at the size that the model drew them, 128 to 768 pixels a side. Those
    enlarged for showing, every pixel a square of equal ones, are brought back to it first; other
    enlargements blur the edges, and are judged worse than they are.
    """

    def review(
        self, image: Image.Image, plan: Plan, *, checks: Sequence[Check] | None = None
    ) -> Critique:
        """Compares a picture with its plan; see `rpg.critique.Critic`.

        What stands for which region is found so that as much as possible is right. What stands for
        none fails the count of its kind, or "nothing else" where its kind is not planned at all.
        What is missing fails its presence and its count; its attributes and relations, which
        nobody can see, are unknown.
        """
        checks = compile_checks(plan) if checks is None else checks
        boxes = {region.id: region.box for region in plan.layers()}
        small = _own_size(image.convert("RGB"))
        seen = [_seen(one, small.size) for one in detect(small)]
        slots = list(_slots(checks, boxes))
        picture = MatchedPicture(small, boxes, slots, seen, matched(slots, seen))
        return Critique.of([judged(check, picture) for check in checks])


def _own_size(image: Image.Image) -> Image.Image:
    """The picture with every square of equal pixels made one, where it consists of such squares."""
    pixels = np.asarray(image)
    for scale in range(min(_LARGEST_SCALE, min(image.size) // _SMALLEST_SIDE), 1, -1):
        if image.width % scale == 0 == image.height % scale:
            small = pixels[::scale, ::scale]
            if np.array_equal(small.repeat(scale, axis=0).repeat(scale, axis=1), pixels):
                return Image.fromarray(np.ascontiguousarray(small))
    return image


def _seen(found: Detection, size: tuple[int, int]) -> Seen:
    left, top, right, bottom = found.box
    width, height = size
    box = Box(left / width, top / height, right / width, bottom / height)
    return Seen(found.name, found.colour, box, found.fill)


def _slots(checks: Sequence[Check], boxes: Mapping[str, Box]) -> Iterator[Slot]:
    """One for each thing that a presence check wants, where its regions lie now."""
    for check in checks:
        if check.kind == "presence":
            key, name = key_of(check), (check.things or ("",))[0]
            noun = canonical((name.split() or [""])[-1])
            looks = _looks(key, checks)
            colours, fills = looks & COLOURS.keys(), looks & set(FILLS)
            places = check.regions or ("",)
            count = min(check.count or 1, _MOST_SLOTS)
            if count < len(places):  # a thing of several regions stands anywhere in them
                places, where = ("",), _around([boxes.get(one, FULL) for one in places])
            else:
                where = FULL
            for number in range(count):
                region = places[number % len(places)]
                yield Slot(key, name, region, noun, colours, boxes.get(region, where), fills)


def _around(boxes: Sequence[Box]) -> Box:
    """The smallest box that holds all of them."""
    return Box(
        min(box.x0 for box in boxes),
        min(box.y0 for box in boxes),
        max(box.x1 for box in boxes),
        max(box.y1 for box in boxes),
    )


def _looks(key: str, checks: Sequence[Check]) -> frozenset[str]:
    """What the attribute checks of a thing ask for, in Toybox's own words."""
    of = [one for one in checks if one.kind == "attribute" and key_of(one) == key]
    return frozenset(canonical(one.value) for one in of)


CHOICE = CriticChoice(
    "toybox",
    "Measure it (Toybox)",
    "measures Toybox's pictures",
    lambda chat: ToyboxCritic(),
    world="toybox",
)
