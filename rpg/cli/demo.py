"""`rpg demo`: the first picture, with nothing but what is in the package."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rpg import metadata
from rpg.cli import console
from rpg.cli.generate import draw_all
from rpg.cli.loading import ModelFlags
from rpg.drawing import draw_plan
from rpg.planners import RulePlanner
from rpg.settings import GenerationSettings
from rpg.toybox import weights_path

PROMPT = (
    "a yellow moon in the middle, a red star in the top left corner, a pink heart in the top right corner, "
    "a blue square in the bottom left corner and a green circle in the bottom right corner, at night"
)
SEED = 7
_NEXT = """
Look at {picture} and {drawn}. Then try:
  rpg generate "a red star above a blue circle, in the snow" -n 4
  rpg generate --from {picture} --seed 8
  rpg plan "three green triangles between two purple moons" --json
  rpg generate --help"""


def demo(
    folder: Annotated[Path, typer.Option("--output", "-o", help="Folder for the pictures.")] = Path(
        "out"
    ),
) -> None:
    """Draw five things in their places with the bundled model, and the plan on top."""
    with console.explained(as_json=False):
        plan = RulePlanner().plan(PROMPT)
        console.show_plan(plan)
        rpg = ModelFlags(model=str(weights_path())).load()
        made = draw_all(rpg, plan, GenerationSettings(seed=SEED))
        record = made.records[0]
        picture = metadata.save(made.images[0], folder / "demo.png", record)
        drawn = folder / "demo-plan.png"
        metadata.save(draw_plan(made.images[0], record.plan), drawn, None)
        console.put(_NEXT.format(picture=picture, drawn=drawn))
