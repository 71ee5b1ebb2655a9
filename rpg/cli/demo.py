"""`rpg demo`: the first picture, with nothing but what is in the package."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from rpg.cli import console
from rpg.cli.files import write_picture
from rpg.cli.generate import draw_all
from rpg.cli.loading import ModelFlags
from rpg.cli.recording import Recording
from rpg.planners import RulePlanner
from rpg.plans.overlay import draw_plan
from rpg.settings import GenerationSettings
from rpg.toybox import weights_path

PROMPT = (
    "a green tree and a yellow bird above a red house, a striped orange cat and a pink flower, "
    "in the meadow"
)
SEED = 7
_NEXT = """
Look at {picture} and {drawn}. Then try:
  {rpg} generate "a teal boat above a striped orange fish, at sea" -n 4
  {rpg} generate --from {picture} --seed 8
  {rpg} plan "three green trees between two purple houses"
  {rpg} generate --help"""


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
        made = draw_all(rpg, plan, GenerationSettings(seed=SEED), Recording(None))
        record = made.records[0]
        picture = write_picture(made.images[0], folder / "demo.png", record)
        drawn = folder / "demo-plan.png"
        write_picture(draw_plan(made.images[0], record.plan), drawn, None)
        console.put(_NEXT.format(picture=picture, drawn=drawn, rpg=_command()))


def _command() -> str:
    """How to call us from here: `rpg` where the shell finds this one, else by this very Python."""
    here = Path(sys.executable)
    if (found := shutil.which("rpg")) and Path(found).parent == here.parent:
        return "rpg"
    near = here.relative_to(Path.cwd()) if here.is_relative_to(Path.cwd()) else here
    return f"{near} -m rpg"
