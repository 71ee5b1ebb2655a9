"""Freely worded prompts with plans as a strong language model writes them, drawn and judged.

`python -m benchmarks.free_prompts` draws 30 plans, written by hand to the prompts beside them
(`data/free_prompts.jsonl`, one a line), with Toybox; the detector compares each picture with what
the prompt means, which is noted apart from the plan: every thing as often as asked, in its colour
and fill, where it should be, on the ground of its place, and nothing else.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Annotated, Any

import typer
from PIL import Image
from rich.console import Console
from rich.table import Table

from benchmarks.tools import tracked, wilson
from rpg.events import Refined, Rendered
from rpg.pipeline import RPGPipeline
from rpg.plans.geometry import Box
from rpg.plans.plan import Plan
from rpg.plans.scene import Scene
from rpg.plans.wording import worded
from rpg.toybox import weights_path
from rpg.toybox.detector import Detection, detect, place_of

PROMPTS = Path(__file__).parent / "data" / "free_prompts.jsonl"
ROUNDS = 4  # of the loop, at most
_LEVEL = 0.25  # of the canvas: what strays no further is a row, or a column

Points = Sequence[tuple[float, float]]  # middles of things, in fractions of the canvas


@dataclass(frozen=True, slots=True)
class Asked:
    """Things of one kind that a prompt asks for: how many, and how they look."""

    count: int
    colour: str
    name: str
    fill: str | None = None  # None: nothing is said

    @property
    def kind(self) -> str:
        """What `Truth.where` calls them: "red star"."""
        return f"{self.colour} {self.name}"

    def among(self, found: Iterable[Detection]) -> list[Detection]:
        """Those of a picture's things that are of this kind."""
        return [
            one
            for one in found
            if (one.colour, one.name) == (self.colour, self.name) and self.fill in (None, one.fill)
        ]


@dataclass(frozen=True, slots=True)
class Truth:
    """What a prompt means: things, the place, and (kind, one of `WHERE`, other kinds)."""

    place: str
    things: tuple[Asked, ...]
    where: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class FreePrompt:
    """A plan for a freely worded prompt, and what the prompt means."""

    plan: Plan
    truth: Truth


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is right in a picture: things and their number, where they stand, and the ground."""

    things: bool
    nothing_else: bool
    where: bool
    place: bool

    @property
    def right(self) -> bool:
        """Whether all of it is."""
        return self.things and self.nothing_else and self.where and self.place


@dataclass(frozen=True, slots=True)
class Row:
    """One arm: shares of pictures, 0 to 1, and the 95% interval of `right`."""

    arm: str
    rounds: int
    pictures: int
    right: float
    interval: tuple[float, float]
    things: float
    nothing_else: float
    where: float
    place: float
    seconds: float
    wrong: tuple[int, ...]  # which prompts, from 0


def as_it_stands(plan: Plan) -> Plan:
    """Boxes shaped like the things, the setting where none lies."""
    return plan


def whole_prompt_between(plan: Plan) -> Plan:
    """The same regions, drawn as a plan without a scene: the whole prompt where none lies."""
    texts = dict(zip((one.id for one in plan.layers()), worded(plan).regions, strict=True))
    regions = tuple(
        one.model_copy(update={"prompt": texts[one.id], "shows": ()}) for one in plan.regions
    )
    return plan.model_copy(update={"scene": Scene(), "regions": regions})


def tiled(plan: Plan) -> Plan:
    """Boxes grown until they meet, or the edge: nothing is left over."""
    boxes = _grown([one.box for one in plan.regions])
    regions = tuple(
        one.model_copy(update={"box": box}) for one, box in zip(plan.regions, boxes, strict=True)
    )
    return plan.model_copy(update={"regions": regions})


ARMS: Mapping[str, Callable[[Plan], Plan]] = {
    "shaped": as_it_stands,
    "shaped-whole-prompt": whole_prompt_between,
    "tiled": tiled,
}


def _grown(boxes: Sequence[Box]) -> list[Box]:
    across = [_stretched(box, boxes) for box in boxes]
    turned = [_turned(box) for box in across]
    return [_turned(_stretched(box, turned)) for box in turned]


def _stretched(box: Box, boxes: Sequence[Box]) -> Box:
    """Left and right as far as half-way to the next box at the same height."""
    level = [one for one in boxes if one.y0 < box.y1 and box.y0 < one.y1]
    left = max((one.x1 for one in level if one.x1 <= box.x0), default=-box.x0)
    right = min((one.x0 for one in level if one.x0 >= box.x1), default=2 - box.x1)
    return Box((left + box.x0) / 2, box.y0, (right + box.x1) / 2, box.y1)


def _turned(box: Box) -> Box:
    return Box(box.y0, box.x0, box.y1, box.x1)


def read_prompts(path: Path = PROMPTS) -> list[FreePrompt]:
    """The prompts of a file."""
    return [_read(line) for line in path.read_text("utf-8").splitlines()]


def _read(line: str) -> FreePrompt:
    data = json.loads(line)
    truth = data["truth"]
    things = tuple(Asked(**one) for one in truth["things"])
    where = tuple(tuple(one) for one in truth["where"])
    plan = Plan.from_json(json.dumps(data["plan"]))
    return FreePrompt(plan, Truth(truth["place"], things, where))


def judge(image: Image.Image, truth: Truth) -> Judgement:
    """Look at a picture at the model's own size with the detector."""
    found, (width, height) = detect(image), image.size
    of_kind = {asked.kind: asked.among(found) for asked in truth.things}
    at = {
        kind: [(one.centre[0] / width, one.centre[1] / height) for one in things]
        for kind, things in of_kind.items()
    }
    return Judgement(
        things=all(len(of_kind[asked.kind]) >= asked.count for asked in truth.things),
        nothing_else=len(found) <= sum(asked.count for asked in truth.things),
        where=all(_stands(one, at) for one in truth.where),
        place=place_of(image) == truth.place,
    )


