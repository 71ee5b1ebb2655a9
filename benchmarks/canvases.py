"""What stands on canvases that should hold nothing, or one thing: `python -m benchmarks.canvases`.

Toybox draws a place's name alone, as it does where a plan's regions leave canvas, and one thing on
canvases of many shapes, as oblong regions are; the detector counts.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer
from PIL import Image

from benchmarks.cases import article
from benchmarks.tools import tracked, wilson
from rpg.pipeline import RPGPipeline
from rpg.plans.plan import Plan
from rpg.toybox import COLOURS, PLACES, THINGS, weights_path
from rpg.toybox.detector import detect, place_of

EMPTY = ((256, 256), (256, 128), (128, 256), (384, 256), (384, 384))
ONE = ((256, 128), (128, 256), (256, 160), (160, 256), (384, 128), (256, 256))
Kind = tuple[str, str]  # colour, thing


@dataclass(frozen=True, slots=True)
class Canvas:
    """One picture: its prompt, its size in pixels, what is to be there and on which ground."""

    prompt: str
    size: tuple[int, int]
    things: tuple[Kind, ...]
    place: str


@dataclass(frozen=True, slots=True)
class Row:
    """Pictures that should hold nothing, or one thing: shares, 0 to 1, `right` with its 95%."""

    things: int
    pictures: int
    right: float  # those things and no others, on the right ground
    interval: tuple[float, float]
    too_many: float
    missing: float


def make_canvases(count: int, things: int, *, seed: int) -> list[Canvas]:
    """`count` canvases with no thing or one, sizes and places by turns."""
    rng, sizes = random.Random(f"canvases/{things}/{seed}"), ONE if things else EMPTY
    return [_canvas(rng, things, sizes[number % len(sizes)], number) for number in range(count)]


def _canvas(rng: random.Random, things: int, size: tuple[int, int], number: int) -> Canvas:
    place = list(PLACES)[number % len(PLACES)]
    if not things:
        return Canvas(place, size, (), place)
    colour, thing = rng.choice(list(COLOURS)), rng.choice(THINGS)
    return Canvas(f"{article(colour)} {thing} {place}", size, ((colour, thing),), place)


def row(rpg: RPGPipeline, canvases: Sequence[Canvas], *, seed: int) -> Row:
    """Draw them, each with a seed of its own, and count."""
    right = more = fewer = 0
    for number, canvas in enumerate(tracked(canvases, f"{len(canvases[0].things)} things")):
        width, height = canvas.size
        plan = Plan(prompt=canvas.prompt)
        image: Image.Image = rpg(plan=plan, seed=seed + number, width=width, height=height)[0][0]
        found = [(one.colour, one.name) for one in detect(image)]
        right += found == list(canvas.things) and place_of(image) == canvas.place
        more += len(found) > len(canvas.things)
        fewer += len(found) < len(canvas.things)
    count = len(canvases)
    shares = (round(part / count, 4) for part in (more, fewer))
    interval = wilson(right, count)
    return Row(len(canvases[0].things), count, round(right / count, 4), interval, *shares)


def main(
    model: Annotated[Path | None, typer.Option(help="Folder of weights; the bundled.")] = None,
    limit: Annotated[int, typer.Option(help="Pictures of a row.")] = 60,
    seed: Annotated[int, typer.Option(help="Of prompts and of the first picture.")] = 0,
) -> None:
    """Print how many pictures of nothing and of one thing hold just that, as JSON."""
    rpg = RPGPipeline.from_pretrained(model or weights_path())
    rpg.pipe.set_progress_bar_config(disable=True)
    rows = [row(rpg, make_canvases(limit, things, seed=seed), seed=seed) for things in (0, 1)]
    typer.echo(json.dumps([asdict(one) for one in rows], indent=2))


if __name__ == "__main__":
    typer.run(main)
