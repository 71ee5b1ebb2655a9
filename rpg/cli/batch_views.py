"""What `rpg batch` shows while it runs, and what it says at the end."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as ProgressBar
from rich.text import Text

from rpg.batch.events import BatchEvent, Counted, Faulty, PictureDrawn, Progress, Said, Wanted
from rpg.cli import console

if TYPE_CHECKING:
    from rpg.batch.pictures import Listing
    from rpg.batch.rows import Fault

_PERIOD = 600.0  # seconds over which the speed is averaged


class _PerMinute(ProgressColumn):
    """Pictures a minute."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{60 * speed:.1f} pictures/min," if speed else "", style="cyan")


@contextmanager
def bar(shown: bool) -> Iterator[Callable[[BatchEvent], None]]:
    """A progress bar on stderr, where that is a terminal; gone when done.

    Yields:
        A function to call with every event.
    """
    err = Console(file=sys.stderr)
    columns = (BarColumn(), MofNCompleteColumn(), _PerMinute(), TimeRemainingColumn())
    with ProgressBar(
        *columns,
        TextColumn("left"),
        console=err,
        transient=True,
        disable=not (shown and err.is_terminal),
        speed_estimate_period=_PERIOD,
    ) as progress:
        task = progress.add_task("", total=None)
        done = 0

        def hear(event: BatchEvent) -> None:
            nonlocal done
            if isinstance(event, Counted):
                progress.update(task, total=event.todo)
            elif isinstance(event, Progress):
                progress.update(task, completed=done + event.pictures * event.i / (event.n + 1))
            elif isinstance(event, PictureDrawn):
                done += 1
                progress.update(task, completed=done)

        yield hear


def say_listing(listing: Listing) -> None:
    """What is wrong or odd about the rows."""
    for fault in listing.faults:
        say_fault(fault)
    for line, first in listing.repeats:
        console.say(f"note: line {line} asks for a picture of line {first} again: drawn once")


def say_fault(fault: Fault) -> None:
    """A row that was not drawn."""
    about = f" ({fault.file})" if fault.file else ""
    console.say(f"line {fault.line}{about}: {fault.text}", style="red")


@dataclass
class Told:
    """What a run told, said at once where a person should know, and counted."""

    counted: Counted = field(default_factory=lambda: Counted(0, 0, 0))
    drawn: int = 0
    failed: int = 0
    notices: list[str] = field(default_factory=list)
    wanted: list[dict[str, object]] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    def hear(self, event: BatchEvent) -> None:
        """Takes note of an event."""
        match event:
            case Counted():
                self.counted = event
            case PictureDrawn():
                self.drawn += 1
            case Faulty(fault=fault):
                self.failed += 1
                say_fault(fault)
            case Wanted():
                self.wanted.append(_row(event))
            case Said(line=line, text=text) if text not in self.notices:
                self.notices.append(text)  # once, however many rows it is true of
                console.note(f"{f'line {line}: ' if line else ''}{text}")

    def summary(self) -> dict[str, object]:
        """The counts, for programs."""
        return {
            "there_before": self.counted.done,
            "drawn": self.drawn,
            "failed": self.failed,
            "left": self.counted.todo + self.counted.left - self.drawn - self.failed,
            "seconds": round(time.monotonic() - self.began, 3),
            "notices": self.notices,
        }

    def show_wanted(self) -> None:
        """What a dry run would draw."""
        for row in self.wanted:
            console.put(
                "line {line}: {file}, seed {seed}, {regions} regions: {prompt}".format(**row)
            )


def _row(event: Wanted) -> dict[str, object]:
    one = event.picture
    return {
        "line": one.row.line,
        "file": one.file,
        "seed": one.seed,
        "regions": len(event.plan.layers()),
        "prompt": event.plan.prompt,
    }
