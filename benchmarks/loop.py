"""The closed loop beside the best of N, on Toybox; part of `python -m benchmarks.quality --loop`.

The loop's picture after some rounds stands beside the best of as many pictures from other seeds as
cost no less, counted once in evaluations of the UNet and once in what they compute, where a crop
counts by its area. The same critic chooses, and the same first picture is among them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.cases import Case, judge, make_cases, wide_cases
from benchmarks.tools import Meter, mean, tracked
from rpg.critics import compile_checks
from rpg.critics.toybox import ToyboxCritic
from rpg.events import Critiqued, Refined, Rendered
from rpg.pipeline import RPGPipeline

__all__ = ["ROUNDS", "SETS", "THINGS", "Arm", "LoopRow", "Trial", "loop_rows", "row_of", "trial"]

ROUNDS = (0, 1, 2, 4)
THINGS = (4, 5, 6)
_RESAMPLED = 10_000  # times, for an interval


@dataclass(frozen=True)
class Arm:
    """A kind of prompts and the settings that both sides draw them with."""

    wide: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)


# As the model draws by itself; with an attention pass over the last steps, which makes one scene of
# the regions and is right less often at once; and with cells wider than high, or higher than wide.
SETS: Mapping[str, Arm] = {
    "usual": Arm(),
    "scene": Arm(settings={"composer": "latent+attention", "share": 0.6, "base_ratio": 0.2}),
    "wide": Arm(wide=True),
}


@dataclass(frozen=True, slots=True)
class LoopRow:
    """Prompts of one set after some rounds: shares of pictures, 0 to 1.

    Attributes:
        name: One of `SETS`.
        things: Asked for in each prompt; "all" for all numbers together.
        prompts: How many.
        rounds: At most so many were drawn after the first picture.
        right: Everything in its place and nothing else.
        evaluations: Of the UNet, the mean, in those of one picture.
        best_of: Right among the best of as many pictures as take no fewer evaluations.
        gain: `right` less `best_of`, with the ends of its 95% interval (paired bootstrap).
        pixels: What was computed, the mean, in whole pictures.
        best_of_pixels: Right among the best of as many as compute no less.
        gain_pixels: Likewise.
    """

    name: str
    things: str
    prompts: int
    rounds: int
    right: float
    evaluations: float
    best_of: float
    gain: tuple[float, float, float]
    pixels: float
    best_of_pixels: float
    gain_pixels: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Shot:
    """The best picture so far, at the end of a round, and what it has cost in pictures."""

    image: Image.Image
    evaluations: float
    pixels: float


@dataclass(frozen=True, slots=True)
class Trial:
    """One prompt after some rounds; see `LoopRow`."""

    right: bool
    best_of: bool
    best_of_pixels: bool
    evaluations: float
    pixels: float


def loop_rows(rpg: RPGPipeline, prompts: int, seed: int) -> Iterator[LoopRow]:
    """The loop beside the best of N in every set.

    Args:
        rpg: Toybox.
        prompts: How many in each set, a third each with four, five and six things.
        seed: Of prompts and pictures.
    """
    for name, variant in SETS.items():
        found: dict[int, list[dict[int, Trial]]] = {}
        for things in THINGS:
            make = wide_cases if variant.wide else make_cases
            cases = make(prompts // len(THINGS), things, seed=1000 + seed)
            found[things] = [
                trial(rpg, case, seed + 500 * number, variant.settings)
                for number, case in enumerate(tracked(cases, f"loop, {name}, {things} things"))
            ]
        every = [one for of in found.values() for one in of]
        named = {**{str(things): of for things, of in found.items()}, "all": every}
        for label, of in named.items():
            for rounds in ROUNDS:
                yield row_of(name, label, rounds, [one[rounds] for one in of])


def row_of(name: str, things: str, rounds: int, of: Sequence[Trial]) -> LoopRow:
    """A row of several prompts."""
    right = [one.right for one in of]
    by_calls, by_pixels = [one.best_of for one in of], [one.best_of_pixels for one in of]
    return LoopRow(
        name,
        things,
        len(of),
        rounds,
        right=mean(right),
        evaluations=mean([one.evaluations for one in of]),
        best_of=mean(by_calls),
        gain=gain(right, by_calls),
        pixels=mean([one.pixels for one in of]),
        best_of_pixels=mean(by_pixels),
        gain_pixels=gain(right, by_pixels),
    )


def gain(ours: Sequence[bool], theirs: Sequence[bool]) -> tuple[float, float, float]:
    """The mean difference and its 95% interval: prompts are drawn again, in pairs."""
    by = np.subtract(np.asarray(ours, float), np.asarray(theirs, float))
    rng = np.random.default_rng(0)
    means = rng.choice(by, (_RESAMPLED, len(by))).mean(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return round(float(by.mean()), 4), round(float(low), 4), round(float(high), 4)


def trial(rpg: RPGPipeline, case: Case, seed: int, settings: Mapping[str, Any]) -> dict[int, Trial]:
    """One prompt: for each number of rounds how both sides fare."""
    shots = _shots(rpg, case, seed, settings)
    most = ceil(max(shots[-1].evaluations, shots[-1].pixels))
    others = [_drawn(rpg, case, seed + i, settings) for i in range(1, most)]
    checks, critic = compile_checks(case.plan), ToyboxCritic()
    pool = [shots[0].image, *others]
    scores = [critic.review(image, case.plan, checks=checks).score for image in pool]

    def best(cost: float) -> bool:
        return _right(pool[max(range(ceil(cost)), key=scores.__getitem__)], case)

    found = {}
    for rounds in ROUNDS:
        shot = shots[min(rounds, len(shots) - 1)]
        found[rounds] = Trial(
            _right(shot.image, case),
            best_of=best(shot.evaluations),
            best_of_pixels=best(shot.pixels),
            evaluations=shot.evaluations,
            pixels=shot.pixels,
        )
    return found


def _shots(rpg: RPGPipeline, case: Case, seed: int, settings: Mapping[str, Any]) -> list[Shot]:
    """The best picture after each round that was needed."""
    shots: list[Shot] = []
    drawn: list[Image.Image] = []
    words: dict[str, Any] = {**settings, "plan": case.plan, "seed": seed, "preview_every": -1.0}
    with Meter().on(rpg.pipe.unet) as meter:
        one: tuple[int, int] | None = None
        for event in rpg.refine_stream(rounds=max(ROUNDS), **words):
            if isinstance(event, Rendered):
                drawn = event.images
            elif isinstance(event, Critiqued):
                one = one or (meter.calls, meter.cells)
                image = drawn[event.index] if event.kept else shots[-1].image
                shots.append(Shot(image, meter.calls / one[0], meter.cells / one[1]))
            elif isinstance(event, Refined):
                assert event.image == shots[-1].image
    return shots


def _drawn(rpg: RPGPipeline, case: Case, seed: int, settings: Mapping[str, Any]) -> Image.Image:
    words: dict[str, Any] = {**settings, "plan": case.plan, "seed": seed}
    image: Image.Image = rpg(**words)[0][0]
    return image


def _right(image: Image.Image, case: Case) -> bool:
    verdict = judge(image, case)
    return verdict.things_placed and verdict.nothing_else
