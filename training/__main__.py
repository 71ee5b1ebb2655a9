"""Train Toybox: `python -m training --config full --run runs/big`; the same command resumes."""

from __future__ import annotations

import dataclasses
import logging
from pathlib import Path
from typing import Annotated

import torch
import typer

from training import autoencoder
from training.config import CONFIGS, Config
from training.denoiser import Trainer
from training.export import assemble, export, load
from training.halves import has_bfloat16
from training.text import build_tokenizer


def main(
    config: Annotated[str, typer.Option(help=f"One of {', '.join(CONFIGS)}.")] = "full",
    run: Annotated[Path, typer.Option(help="Folder of the checkpoints.")] = Path("runs/full"),
    out: Annotated[Path | None, typer.Option(help="For the pipeline; RUN/out if unset.")] = None,
    autoencoder_steps: Annotated[
        int, typer.Option(help="Autoencoder steps; 0: as configured.")
    ] = 0,
    steps: Annotated[int, typer.Option(help="UNet steps; 0: as configured.")] = 0,
    seconds: Annotated[
        float, typer.Option(help="UNet seconds, by the clock; 0: as configured.")
    ] = 0,
    threads: Annotated[int, typer.Option(help="CPU threads; 0: as configured.")] = 0,
    only: Annotated[
        str, typer.Option(help="autoencoder: no UNet; export: as the run stands.")
    ] = "",
    init: Annotated[
        Path | None, typer.Option(help="An exported pipeline to start from, with --init-step.")
    ] = None,
    init_step: Annotated[int, typer.Option(help="The UNet step at which --init was exported.")] = 0,
) -> None:
    """Train the autoencoder, then the UNet with its text encoders, and export the pipeline."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    chosen = _chosen(config, autoencoder_steps, steps, seconds, threads)
    out = out or run / "out"
    if only not in ("", "autoencoder", "export"):
        raise typer.BadParameter(f"--only {only}; autoencoder or export")
    if only == "autoencoder":
        torch.set_num_threads(chosen.threads)
        autoencoder.finished(chosen, run)
    elif only == "export":
        train(chosen, run, out, further=False)
    elif init is None:
        train(chosen, run, out)
    else:
        continue_from(init, init_step, chosen, run, out)


def train(config: Config, run: Path, out: Path, *, further: bool = True) -> None:
    """Run both stages from wherever `run` stands, and write the pipeline to `out`.

    Without `further` the UNet is written as it stands; the autoencoder must be done.
    """
    torch.set_num_threads(config.threads)
    vae = autoencoder.finished(config, run)
    tokenizer = build_tokenizer()
    trainer = Trainer(config, vae, tokenizer, run)
    if further:
        trainer.train()
    export(assemble(vae, trainer.average, tokenizer), out)


def continue_from(folder: Path, step: int, config: Config, run: Path, out: Path) -> None:
    """Go on from the pipeline in `folder`, exported at `step`, or from `run` once it has begun.

    An export holds the moving average alone, in half precision: the optimizer starts afresh.
    """
    torch.set_num_threads(config.threads)
    exported = load(folder)
    vae, tokenizer = exported.vae.to(config.device), build_tokenizer()
    trainer = Trainer(config, vae, tokenizer, run)
    if not trainer.step:
        trainer.begin_from(exported, step)
    trainer.train()
    export(assemble(vae, trainer.average, tokenizer), out)


def _chosen(name: str, autoencoder_steps: int, steps: int, seconds: float, threads: int) -> Config:
    if name not in CONFIGS:
        raise typer.BadParameter(f"unknown configuration {name!r}; one of {', '.join(CONFIGS)}")
    config = CONFIGS[name]
    if autoencoder_steps:
        first = dataclasses.replace(config.autoencoder, steps=autoencoder_steps)
        config = dataclasses.replace(config, autoencoder=first)
    changed = {name: value for name, value in (("steps", steps), ("seconds", seconds)) if value}
    second = dataclasses.replace(config.denoiser, **changed)  # type: ignore[arg-type]
    halves = config.bfloat16 and (config.device != "cpu" or has_bfloat16())
    config = dataclasses.replace(config, denoiser=second, bfloat16=halves)
    return dataclasses.replace(config, threads=threads) if threads else config


if __name__ == "__main__":
    typer.run(main)