def _stands(where: tuple[str, ...], at: Mapping[str, Points]) -> bool:
    subject, relation, *objects = where
    points, others = at[subject], [point for kind in objects for point in at[kind]]
    return bool(points) and (bool(others) or not objects) and WHERE[relation](points, others)


def _left_of(points: Points, others: Points) -> bool:
    return max(x for x, _ in points) < min(x for x, _ in others)


def _above(points: Points, others: Points) -> bool:
    return max(y for _, y in points) < min(y for _, y in others)


def _between(points: Points, others: Points) -> bool:
    """Within the others' reach, along the axis on which they stand further apart."""
    spans = [(min(values), max(values)) for values in zip(*others, strict=True)]
    axis = max((0, 1), key=lambda axis: spans[axis][1] - spans[axis][0])
    low, high = spans[axis]
    return all(low < point[axis] < high for point in points)


def _in_corners(points: Points, _: Points) -> bool:
    corners = {(x < 0.5, y < 0.5) for x, y in points}
    return len(corners) == 4 and all(min(abs(x - 0.5), abs(y - 0.5)) > 0.1 for x, y in points)


def _lined_up(points: Points, axis: int) -> bool:
    values = [point[axis] for point in points]
    return max(values) - min(values) < _LEVEL


WHERE: Mapping[str, Callable[[Points, Points], bool]] = {
    "left of": _left_of,
    "right of": lambda points, others: _left_of(others, points),
    "above": _above,
    "below": lambda points, others: _above(others, points),
    "between": _between,
    "in a row": lambda points, _: _lined_up(points, 1),
    "in a column": lambda points, _: _lined_up(points, 0),
    "in the corners": _in_corners,
    "left": lambda points, _: all(x < 0.5 for x, _y in points),
    "right": lambda points, _: all(x > 0.5 for x, _y in points),
    "top left": lambda points, _: all(x < 0.5 and y < 0.5 for x, y in points),
    "bottom left": lambda points, _: all(x < 0.5 < y for x, y in points),
    "bottom right": lambda points, _: all(x > 0.5 and y > 0.5 for x, y in points),
    "middle": lambda points, _: all(max(abs(x - 0.5), abs(y - 0.5)) < 0.2 for x, y in points),
}


