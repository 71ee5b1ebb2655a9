"""The prompts of the quality benchmark and the judge of what came out."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PIL import Image

from rpg.planners import RulePlanner
from rpg.plans.geometry import Box
from rpg.plans.plan import Plan, Region
from rpg.plans.scene import Scene, Thing
from rpg.toybox import COLOURS, FILLS, PLACES, THINGS
from rpg.toybox.detector import Detection, detect

Kind = tuple[str, str]  # colour, thing
# How many cells each row of an oblong layout has, from the top; or each column, from the left.
WIDE_ROWS: Mapping[int, tuple[tuple[int, ...], ...]] = {
    4: ((1, 3),),
    5: ((2, 3), (1, 4)),
    6: ((2, 4),),
}
TALL_COLUMNS: Mapping[int, tuple[tuple[int, ...], ...]] = {
    4: ((1, 1, 2),),
    5: ((1, 2, 2),),
    6: ((1, 1, 2, 2),),
}


@dataclass(frozen=True, slots=True)
class Case:
    """A prompt, what it asks for, and the plan that every regional method draws.

    Attributes:
        prompt: the words.
        kinds: what is to be there.
        plan: one region for each.
        fill: of the only thing; None where nothing is said, and with several things.
    """

    prompt: str
    kinds: tuple[Kind, ...]
    plan: Plan
    fill: str | None = None

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
        things_anywhere: every thing in its colour, and in its fill, is in the picture.
        things_placed: in each region stands its thing in its colour, and in its fill.
        nothing_else: the picture has exactly as many things as were asked for.
    """

    colours_anywhere: bool
    colours_placed: bool
    things_anywhere: bool
    things_placed: bool
    nothing_else: bool


def make_cases(count: int, things: int, *, seed: int) -> list[Case]:
    """`count` prompts for `things` things of different kinds, of no two the colour the same.

    One thing alone has one of the world's fills besides; a plain one goes without saying.
    """
    rng = random.Random(f"cases/{things}/{seed}")
    return [_case(rng, things) for _ in range(count)]


def wide_cases(count: int, things: int, *, seed: int) -> list[Case]:
    """The same in layouts where some cells are wider than high, or higher than wide."""
    rng, layouts = random.Random(f"wide/{things}/{seed}"), oblong(things)
    return [_case(rng, things, layouts[number % len(layouts)]) for number in range(count)]


def oblong(things: int) -> list[tuple[Box, ...]]:
    """The layouts for so many things whose first cell is oblong."""
    across = [rows(counts) for counts in WIDE_ROWS[things]]
    return across + [columns(counts) for counts in TALL_COLUMNS[things]]


def rows(counts: Sequence[int]) -> tuple[Box, ...]:
    """Boxes in rows of equal height, each of so many cells."""
    high = 1 / len(counts)
    return tuple(
        Box(i / count, row * high, (i + 1) / count, (row + 1) * high)
        for row, count in enumerate(counts)
        for i in range(count)
    )


def columns(counts: Sequence[int]) -> tuple[Box, ...]:
    """Likewise in columns, from the top of the first to the bottom of the last."""
    return tuple(Box(box.y0, box.x0, box.y1, box.x1) for box in rows(counts))


def _case(rng: random.Random, things: int, boxes: Sequence[Box] = ()) -> Case:
    colours = rng.sample(list(COLOURS), things)
    kinds = tuple((colour, rng.choice(THINGS)) for colour in colours)
    place = rng.choice(list(PLACES))
    if things == 1:
        return _filled(kinds[0], FILLS[rng.randrange(len(FILLS))], place)
    plan = laid_out(kinds, boxes, place) if boxes else RulePlanner().plan(_prompt(kinds, place))
    return Case(plan.prompt, kinds, plan)


def _filled(kind: Kind, fill: str, place: str) -> Case:
    colour, name = kind
    looks = colour if fill == "plain" else f"{fill} {colour}"
    plan = RulePlanner().plan(_prompt([(looks, name)], place))
    return Case(plan.prompt, (kind,), plan, fill)


def laid_out(kinds: Sequence[Kind], boxes: Sequence[Box], place: str) -> Plan:
    """A plan with each thing in its box."""
    ids = [f"{name}-{number}" for number, (_, name) in enumerate(kinds, 1)]
    things = tuple(
        Thing(id=one, name=name, attributes=(colour,))
        for one, (colour, name) in zip(ids, kinds, strict=True)
    )
    regions = tuple(
        Region(id=one, shows=(one,), prompt=_phrase(kind), box=box)
        for one, kind, box in zip(ids, kinds, boxes, strict=True)
    )
    scene = Scene(setting=place, things=things)
    return Plan(prompt=_prompt(kinds, place), scene=scene, regions=regions)


def _prompt(kinds: Sequence[Kind], place: str) -> str:
    *most, last = map(_phrase, kinds)
    return f"{', '.join(most)} and {last} {place}" if most else f"{last} {place}"


def _phrase(kind: Kind) -> str:
    return f"{article(kind[0])} {kind[1]}"


def judge(image: Image.Image, case: Case) -> Verdict:
    """Look at a picture at the model's own size with the detector."""
    found = detect(image)
    seen: Counter[object] = Counter((d.colour, d.name) for d in found if _is_filled(d, case))
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
            any((d.colour, d.name) == kind and _is_filled(d, case) for d in inside)
            for kind, inside in standing
        ),
        nothing_else=len(found) == len(case.kinds),
    )


def _is_filled(found: Detection, case: Case) -> bool:
    return case.fill in (None, found.fill)


def article(word: str) -> str:
    """The word with its article."""
    return f"{'an' if word[0] in 'aeiou' else 'a'} {word}"


def inside(found: Sequence[Detection], box: Box, size: tuple[int, int]) -> list[Detection]:
    """The things whose middle lies in a box of a picture of so many pixels."""
    width, height = size
    return [d for d in found if box.contains(d.centre[0] / width, d.centre[1] / height)]
