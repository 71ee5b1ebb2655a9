"""The prompts of the quality benchmark and the judge of what came out."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PIL import Image

from rpg.geometry import Box
from rpg.plan import Plan
from rpg.planners import RulePlanner
from rpg.toybox import COLOURS, PLACES, THINGS
from rpg.toybox.detector import Detection, detect

Kind = tuple[str, str]  # colour, thing
WIDE_FORMS: Mapping[int, tuple[str, ...]] = {
    4: ("{} above {}, {} and {}", "{} left of {}, {} and {}"),
    5: (
        "{} and {} above {}, {} and {}",
        "{} above {}, {}, {} and {}",
        "{} left of {}, {}, {} and {}",
    ),
    6: ("{} and {} above {}, {}, {} and {}", "{} above {}, {}, {}, {} and {}"),
}


@dataclass(frozen=True, slots=True)
class Case:
    """A prompt, what it asks for, and the plan that every regional method draws."""

    prompt: str
    kinds: tuple[Kind, ...]
    plan: Plan

    def boxes(self) -> list[Box]:
        """The region of each kind, in the kinds' order."""
        by_words = {region.prompt: region.box for region in self.plan.layers()}
        return [
            next(box for words, box in by_words.items() if f"{colour} {thing}" in words)
            for colour, thing in self.kinds
        ]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the detector says of one picture; each a yes or no about all of the things asked for.

    Attributes:
        colours_anywhere: every colour is in the picture, as often as it was asked for.
        colours_placed: in each region stands a thing of the region's colour.
        things_anywhere: every thing in its colour is in the picture.
        things_placed: in each region stands its thing in its colour.
        nothing_else: the picture has exactly as many things as were asked for.
    """

    colours_anywhere: bool
    colours_placed: bool
    things_anywhere: bool
    things_placed: bool
    nothing_else: bool


def make_cases(count: int, things: int, *, seed: int) -> list[Case]:
    """`count` prompts for `things` things of different kinds; colours differ as far as they go."""
    rng = random.Random(f"cases/{things}/{seed}")
    return [_case(rng, things) for _ in range(count)]


def wide_cases(count: int, things: int, *, seed: int) -> list[Case]:
    """The same in layouts whose cells are wider than high, or higher than wide."""
    rng, forms = random.Random(f"wide/{things}/{seed}"), WIDE_FORMS[things]
    return [_case(rng, things, forms[number % len(forms)]) for number in range(count)]


def _case(rng: random.Random, things: int, form: str = "") -> Case:
    colours = rng.sample(list(COLOURS), things)
    kinds = tuple((colour, rng.choice(THINGS)) for colour in colours)
    phrases = [f"{article(colour)} {thing}" for colour, thing in kinds]
    place = rng.choice(list(PLACES))
    if not form:
        form = f"{', '.join(['{}'] * (things - 1))} and {{}}" if things > 1 else "{}"
    prompt = f"{form.format(*phrases)} {place}"
    return Case(prompt, kinds, RulePlanner().plan(prompt))


def judge(image: Image.Image, case: Case) -> Verdict:
    """Look at a picture at the model's own size with the detector."""
    found = detect(image)
    seen: Counter[object] = Counter((d.colour, d.name) for d in found)
    colours: Counter[object] = Counter(d.colour for d in found)
    regions = list(zip(case.kinds, case.boxes(), strict=True))
    standing = [(kind, inside(found, box, image.size)) for kind, box in regions]
    return Verdict(
        colours_anywhere=not Counter[object](colour for colour, _ in case.kinds) - colours,
        colours_placed=all(
            any(d.colour == colour for d in inside) for (colour, _), inside in standing
        ),
        things_anywhere=not Counter[object](case.kinds) - seen,
        things_placed=all(
            any((d.colour, d.name) == kind for d in inside) for kind, inside in standing
        ),
        nothing_else=len(found) == len(case.kinds),
    )


def article(word: str) -> str:
    """The word with its article."""
    return f"{'an' if word[0] in 'aeiou' else 'a'} {word}"


def inside(found: Sequence[Detection], box: Box, size: tuple[int, int]) -> list[Detection]:
    """The things whose middle lies in a box of a picture of so many pixels."""
    width, height = size
    return [d for d in found if box.contains(d.centre[0] / width, d.centre[1] / height)]
