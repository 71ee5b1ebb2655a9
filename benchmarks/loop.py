"""The closed loop and single edits, measured on Toybox; `python -m benchmarks.quality --loop`.

The loop's pictures after some rounds stand beside the best of as many pictures from other seeds as
take no fewer UNet evaluations; the same critic chooses, the same first picture is among both.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from rich.console import Console
from rich.progress import track

from benchmarks.cases import Case, judge, make_cases
from rpg.critics import compile_checks
from rpg.critics.toybox import ToyboxCritic
from rpg.events import Critiqued, Refined, Rendered
from rpg.pipeline import EditOutput, RPGPipeline
from rpg.plan import Plan
from rpg.planners import RulePlanner
from rpg.toybox import COLOURS, PLACES, THINGS
from rpg.toybox.detector import Detection, detect

ROUNDS = (0, 1, 2, 4)
CORNERS = ("top left", "top right", "bottom left", "bottom right")
FREE = CORNERS[-1]
EDITS = ("colour", "thing", "add", "remove", "move")
Kinds = Sequence[tuple[str, str]]
_SAME = 1.5  # pixels that an untouched thing's middle may seem to move by
_MOST_TRIES = 6  # seeds for a first picture that is right


@dataclass(frozen=True, slots=True)
class LoopRow:
    """Prompts for one number of things after some rounds: shares of pictures, 0 to 1.

    Attributes:
        things: Asked for in each prompt.
        prompts: How many.
        rounds: At most so many were drawn after the first picture.
        right: Everything in its place and nothing else.
        best_of: The same of the best of N pictures from as many seeds.
        evaluations: Of the UNet, the mean, in those of one picture.
        n: The mean N: evaluations rounded up.
        pixels: What the loop computed, the mean, in canvases: a crop counts by its area.
    """

    things: int
    prompts: int
    rounds: int
    right: float
    best_of: float
    evaluations: float
    n: float
    pixels: float


@dataclass(frozen=True, slots=True)
class EditRow:
    """Single edits of one kind: shares, 0 to 1.

    Attributes:
        kind: One of `EDITS`, or "all".
        edits: How many.
        there: What was asked for is in the picture, in its place.
        others: Every other thing is as before, and none has come.
        bytes_kept: Outside the mask nothing changed.
    """

    kind: str
    edits: int
    there: float
    others: float
    bytes_kept: float


class Meter:
    """Counts what a UNet is asked: calls, and latent cells times rows."""

    def __init__(self) -> None:
        self.calls = self.cells = 0

    @contextmanager
    def on(self, unet: Any) -> Iterator[Meter]:
        """Counts from now on until the context ends."""

        def count(_: Any, args: tuple[Any, ...]) -> None:
            self.calls += 1
            self.cells += args[0].shape[0] * args[0].shape[-2] * args[0].shape[-1]

        # Its first layer: the UNet's own forward is wrapped while regions act.
        hook = unet.conv_in.register_forward_pre_hook(count)
        try:
            yield self
        finally:
            hook.remove()


@dataclass(frozen=True, slots=True)
class Shot:
    """The best picture so far, at the end of a round, and what it has cost."""

    image: Image.Image
    evaluations: float
    pixels: float


def bench(folder: Path, *, seed: int, prompts: int, edits: int) -> dict[str, list[Any]]:
    """Both measurements with the model in a folder.

    Args:
        folder: In diffusers' layout.
        seed: Of prompts and pictures.
        prompts: How many, a third each with four, five and six things.
        edits: How many, a fifth of each kind.
    """
    rpg = RPGPipeline.from_pretrained(folder)
    rpg.pipe.set_progress_bar_config(disable=True)
    rows = [row for n in (4, 5, 6) for row in loop_rows(rpg, n, prompts // 3, seed)]
    return {"loop": rows, "edits": edit_rows(rpg, edits // len(EDITS), seed)}


def loop_rows(rpg: RPGPipeline, things: int, prompts: int, seed: int) -> Iterator[LoopRow]:
    """The loop beside the best of N, on prompts for so many things."""
    cases = make_cases(prompts, things, seed=1000 + seed)
    results = [
        _case(rpg, case, seed + 500 * number)
        for number, case in enumerate(_tracked(cases, f"loop, {things} things"))
    ]
    for index, rounds in enumerate(ROUNDS):
        of = [result[index] for result in results]
        yield LoopRow(
            things,
            prompts,
            rounds,
            right=_mean([ours for ours, _, _ in of]),
            best_of=_mean([theirs for _, theirs, _ in of]),
            evaluations=_mean([shot.evaluations for *_, shot in of]),
            n=_mean([int(np.ceil(shot.evaluations)) for *_, shot in of]),
            pixels=_mean([shot.pixels for *_, shot in of]),
        )


def _case(rpg: RPGPipeline, case: Case, seed: int) -> list[tuple[bool, bool, Shot]]:
    """For each number of rounds: whether the loop's and the best of N's picture is right."""
    shots = _shots(rpg, case, seed)
    most = int(np.ceil(shots[-1].evaluations))
    others = [_drawn(rpg, case, seed + i) for i in range(1, most)]
    checks, critic = compile_checks(case.plan), ToyboxCritic()
    pool = [shots[0].image, *others]
    scores = [critic.review(image, case.plan, checks=checks).score for image in pool]
    found = []
    for rounds in ROUNDS:
        shot = shots[min(rounds, len(shots) - 1)]
        n = int(np.ceil(shot.evaluations))
        best = max(range(n), key=scores.__getitem__)
        found.append((_right(shot.image, case), _right(pool[best], case), shot))
    return found


def _shots(rpg: RPGPipeline, case: Case, seed: int) -> list[Shot]:
    """The best picture after each round that was needed."""
    shots: list[Shot] = []
    drawn: list[Image.Image] = []
    with Meter().on(rpg.pipe.unet) as meter:
        one: tuple[int, int] | None = None
        events = rpg.refine(plan=case.plan, seed=seed, rounds=max(ROUNDS), preview_every=-1.0)
        for event in events:
            if isinstance(event, Rendered):
                drawn = event.images
            elif isinstance(event, Critiqued):
                one = one or (meter.calls, meter.cells)
                image = drawn[event.index] if event.kept else shots[-1].image
                shots.append(Shot(image, meter.calls / one[0], meter.cells / one[1]))
            elif isinstance(event, Refined):
                assert event.image == shots[-1].image
    return shots


def _drawn(rpg: RPGPipeline, case: Case, seed: int) -> Image.Image:
    image: Image.Image = rpg(plan=case.plan, seed=seed)[0][0]
    return image


def _right(image: Image.Image, case: Case) -> bool:
    verdict = judge(image, case)
    return verdict.things_placed and verdict.nothing_else


def edit_rows(rpg: RPGPipeline, each: int, seed: int) -> list[EditRow]:
    """Single edits of every kind, of pictures that are right to begin with."""
    rng = random.Random(f"edits/{seed}")
    asked = [kind for kind in EDITS for _ in range(each)]
    judged = [
        (kind, _edited(rpg, rng, kind, seed + 100 * number))
        for number, kind in enumerate(_tracked(asked, "edits"))
    ]
    rows = []
    for kind in (*EDITS, "all"):
        of = [verdict for name, verdict in judged if kind in (name, "all")]
        rows.append(EditRow(kind, len(of), *(_mean([one[i] for one in of]) for i in range(3))))
    return rows


def _edited(rpg: RPGPipeline, rng: random.Random, kind: str, seed: int) -> tuple[bool, bool, bool]:
    """Makes one edit; whether it is there, whether the others stayed, whether the bytes did."""
    kinds, image, plan = _start(rpg, rng, kind, seed)
    said, wanted, box = _instruction(rng, kind, kinds)
    out = rpg.edit(image, plan, said, seed=seed + 50)
    before, after = detect(image), detect(out.images[0])
    target = next((d for d in before if (d.colour, d.name) == kinds[0] and kind != "add"), None)
    there = all(_has(after, one, place, image.size) for one, place in zip(wanted, box, strict=True))
    if kind in ("remove", "move"):
        there = there and not _in_quarter(after, CORNERS[0], image.size)
    others = [one for one in before if one is not target]
    stayed = all(any(_alike(one, now) for now in after) for one in others)
    stayed = stayed and len(after) <= len(others) + len(wanted)
    return there, stayed, _kept(image, out)


def _start(rpg: RPGPipeline, rng: random.Random, kind: str, seed: int) -> tuple[Kinds, Any, Plan]:
    """A right picture of four things in four corners; where room is needed, the last removed."""
    while True:
        colours = rng.sample(list(COLOURS), 4)
        kinds = list(zip(colours, rng.sample(THINGS, 4), strict=True))
        words = [f"{_a(c)} {n} in the {at}" for (c, n), at in zip(kinds, CORNERS, strict=True)]
        prompt = f"{', '.join(words[:3])} and {words[3]} {rng.choice(list(PLACES))}"
        plan = RulePlanner().plan(prompt)
        for attempt in range(_MOST_TRIES):
            image: Image.Image = rpg(plan=plan, seed=seed + attempt)[0][0]
            if not _is_of(image, kinds):
                continue
            if kind not in ("add", "move"):
                return kinds, image, plan
            out = rpg.edit(image, plan, f"remove the {kinds[3][1]}", seed=seed + attempt)
            if _is_of(out.images[0], kinds[:3]):
                return kinds[:3], out.images[0], out.plan


def _is_of(image: Image.Image, kinds: Kinds) -> bool:
    """Whether the picture shows the things in their corners, and nothing else."""
    found = detect(image)
    placed = zip(kinds, CORNERS, strict=False)
    return len(found) == len(kinds) and all(_has(found, k, at, image.size) for k, at in placed)


def _instruction(
    rng: random.Random, kind: str, kinds: Kinds
) -> tuple[str, list[tuple[str, str]], list[str]]:
    """What is asked for, what should then be there, and where; about the first thing."""
    (colour, name), place = kinds[0], CORNERS[0]
    used_colours, used_names = {c for c, _ in kinds}, {n for _, n in kinds}
    fresh = rng.choice([c for c in COLOURS if c not in used_colours])
    other = rng.choice([n for n in THINGS if n not in used_names])
    match kind:
        case "colour":
            return f"make the {name} {fresh}", [(fresh, name)], [place]
        case "thing":
            return f"turn the {name} into {_a(other)}", [(colour, other)], [place]
        case "add":
            return f"add {_a(fresh)} {other} in the {FREE}", [(fresh, other)], [FREE]
        case "remove":
            return f"remove the {name}", [], []
        case _:
            return f"move the {name} to the {FREE}", [(colour, name)], [FREE]


def _a(word: str) -> str:
    """The word with its article."""
    return f"{'an' if word[0] in 'aeiou' else 'a'} {word}"


def _quarter(found: Detection, size: tuple[int, int]) -> str:
    x, y = found.centre
    return f"{'top' if y < size[1] / 2 else 'bottom'} {'left' if x < size[0] / 2 else 'right'}"


def _in_quarter(found: Sequence[Detection], place: str, size: tuple[int, int]) -> list[Detection]:
    return [one for one in found if _quarter(one, size) == place]


def _has(
    found: Sequence[Detection], kind: tuple[str, str], place: str, size: tuple[int, int]
) -> bool:
    return any((one.colour, one.name) == kind for one in _in_quarter(found, place, size))


def _alike(one: Detection, other: Detection) -> bool:
    same = (one.colour, one.name) == (other.colour, other.name)
    near = max(abs(a - b) for a, b in zip(one.centre, other.centre, strict=True))
    return same and near <= _SAME


def _kept(before: Image.Image, out: EditOutput) -> bool:
    outside = np.asarray(out.mask) == 0
    after = np.asarray(out.images[0])
    return bool((after[outside] == np.asarray(before.convert("RGB"))[outside]).all())


def _mean(values: Sequence[float]) -> float:
    return round(sum(values) / len(values), 4) if values else 0.0


def _tracked(items: Sequence[Any], label: str) -> Any:
    return track(items, label, console=Console(stderr=True), transient=True)
