"""Composition, measured: plain SDXL against RPG, on the same Toybox weights.

`python -m benchmarks.quality` runs the suite (`benchmarks.suite`, docs/benchmarks.md). With
`--quick` it goes by the number of things alone: fixed prompts, fixed seeds, the plain pipeline and
the model's own composer, of four things every composer. All methods start from the same latents
and take the same steps, and the detector judges; how well it does stands beside. With `--loop` it
measures the closed loop and edits, with `--suite` it draws for other suites.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import typer
from PIL import Image
from rich.console import Console
from rich.table import Table

from benchmarks.cases import Case, Verdict, judge, make_cases
from benchmarks.detector import SIZES, said, share_named
from benchmarks.edits import edit_rows
from benchmarks.loop import loop_rows
from benchmarks.suite import flags
from benchmarks.suite.cli import Measuring, export
from benchmarks.suite.export import PER_PROMPT, Export, SuiteName, read_prompts
from benchmarks.suite.tables import markdown, put_into
from benchmarks.suite.work import Setup
from benchmarks.tools import tracked
from rpg.cli import options
from rpg.cli.console import explained
from rpg.cli.planning import PlannerFlags
from rpg.errors import SettingsError
from rpg.pipeline import RPGOutput, RPGPipeline
from rpg.plans.plan import Plan
from rpg.settings import Composer
from rpg.toybox import weights_path

PLAIN = "plain"
METHODS = (PLAIN, "attention", "latent", "latent+attention")
THINGS = (1, 2, 4, 6, 9)
_ALL_METHODS = 4  # things with which every composer is drawn
_FEW, _MANY = 24, 50  # prompts of a row, and of a category of the suite
QUESTIONS = tuple(field.name for field in fields(Verdict))


@dataclass(frozen=True, slots=True)
class Row:
    """One method on prompts with one number of things: shares of pictures, 0 to 1."""

    things: int
    method: str
    pictures: int
    shares: dict[str, float]
    seconds_per_picture: float


def main(
    model: Annotated[
        str | None, typer.Option(help="Folder of weights, or a hub id for --suite; the bundled.")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="By the number of things: 1, 2, 4, 6 and 9.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of the prompts and of the first picture.")] = 0,
    steps: Annotated[int, typer.Option(help="Denoising steps; 0: the model's own.")] = 0,
    pictures: Annotated[
        Path | None, typer.Option(help="Folder to keep the pictures of --quick in.")
    ] = None,
    loop: Annotated[
        bool, typer.Option("--loop", help="Measure the closed loop and edits instead.")
    ] = False,
    out: flags.Out = None,
    limit: flags.Limit = None,
    ablations: flags.Ablations = 0,
    seeds: flags.Seeds = 1,
    variants: flags.Variants = None,
    categories: flags.Categories = None,
    jobs: flags.Jobs = 1,
    threads: flags.Threads = 1,
    into: flags.Into = None,
    suite: flags.Suite = None,
    prompts: flags.Prompts = None,
    images_per_prompt: flags.PerPrompt = None,
    method: flags.MethodName = "rpg",
    planner: options.PlannerName = "rules",
    planner_model: options.PlannerModel = None,
    base_url: options.BaseUrl = None,
) -> None:
    """Measure how often everything asked for is in the picture, and in its place."""
    folder = Path(model) if model else weights_path()
    with explained(as_json):
        if suite is not None:
            asked = PlannerFlags(planner, planner_model, base_url)
            _export(suite, prompts, out, model, asked, images_per_prompt, seed, method)
        elif loop:
            _measure_loop(folder, seed, limit, quick, as_json)
        elif quick:
            bench = Bench(folder, seed=seed, steps=steps, keep=pictures)
            _measure_quickly(bench, limit or _FEW, as_json)
        else:
            measuring = Measuring(
                out or Path("out/quality"),
                limit=limit or _MANY,
                short=ablations,
                seeds=seeds,
                variants=tuple(variants or ()),
                categories=tuple(categories or ()),
                jobs=jobs,
                threads=threads,
            )
            _measure(measuring, Setup.of(folder, seed=seed, steps=steps), as_json, into)


def _measure(measuring: Measuring, setup: Setup, as_json: bool, into: Path | None) -> None:
    found = measuring.measure(setup)
    text = markdown(found)
    if into is not None:
        put_into(into, text)
    typer.echo(json.dumps(found, indent=2) if as_json else text)


def _export(
    suite: SuiteName,
    prompts: Path | None,
    out: Path | None,
    model: str | None,
    planner: PlannerFlags,
    images_per_prompt: int | None,
    seed: int,
    method: Literal["rpg", "plain"],
) -> None:
    if prompts is None:
        raise SettingsError(f"--suite {suite}: name its file of prompts with --prompts")
    rows, count = read_prompts(suite, prompts), images_per_prompt or PER_PROMPT[suite]
    work = Export(suite, out or Path("out") / suite, rows, count, seed, method)
    faults = export(work, model, planner)
    for fault in faults:
        typer.echo(f"row {fault.row + 1} is left out: {fault.text}", err=True)
    if faults:
        raise typer.Exit(1)


def _measure_quickly(bench: Bench, prompts: int, as_json: bool) -> None:
    rows = [row for things in THINGS for row in bench.rows(things, prompts)]
    error = {f"{w}x{h}": share_named((w, h), prompts, seed=bench.seed) for w, h in SIZES}
    if as_json:
        found = {"rows": [asdict(row) for row in rows], "detector": error}
        typer.echo(json.dumps(found, indent=2))
        return
    Console().print(table(rows))
    for size, shares in error.items():
        typer.echo(f"The detector on {prompts} drawn scenes of {size}: {said(shares)}")


def _measure_loop(folder: Path, seed: int, limit: int | None, quick: bool, as_json: bool) -> None:
    rpg = RPGPipeline.from_pretrained(folder)
    rpg.pipe.set_progress_bar_config(disable=True)
    prompts, each = (6, 1) if quick else (60, 6)
    found: dict[str, list[Any]] = {
        "loop": list(loop_rows(rpg, limit or prompts, seed)),
        "edits": edit_rows(rpg, each, seed),
    }
    if as_json:
        shown = {name: [asdict(row) for row in rows] for name, rows in found.items()}
        typer.echo(json.dumps(shown, indent=2))
        return
    for rows in found.values():
        view = Table(*(name.replace("_", " ") for name in asdict(rows[0])))
        for row in rows:
            view.add_row(*(_cell(name, value) for name, value in asdict(row).items()))
        Console().print(view)


def _cell(name: str, value: Any) -> str:
    """A value as people read it: shares in percent, costs in pictures, intervals in brackets."""
    if isinstance(value, tuple):
        middle, low, high = (f"{100 * one:+.0f}" for one in value)
        return f"{middle} ({low} to {high})"
    if isinstance(value, float):
        return f"{value:.2f}" if name in ("evaluations", "pixels") else f"{100 * value:.0f}%"
    return str(value)


class Bench:
    """The model and the settings that every method shares."""

    def __init__(self, folder: Path, *, seed: int, steps: int, keep: Path | None) -> None:
        """Load the pipeline in `folder`; pictures go to `keep` where it is given."""
        self.rpg = RPGPipeline.from_pretrained(folder)
        self.rpg.pipe.set_progress_bar_config(disable=True)
        self.seed, self.keep = seed, keep
        self.steps = steps or self.rpg.defaults.num_inference_steps

    def rows(self, things: int, prompts: int) -> Iterator[Row]:
        """Draw `prompts` pictures by each method that applies, each with a seed of its own."""
        cases = make_cases(prompts, things, seed=self.seed)
        for method in self._methods(things):
            yield self._row(method, things, cases)

    def _methods(self, things: int) -> tuple[str, ...]:
        if things == _ALL_METHODS:
            return METHODS
        return (PLAIN, self.rpg.defaults.composer) if things > 1 else (PLAIN,)

    def _row(self, method: str, things: int, cases: list[Case]) -> Row:
        started, verdicts = time.perf_counter(), []
        for number, case in enumerate(tracked(cases, f"{things} things, {method}")):
            image = self._draw(method, case, self.seed + number, label=f"{things}-{number}")
            verdicts.append(judge(image, case))
        shares = {
            question: round(sum(getattr(v, question) for v in verdicts) / len(verdicts), 4)
            for question in QUESTIONS
        }
        seconds = (time.perf_counter() - started) / len(verdicts)
        return Row(things, method, len(verdicts), shares, round(seconds, 3))

    def _draw(self, method: str, case: Case, seed: int, *, label: str) -> Image.Image:
        plan = Plan(prompt=case.prompt) if method == PLAIN else case.plan
        composer = None if method == PLAIN else cast(Composer, method)
        width, height = self.rpg.defaults.canvas(case.boxes())
        output = self.rpg(
            plan=plan,
            seed=seed,
            width=width,
            height=height,
            num_inference_steps=self.steps,
            composer=composer,
        )
        assert isinstance(output, RPGOutput)
        image: Image.Image = output.images[0]
        if self.keep:
            self.keep.mkdir(parents=True, exist_ok=True)
            image.save(self.keep / f"{label}-{method}.png")
        return image


def table(rows: Iterable[Row]) -> Table:
    """The rows as a table of percentages."""
    view = Table("things", "method", *(q.replace("_", " ") for q in QUESTIONS), "s/picture")
    for row in rows:
        shares = (f"{100 * row.shares[question]:.0f}%" for question in QUESTIONS)
        view.add_row(str(row.things), row.method, *shares, f"{row.seconds_per_picture:.2f}")
    return view


if __name__ == "__main__":
    typer.run(main)
