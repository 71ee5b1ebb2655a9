"""`python -m benchmarks.speed`: how long pictures take, side by side with plain diffusers.

One process, the same weights, scheduler, steps, noise and canvas; text encoders, UNet loop and
decoder timed apart; FLOP and kernel launches counted beside them.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from benchmarks.speed.clock import Clock
from benchmarks.speed.measure import Bench
from benchmarks.speed.subjects import Subject, full_size, toybox, twin
from benchmarks.speed.variants import plan_of
from benchmarks.speed.views import as_json, markdown
from rpg.cli.console import explained
from rpg.errors import SettingsError


def main(
    full: Annotated[
        bool, typer.Option("--full-size", help="SDXL, random weights, 1024 x 1024, on a GPU.")
    ] = False,
    tiny: Annotated[
        bool, typer.Option(help="With --full-size: a narrow twin of SDXL's depth.")
    ] = False,
    device: Annotated[str | None, typer.Option(help="Of --full-size. Default: cuda.")] = None,
    compiled: Annotated[
        bool, typer.Option("--compile", help="Compile the transformer blocks.")
    ] = False,
    regions: Annotated[list[int] | None, typer.Option(help="How many; may be given again.")] = None,
    repeats: Annotated[int, typer.Option(min=1, help="Pictures of each variant.")] = 10,
    warmups: Annotated[int, typer.Option(min=0, help="Before them, not counted.")] = 1,
    steps: Annotated[int | None, typer.Option(min=5, help="Of a picture.")] = None,
    threads: Annotated[int, typer.Option(min=1, help="Of torch, on the CPU.")] = 2,
    clock: Annotated[
        Clock, typer.Option(help="On the CPU; processor: seconds of cores, for busy machines.")
    ] = "wall",
    as_program: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    md: Annotated[Path | None, typer.Option(help="Write the table here, as Markdown.")] = None,
) -> None:
    """Measure what regions cost in time, on Toybox or on SDXL's architecture."""
    torch.set_num_threads(threads)
    with explained(as_program):
        subject = _subject(full, tiny, device, steps)
        if regions:
            subject = replace(subject, counts=tuple(regions))
        for count in subject.counts:
            plan_of(count)
        if compiled:
            subject.pipe.unet.compile_repeated_blocks()
        bench = Bench(subject, repeats, warmups, clock)
        columns = TextColumn("pictures"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
        with Progress(*columns, console=Console(stderr=True)) as bar:
            task = bar.add_task("pictures", total=bench.pictures)
            rows = bench.rows(lambda: bar.advance(task))
    how = "the GPU's time" if subject.device.type == "cuda" else f"{clock} time, {threads} threads"
    title = f"{subject.name}, {subject.side} x {subject.side}, {subject.steps} steps; {how}"
    text = markdown(rows, title)
    if md is not None:
        md.write_text(text, "utf-8")
    if as_program:
        text = as_json(rows, {"subject": title, "repeats": repeats, "compiled": compiled})
    typer.echo(text)


def _subject(full: bool, tiny: bool, device: str | None, steps: int | None) -> Subject:
    """What the flags ask for.

    Raises:
        SettingsError: They do not go together, or there is no GPU.
    """
    if tiny and not full or device is not None and not full:
        raise SettingsError("--tiny and --device go with --full-size")
    if not full:
        return toybox(steps)
    if tiny and device not in (None, "cpu"):
        raise SettingsError("--tiny is drawn on the CPU: leave out --device, or say cpu")
    return twin(steps) if tiny else full_size(device, steps)


if __name__ == "__main__":
    typer.run(main)