def rows(
    rpg: RPGPipeline,
    arm: str,
    prompts: Sequence[FreePrompt],
    *,
    seed: int,
    loop: bool = False,
    keep: Path | None = None,
) -> Iterator[Row]:
    """Draw every prompt's plan as the arm has it, each with a seed of its own.

    Args:
        rpg: Toybox.
        arm: one of `ARMS`.
        prompts: what is drawn.
        seed: of the first picture.
        loop: whether the loop goes on from each picture; makes a second row.
        keep: folder for the pictures.
    """
    judged: list[list[Judgement]] = []
    started = time.perf_counter()
    for number, prompt in enumerate(tracked(prompts, arm)):
        images = _drawn(rpg, ARMS[arm](prompt.plan), seed + number, loop=loop)
        judged.append([judge(image, prompt.truth) for image in images])
        if keep:
            keep.mkdir(parents=True, exist_ok=True)
            for image, name in zip(images, ("first", "loop"), strict=False):
                image.save(keep / f"{arm}-{number:02}-{name}.png")
    seconds = (time.perf_counter() - started) / len(prompts)
    for rounds, of in zip((0, ROUNDS), zip(*judged, strict=True), strict=False):
        yield _row(arm, rounds, of, seconds)


def _drawn(rpg: RPGPipeline, plan: Plan, seed: int, *, loop: bool) -> list[Image.Image]:
    """The first picture, and the loop's best."""
    if not loop:
        image: Image.Image = rpg(plan=plan, seed=seed)[0][0]
        return [image]
    words: dict[str, Any] = {"plan": plan, "seed": seed, "preview_every": -1.0, "rounds": ROUNDS}
    images: list[Image.Image] = []
    for event in rpg.refine_stream(**words):
        if isinstance(event, Rendered) and not images:
            images.append(event.images[0])
        elif isinstance(event, Refined):
            images.append(event.image)
    return images


def _row(arm: str, rounds: int, judged: Sequence[Judgement], seconds: float) -> Row:
    count = len(judged)
    right = sum(one.right for one in judged)
    shares = {
        field.name: round(sum(getattr(one, field.name) for one in judged) / count, 4)
        for field in fields(Judgement)
    }
    wrong = tuple(number for number, one in enumerate(judged) if not one.right)
    share, interval = round(right / count, 4), wilson(right, count)
    return Row(
        arm, rounds, count, share, interval, **shares, seconds=round(seconds, 2), wrong=wrong
    )


def main(
    model: Annotated[Path | None, typer.Option(help="Folder of weights; the bundled.")] = None,
    arms: Annotated[list[str] | None, typer.Option(help=f"Of {', '.join(ARMS)}; all.")] = None,
    limit: Annotated[int, typer.Option(help="The first so many prompts; 0: all.")] = 0,
    seed: Annotated[int, typer.Option(help="Of the first picture.")] = 0,
    loop: Annotated[
        bool, typer.Option("--loop", help=f"After up to {ROUNDS} rounds of the loop as well.")
    ] = False,
    pictures: Annotated[Path | None, typer.Option(help="Folder to keep pictures in.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, not a table.")] = False,
) -> None:
    """Measure how often a good plan for a freely worded prompt makes a picture all right."""
    unknown = set(arms or ()) - set(ARMS)
    if unknown:
        raise typer.BadParameter(f"unknown arms {sorted(unknown)}; of {', '.join(ARMS)}")
    rpg = RPGPipeline.from_pretrained(model or weights_path())
    rpg.pipe.set_progress_bar_config(disable=True)
    prompts = read_prompts()[: limit or None]
    found = [
        row
        for arm in arms or ARMS
        for row in rows(rpg, arm, prompts, seed=seed, loop=loop, keep=pictures)
    ]
    if as_json:
        typer.echo(json.dumps([asdict(row) for row in found], indent=2))
        return
    view = Table(*(field.name.replace("_", " ") for field in fields(Row)))
    for row in found:
        view.add_row(*(_cell(value) for value in asdict(row).values()))
    Console().print(view)


def _cell(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


if __name__ == "__main__":
    typer.run(main)
