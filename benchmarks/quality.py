"""Composition, measured: plain SDXL against RPG with each composer, on the same Toybox weights.

`python -m benchmarks.quality --quick --json` draws fixed prompts with fixed seeds; the detector
judges. Every method starts from the same latents and takes the same steps.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Annotated, Any, cast

import torch
import typer
from PIL import Image
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.cases import Case, Verdict, judge, make_cases
from benchmarks.loop import bench
from rpg.defaults import ModelDefaults, of_model
from rpg.diffusion import regional
from rpg.diffusion.backbones import load_pipeline
from rpg.settings import Composer
from rpg.toybox import weights_path

PLAIN = "plain"
METHODS = (PLAIN, "attention", "latent", "latent+attention")
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
    model: Annotated[Path | None, typer.Option(help="Folder of weights; the bundled ones.")] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Fewer prompts; one and four things.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of the prompts and of the first picture.")] = 0,
    steps: Annotated[int, typer.Option(help="Denoising steps; 0: the model's own.")] = 0,
    pictures: Annotated[Path | None, typer.Option(help="Folder to keep the pictures in.")] = None,
    loop: Annotated[
        bool, typer.Option("--loop", help="Measure the closed loop and edits instead.")
    ] = False,
) -> None:
    """Measure how often everything asked for is in the picture, and in its place."""
    folder = model or weights_path()
    if loop:
        _measure_loop(folder, seed, quick, as_json)
        return
    plan = [(1, 48, 1), (4, 24, 2)] if quick else [(1, 48, 4), (2, 48, 2), (4, 48, 2), (6, 24, 2)]
    bench = Bench(folder, seed=seed, steps=steps, keep=pictures)
    rows = [row for things, prompts, seeds in plan for row in bench.rows(things, prompts, seeds)]
    if as_json:
        typer.echo(json.dumps([asdict(row) for row in rows], indent=2))
    else:
        Console().print(table(rows))


def _measure_loop(folder: Path, seed: int, quick: bool, as_json: bool) -> None:
    found = bench(folder, seed=seed, prompts=12 if quick else 60, edits=10 if quick else 60)
    if as_json:
        shown = {name: [asdict(row) for row in rows] for name, rows in found.items()}
        typer.echo(json.dumps(shown, indent=2))
        return
    for rows in found.values():
        view = Table(*asdict(rows[0]))
        for row in rows:
            view.add_row(*(str(value) for value in asdict(row).values()))
        Console().print(view)


class Bench:
    """The model and the settings that every method shares."""

    def __init__(self, folder: Path, *, seed: int, steps: int, keep: Path | None) -> None:
        """Load the pipeline in `folder`; pictures go to `keep` where it is given."""
        self.pipe: Any = load_pipeline(folder)
        self.pipe.set_progress_bar_config(disable=True)
        self.defaults: ModelDefaults = of_model(folder, "sdxl")
        self.seed, self.keep = seed, keep
        self.steps = steps or self.defaults.num_inference_steps

    def rows(self, things: int, prompts: int, seeds: int) -> Iterator[Row]:
        """Draw `prompts` x `seeds` pictures by each method that applies."""
        cases = make_cases(prompts, things, seed=self.seed)
        for method in METHODS if things > 1 else (PLAIN,):
            yield self._row(method, things, cases, range(self.seed, self.seed + seeds))

    def _row(self, method: str, things: int, cases: list[Case], seeds: Iterable[int]) -> Row:
        started, verdicts = time.perf_counter(), []
        for number, case in enumerate(_tracked(cases, f"{things} things, {method}")):
            for image in self._draw(method, case, list(seeds), label=f"{things}-{number}"):
                verdicts.append(judge(image, case))
        shares = {
            question: round(sum(getattr(v, question) for v in verdicts) / len(verdicts), 4)
            for question in QUESTIONS
        }
        seconds = (time.perf_counter() - started) / len(verdicts)
        return Row(things, method, len(verdicts), shares, round(seconds, 3))

    def _draw(self, method: str, case: Case, seeds: list[int], *, label: str) -> list[Image.Image]:
        width, height = self.defaults.canvas(case.boxes())
        with self._composed(method, case):
            images: list[Image.Image] = self.pipe(
                case.prompt,
                width=width,
                height=height,
                num_inference_steps=self.steps,
                guidance_scale=self.defaults.guidance_scale,
                num_images_per_prompt=len(seeds),
                generator=[torch.Generator().manual_seed(seed) for seed in seeds],
            ).images
        self._keep(images, f"{label}-{method}")
        return images

    def _composed(self, method: str, case: Case) -> Any:
        if method == PLAIN:
            return nullcontext()
        words = {name: getattr(self.defaults, name) for name in ("base_ratio", "share", "feather")}
        return regional(self.pipe, case.plan, composer=cast(Composer, method), **words)

    def _keep(self, images: list[Image.Image], label: str) -> None:
        if self.keep:
            self.keep.mkdir(parents=True, exist_ok=True)
            for index, image in enumerate(images):
                image.save(self.keep / f"{label}-{index}.png")


def _tracked(cases: list[Case], label: str) -> Iterable[Case]:
    return track(cases, label, console=Console(stderr=True), transient=True)


def table(rows: Iterable[Row]) -> Table:
    """The rows as a table of percentages."""
    view = Table("things", "method", *(q.replace("_", " ") for q in QUESTIONS), "s/picture")
    for row in rows:
        shares = (f"{100 * row.shares[question]:.0f}%" for question in QUESTIONS)
        view.add_row(str(row.things), row.method, *shares, f"{row.seconds_per_picture:.2f}")
    return view


if __name__ == "__main__":
    typer.run(main)
