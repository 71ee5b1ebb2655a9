"""The commands put together."""

from __future__ import annotations

import logging

import typer

from rpg.cli.batch import batch
from rpg.cli.demo import demo
from rpg.cli.doctor import doctor
from rpg.cli.edit import edit
from rpg.cli.generate import generate
from rpg.cli.plan import plan
from rpg.cli.planner_check import planner_check
from rpg.cli.refine import refine
from rpg.cli.session import app as session
from rpg.cli.upscale import upscale

app = typer.Typer(
    name="rpg",
    help="Recaption, plan, generate: pictures with every described thing in its place.",
    epilog="Exit codes: 0 done, 1 the model or the machine failed, 2 what was asked for cannot be.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(plan)
app.command()(generate)
app.command()(refine)
app.command()(edit)
app.command()(upscale)
app.command()(batch)
app.command()(demo)
app.command()(planner_check)
app.command()(doctor)
app.add_typer(session)


def main() -> None:
    """The console command."""
    # What transformers misses here (torchvision) is never used: no need to tell the user.
    logging.getLogger("transformers.utils.import_utils").setLevel(logging.ERROR)
    app()
