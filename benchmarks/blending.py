"""Whether boxes drawn by hand blend in, measured on Toybox: `python -m benchmarks.blending`.

A box with a thing's words alone lies in a picture of a place. It blends in where the ground in the
box, apart from the thing, has the colour of the ground around it, and the detector names the thing.
"""

from __future__ import annotations

import json
import random
from dataclasses import asdict, dataclass
from typing import Annotated

import cv2
import numpy as np
import typer
from PIL import Image

from benchmarks.cases import Kind, article, inside
from benchmarks.tools import mean, tracked
from rpg import RPGPipeline
from rpg.planners.rules.scene import scene_of_prompt
from rpg.plans.edits import AddRegion
from rpg.plans.geometry import Box
from rpg.plans.plan import Plan, Region
from rpg.toybox import COLOURS, PLACES, THINGS
from rpg.toybox.detector import Detection, detect

ARMS = ("drawn", "added", "without a scene")
BLENDS = 3.0  # mean difference in Lab (CIE76) below which nobody sees a patch
_AROUND = 9  # pixels around a thing that count neither as thing nor as ground
_SIDE = 0.5  # of boxes: smaller ones want a larger canvas
_FIRST = Box(0, 0.25, _SIDE, 0.75)
_PLACES = tuple(place for place in PLACES if place != "on a plain background")


@dataclass(frozen=True, slots=True)
class Blended:
    """One picture.

    Attributes:
        arm: one of `ARMS`: drawn with the box at once, an edit of a picture of another thing, or
            drawn from a plan whose place stands in the base prompt alone.
        prompt: what is in the box.
        place: around it.
        difference: between the mean colours of the ground in the box and around it, in Lab.
        named: whether the detector names the thing in the box.
    """

    arm: str
    prompt: str
    place: str
    difference: float
    named: bool

    @property
    def blends(self) -> bool:
        """Whether it is as it should be."""
        return self.named and self.difference < BLENDS


def main(
    cases: Annotated[int, typer.Option(min=1, help="Pictures of each arm.")] = 10,
    seed: Annotated[int, typer.Option(help="Of the cases and the pictures.")] = 0,
    arms: Annotated[str, typer.Option(help="Which of the arms, after commas.")] = ",".join(ARMS),
) -> None:
    """Print every picture's figures, and how many of each arm blend in, as JSON."""
    rpg = RPGPipeline.from_pretrained()
    asked = [(arm, n) for arm in arms.split(",") for n in range(cases)]
    rows = [blended(rpg, arm, seed + n) for arm, n in tracked(asked, "blending")]
    shares = {
        arm: mean([float(row.blends) for row in rows if row.arm == arm]) for arm in arms.split(",")
    }
    typer.echo(json.dumps({"blend in": shares, "pictures": [*map(asdict, rows)]}, indent=1))


def blended(rpg: RPGPipeline, arm: str, seed: int) -> Blended:
    """Draws one case and looks at it."""
    rng = random.Random(f"blending/{seed}")
    place = _PLACES[seed % len(_PLACES)]
    colours, names = rng.sample(list(COLOURS), 2), rng.sample(THINGS, 2)
    kind, other = zip(colours, names, strict=True)
    top = rng.uniform(0, 1 - _SIDE)
    region = _region("new", kind, Box(1 - _SIDE, top, 1, top + _SIDE))
    scene = scene_of_prompt(f"a picture {place}")
    if arm == "added":
        start = Plan(prompt=place, scene=scene, regions=(_region("old", other, _FIRST),))
        first = rpg(plan=start, seed=seed)[0][0]
        image = rpg.edit(first, start, AddRegion(region=region), seed=seed + 50).images[0]
    else:
        here = {"scene": scene} if arm == "drawn" else {}
        image = rpg(plan=Plan(prompt=place, regions=(region,), **here), seed=seed)[0][0]
    found = detect(image)
    return Blended(
        arm,
        region.prompt,
        place,
        round(difference(image, region.box, found), 2),
        any((one.colour, one.name) == kind for one in inside(found, region.box, image.size)),
    )


def _region(name: str, kind: Kind, box: Box) -> Region:
    return Region(id=name, prompt=f"{article(kind[0])} {kind[1]}", box=box)


def difference(image: Image.Image, box: Box, things: list[Detection]) -> float:
    """Between the mean colours of the ground in a box and around it, in Lab; things left out.

    100, as from black to white, where there is no ground on one side.
    """
    height, width = image.height, image.width
    taken = np.zeros((height, width), np.uint8)
    cv2.fillPoly(taken, [one.contour for one in things], 1)
    ground = cv2.dilate(taken, np.ones((_AROUND, _AROUND), np.uint8)) == 0
    within = np.zeros((height, width), bool)
    x0, y0, x1, y1 = box.to_pixels(width, height)
    within[y0:y1, x0:x1] = True
    lab = cv2.cvtColor(np.asarray(image.convert("RGB"), np.float32) / 255, cv2.COLOR_RGB2LAB)
    here, there = lab[ground & within], lab[ground & ~within]
    if not len(here) or not len(there):
        return 100.0
    return float(np.linalg.norm(here.mean(axis=0) - there.mean(axis=0)))


if __name__ == "__main__":
    typer.run(main)
