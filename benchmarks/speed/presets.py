"""What a preset may cost the pictures: schedulers, steps and the end of guidance, judged.

`python -m benchmarks.speed.presets` draws the same prompts in every candidate, with the model's own
composer, and says how many pictures are all right and how many seconds of a processor one takes;
prompt after prompt, so that whatever else the machine does befalls all candidates alike. A preset
is the cheapest candidate that is as good as the model's own settings, as far as these prompts can
tell: the 95% interval of the paired difference in pictures that are all right reaches zero, and it
draws no fewer right than the model's own, since of many candidates one reaches zero by luck. Where
none does, it is the one that loses least. The prompts are none of the suite's own, so that nothing
is chosen by what is reported there.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from rich.console import Console
from rich.table import Table

from benchmarks.suite.judge import judge, look
from benchmarks.suite.prompts import make_items
from benchmarks.suite.stats import Estimate, difference, estimate
from benchmarks.suite.truth import Item
from benchmarks.tools import tracked
from rpg.diffusion.quiet import quiet_loading
from rpg.errors import SettingsError
from rpg.pipeline import RPGOutput, RPGPipeline
from rpg.settings import GenerationSettings

__all__ = ["CANDIDATES", "Candidate", "Figures", "Seen", "figures", "wanted"]

CANDIDATES = ("euler-a:12:0.5", "euler-a:10:0.5", "euler:10:0.5", "euler:8:0.5")
_FORM = "candidate {!r:.40}: expected SCHEDULER:STEPS[:END], as in euler:10 or euler:10:0.6"
SEED = 1  # of the prompts; the suite's own are of 0


@dataclass(frozen=True)
class Candidate:
    """A scheduler, a number of steps, and the share of them after which guidance ends."""

    scheduler: str
    steps: int
    guidance_end: float = 1.0

    @classmethod
    def read(cls, text: str) -> Candidate:
        """From "euler:10", or "euler:10:0.6".

        Raises:
            SettingsError: Not of that form, or out of a setting's range.
        """
        name, _, numbers = text.partition(":")
        try:
            steps, *end = numbers.split(":")
            found = cls(name, int(steps), *map(float, end))
        except (TypeError, ValueError):
            raise SettingsError(_FORM.format(text)) from None
        GenerationSettings(**found.words())
        return found

    @property
    def name(self) -> str:
        """As it is read."""
        cut = f":{self.guidance_end:g}" if self.guidance_end < 1 else ""
        return f"{self.scheduler}:{self.steps}{cut}"

    def words(self) -> dict[str, Any]:
        """Of a call."""
        return {
            "scheduler": self.scheduler,
            "num_inference_steps": self.steps,
            "guidance_end": self.guidance_end,
        }


@dataclass(frozen=True)
class Seen:
    """One picture: whether all of it is right, its score from 0 to 1, and processor seconds."""

    right: bool
    score: float
    seconds: float


@dataclass(frozen=True)
class Figures:
    """A candidate's row; `against` is its share of pictures that are all right minus the own."""

    scheduler: str
    steps: int
    guidance_end: float
    right: Estimate
    score: float
    seconds: float
    against: Estimate


class Artist:
    """Draws prompts with the bundled model and judges them."""

    def __init__(self) -> None:
        """Load the model."""
        logging.getLogger("rpg").setLevel(logging.ERROR)
        with quiet_loading():
            self.rpg = RPGPipeline.from_pretrained()
        self.rpg.pipe.set_progress_bar_config(disable=True)

    def seen(self, item: Item, seed: int, candidate: Candidate | None) -> Seen:
        """One picture; None draws with the model's own scheduler and steps."""
        plan = self.rpg.plan(item.prompt)
        words = {} if candidate is None else candidate.words()
        started = time.process_time()
        out = self.rpg(plan=plan, seed=seed, **words)
        seconds = time.process_time() - started
        assert isinstance(out, RPGOutput)
        verdict = judge(look(out.images[0]), item)
        return Seen(verdict.strict, verdict.score, seconds)


def figures(candidate: Candidate, rows: Sequence[Seen], own: Sequence[Seen]) -> Figures:
    """A candidate's row, of as many pictures as the model's own settings drew."""
    ours, theirs = (np.array([float(row.right) for row in of]) for of in (rows, own))
    return Figures(
        candidate.scheduler,
        candidate.steps,
        candidate.guidance_end,
        estimate(ours),
        float(np.mean([row.score for row in rows])),
        float(np.mean([row.seconds for row in rows])),
        difference(ours, theirs),
    )


def wanted(texts: Sequence[str]) -> list[Candidate]:
    """Those of the texts, in order, each once however it is written.

    Raises:
        SettingsError: As in `Candidate.read`.
    """
    return list(dict.fromkeys(map(Candidate.read, texts)))


def main(
    candidates: Annotated[
        list[str] | None,
        typer.Argument(help="SCHEDULER:STEPS[:END], several. Default: those tried."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Prompts of each of seven categories.")] = 10,
    seed: Annotated[int, typer.Option(min=1, help="Of the prompts.")] = SEED,
    threads: Annotated[int, typer.Option(min=1, help="Of torch.")] = 1,
    keep: Annotated[Path | None, typer.Option(help="Write every picture's figures here.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Measure candidates for a preset on the bundled model."""
    torch.set_num_threads(threads)
    tried = wanted(candidates or CANDIDATES)
    artist, items = Artist(), make_items(limit, seed=seed)
    artist.seen(items[0], 0, None)  # the first picture of all takes longer
    drawn: dict[str, list[Seen]] = {one.name if one else "own": [] for one in (None, *tried)}
    for i, item in tracked(list(enumerate(items)), "prompts"):
        for rows, candidate in zip(drawn.values(), (None, *tried), strict=True):
            rows.append(artist.seen(item, 1000 * i, candidate))
        if keep is not None:
            every = {of: [asdict(row) for row in rows] for of, rows in drawn.items()}
            keep.write_text(json.dumps(every), "utf-8")
    defaults = artist.rpg.defaults
    end = defaults.guidance_end or 1.0
    own = Candidate("the model's own", defaults.num_inference_steps, end)
    found = [
        figures(candidate, rows, drawn["own"])
        for candidate, rows in zip((own, *tried), drawn.values(), strict=True)
    ]
    if as_json:
        typer.echo(json.dumps([asdict(row) for row in found], indent=2))
    else:
        Console().print(_table(found))


def _table(rows: Sequence[Figures]) -> Table:
    table = Table(title="Pictures that are all right, and processor seconds of one")
    for heading in ("scheduler", "steps", "guided", "all right", "against own", "score", "seconds"):
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(
            row.scheduler, str(row.steps), f"{row.guidance_end:.0%}",
            _percent(row.right), _percent(row.against, "+"),
            f"{row.score:.3f}", f"{row.seconds:.2f}",
        )  # fmt: skip
    return table


def _percent(of: Estimate, sign: str = "") -> str:
    return f"{of.mean:{sign}.0%} ({of.low:{sign}.0%} to {of.high:{sign}.0%})"


if __name__ == "__main__":
    typer.run(main)
