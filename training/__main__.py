"""Train Toybox: `python -m training --config cpu --run runs/cpu`; the same command resumes."""

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
from training.text import build_tokenizer


def main(
    config: Annotated[str, typer.Option(help=f"One of {', '.join(CONFIGS)}.")] = "cpu",
    run: Annotated[Path, typer.Option(help="Folder of the checkpoints.")] = Path("runs/cpu"),
    out: Annotated[Path, typer.Option(help="Folder for the finished pipeline.")] = Path("runs/out"),
    steps: Annotated[int, typer.Option(help="UNet steps; 0: as configured.")] = 0,
    threads: Annotated[int, typer.Option(help="CPU threads; 0: as configured.")] = 0,
    init: Annotated[
        Path | None, typer.Option(help="An exported pipeline to start from, with --init-step.")
    ] = None,
    init_step: Annotated[int, typer.Option(help="The UNet step at which --init was exported.")] = 0,
) -> None:
    """Train the autoencoder, then the UNet with its text encoders, and export the pipeline."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    chosen = _chosen(config, steps, threads)
    if init is None:
        train(chosen, run, out)
    else:
        continue_from(init, init_step, chosen, run, out)


def train(config: Config, run: Path, out: Path) -> None:
    """Run both stages from wherever `run` stands, and write the pipeline to `out`."""
    torch.set_num_threads(config.threads)
    vae = autoencoder.train(config, run)
    tokenizer = build_tokenizer()
    trainer = Trainer(config, vae, tokenizer, run)
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


def _chosen(name: str, steps: int, threads: int) -> Config:
    if name not in CONFIGS:
        raise typer.BadParameter(f"unknown configuration {name!r}; one of {', '.join(CONFIGS)}")
    config = CONFIGS[name]
    if steps:
        config = dataclasses.replace(
            config, denoiser=dataclasses.replace(config.denoiser, steps=steps)
        )
    return dataclasses.replace(config, threads=threads) if threads else config


if __name__ == "__main__":
    typer.run(main)
