"""What `rpg calibrate` shows: arms before, a bar meanwhile, standings after."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from rpg.calibration.arms import Arm, described
from rpg.calibration.prompts import TrialPrompt
from rpg.calibration.race import Standing
from rpg.calibration.trial import Pass
from rpg.defaults import ModelDefaults

__all__ = ["bar", "duration", "show_plan_of_work", "show_standings"]


@contextmanager
def bar() -> Iterator[Callable[[Pass], None]]:
    """A progress bar on stderr with the time left, where that is a terminal; gone when done.

    Yields:
        A function to call with every pass.
    """
    err = Console(file=sys.stderr)
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
    began, new = time.monotonic(), 0
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task("pictures", total=None)

        def see(one: Pass) -> None:
            nonlocal new
            new += one.new
            each = (time.monotonic() - began) / new if new else 0.0
            left = f", at most {duration(each * one.left)} left" if new else ""
            total = one.pictures + one.left
            said = f"pictures{left}"
            progress.update(task, completed=one.pictures, total=total, description=said)

        yield see


def duration(seconds: float) -> str:
    """Seconds in words: "42 s", "7 min", "2.5 h"."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def show_plan_of_work(
    arms: Sequence[Arm], defaults: ModelDefaults, prompts: Sequence[TrialPrompt]
) -> None:
    """Arms and kinds of prompts, on stdout."""
    out = Console(file=sys.stdout)
    for name in described(arms, defaults).values():
        out.print(Text(f"  {name}"))
    kinds = Counter(one.kind for one in prompts)
    out.print(", ".join(f"{count} of {kind}" for kind, count in kinds.items()) + " prompts")


def show_standings(rows: Sequence[Standing], arms: Sequence[Arm], defaults: ModelDefaults) -> None:
    """The table of arms, on stdout; scores in per cent."""
    names = described(arms, defaults)
    numbers = {row.arm: number for number, row in enumerate(rows, 1)}
    table = Table("#", box=None, padding=(0, 2, 0, 0))
    table.add_column("arm", overflow="fold")
    for heading in ("pictures", "score, 95%", "to the best", "s each"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        low, high = (round(100 * end) for end in row.interval)
        least, most = (round(100 * end) for end in row.difference_interval)
        is_best = row.difference == least == most == 0.0
        name = Text(names[row.arm])
        if row.beaten_by:
            name.append(f"\nsurely worse than {numbers[row.beaten_by]}", style="dim")
        table.add_row(
            str(numbers[row.arm]),
            name,
            str(row.prompts),
            f"{100 * row.score:.1f} ({low} to {high})",
            "best" if is_best else f"{100 * row.difference:+.1f} ({least:+} to {most:+})",
            f"{row.seconds:.1f}",
        )
    Console(file=sys.stdout).print(table)
