"""Where words go: results to stdout, everything else to stderr; and plans as tables."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from rpg.errors import (
    ChatAccessError,
    ChatError,
    ChatImageError,
    GenerationError,
    ModelError,
    PlanError,
    RPGError,
    StoreError,
)
from rpg.plans.overlay import PALETTE

if TYPE_CHECKING:
    from rpg.plans.geometry import Box
    from rpg.plans.plan import Plan


@contextmanager
def explained(as_json: bool) -> Iterator[None]:
    """Turns an `RPGError` into one line and an exit code: 1 if the machine failed, else 2."""
    try:
        yield
    except RPGError as error:
        say(f"error: {error}", style="bold red")
        if as_json:
            put(json.dumps({"error": {"type": type(error).__name__, "message": str(error)}}))
        raise typer.Exit(_exit_code(error)) from error


def _exit_code(error: RPGError) -> int:
    """1 if the model or the machine failed, 2 if what was asked for cannot be."""
    if isinstance(error, (ChatAccessError, ChatImageError)):
        return 2
    if isinstance(error, PlanError) and error.answer is not None:
        return 1  # a language model's answer
    return 1 if isinstance(error, (ChatError, GenerationError, ModelError, StoreError)) else 2


def put(text: str) -> None:
    """One result on stdout, as it is."""
    typer.echo(text)


def say(text: str, style: str = "", end: str = "\n") -> None:
    """One line for a person, on stderr, or a piece of one; never read as markup."""
    _stderr().print(Text(text, style=style), soft_wrap=True, end=end)


def note(text: str) -> None:
    """Something that a person should know of, on stderr."""
    say(f"note: {text}", style="yellow")


def show_plan(plan: Plan, reasoning: bool = True) -> None:
    """The plan as a table on stdout: number and colour as in `rpg.plans.overlay`, place, subprompt.

    Below it what holds for all regions and, where asked for, how the plan came about.
    """
    table = Table(title=Text(plan.prompt), title_style="bold", title_justify="left", expand=False)
    table.add_column("#", justify="right")
    table.add_column("where, in % of the canvas", no_wrap=True)
    table.add_column("subprompt")
    for index, region in enumerate(plan.layers()):
        red, green, blue = PALETTE[index % len(PALETTE)]
        number = Text(str(index + 1), style=f"bold rgb({red},{green},{blue})")
        table.add_row(number, _where(region.box), Text(region.prompt))
    out = Console(file=sys.stdout)
    out.print(table)
    whole = {"setting": plan.scene.setting, "style": plan.scene.style}
    for name, text in (whole | {"not there": plan.effective_negative}).items():
        if text:
            out.print(Text(f"{name}: {text}"))
    if reasoning and plan.reasoning:
        out.print(Text(plan.reasoning, style="dim"))


@contextmanager
def progress() -> Iterator[Callable[[int, int], None]]:
    """A progress bar on stderr, gone when done; nothing where stderr is no terminal.

    Yields:
        A function to call with the step done and the number of steps.
    """
    console = _stderr()
    columns = (TextColumn("drawing"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("drawing", total=None, visible=False)
        yield lambda i, n: bar.update(task, completed=i, total=n, visible=True)


def _stderr() -> Console:
    """Made anew each time, since tests and callers replace sys.stderr."""
    return Console(file=sys.stderr)


def _where(box: Box) -> str:
    across, down = (box.x0, box.x1), (box.y0, box.y1)
    return "x {:3.0f} to {:3.0f}, y {:3.0f} to {:3.0f}".format(
        *(100 * at for at in (*across, *down))
    )
