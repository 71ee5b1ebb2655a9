"""How often the detector names what the renderer drew: `python -m benchmarks.detector`."""

from __future__ import annotations

import random
from typing import Annotated

import typer

from rpg.toybox.detector import Detection, detect
from rpg.toybox.renderer import render
from rpg.toybox.scene import Thing, random_scene

SIZES = ((64, 64), (96, 64), (96, 96))
_MOST = 6  # things in a scene
_SLACK = 2  # pixels by which a thing's centre may miss the box


def main(
    scenes: Annotated[int, typer.Option(help="Freshly drawn scenes of each size.")] = 1000,
    seed: Annotated[int, typer.Option(help="Another seed, other scenes.")] = 0,
) -> None:
    """Print the share of things in fresh scenes of one to six that are named right."""
    for size in SIZES:
        share = share_named(size, scenes, seed=seed)
        typer.echo(f"{size[0]}x{size[1]}: {share:.2%} of the things in {scenes} scenes")


def share_named(size: tuple[int, int], scenes: int, *, seed: int) -> float:
    """The share of things found in the right place with the right name and colour, 0 to 1."""
    rng = random.Random(f"{size}/{seed}")
    right = total = 0
    for number in range(scenes):
        scene = random_scene(rng, *size, 1 + number % _MOST)
        found = detect(render(scene))
        total += len(scene.things)
        right += sum(any(_agrees(one, thing) for one in found) for thing in scene.things)
    return right / total


def _agrees(found: Detection, thing: Thing) -> bool:
    left, top, right, bottom = found.box
    inside = (
        left - _SLACK <= thing.x <= right + _SLACK and top - _SLACK <= thing.y <= bottom + _SLACK
    )
    return inside and (found.name, found.colour) == (thing.name, thing.colour)


if __name__ == "__main__":
    typer.run(main)
