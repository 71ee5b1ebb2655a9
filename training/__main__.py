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
from training.export import assemble, export
from training.text import build_tokenizer


def main(
    config: Annotated[str, typer.Option(help=f"One of {', '.join(CONFIGS)}.")] = "cpu",
    run: Annotated[Path, typer.Option(help="Folder of the checkpoints.")] = Path("runs/cpu"),
    out: Annotated[Path, typer.Option(help="Folder for the finished pipeline.")] = Path("runs/out"),
    steps: Annotated[int, typer.Option(help="UNet steps; 0: as configured.")] = 0,
    threads: Annotated[int, typer.Option(help="CPU threads; 0: as configured.")] = 0,
) -> None:
    """Train the autoencoder, then the UNet with its text encoders, and export the pipeline."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    train(_chosen(config, steps, threads), run, out)


def train(config: Config, run: Path, out: Path) -> None:
    """Run both stages from wherever `run` stands, and write the pipeline to `out`."""
    torch.set_num_threads(config.threads)
    vae = autoencoder.train(config, run)
    tokenizer = build_tokenizer()
    trainer = Trainer(config, vae, tokenizer, run)
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
