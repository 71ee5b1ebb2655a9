"""How often the detector names what the renderer drew: `python -m benchmarks.detector`.

With `--vae` the pictures pass through an autoencoder first, so that they are as soft as a model's.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from PIL import Image

from rpg.toybox.detector import Detection, detect, place_of
from rpg.toybox.renderer import render
from rpg.toybox.scene import Scene, Thing, random_scene

SIZES = ((128, 128), (256, 128), (256, 256), (384, 256))
ATTRIBUTES = ("found", "name", "colour", "fill", "all")
_MOST = 6  # things in a scene
_SLACK = 2  # pixels by which a thing's centre may miss the box

Blur = Callable[[Image.Image], Image.Image]


def main(
    scenes: Annotated[int, typer.Option(help="Freshly drawn scenes of each size.")] = 500,
    seed: Annotated[int, typer.Option(help="Another seed, other scenes.")] = 0,
    vae: Annotated[
        Path | None, typer.Option(help="An autoencoder to send pictures through.")
    ] = None,
) -> None:
    """Print the shares of things in fresh scenes of one to six that are named right."""
    through = _reconstruction(vae) if vae else None
    for size in SIZES:
        shares = share_named(size, scenes, seed=seed, through=through)
        typer.echo(f"{size[0]}x{size[1]}, {scenes} scenes: {said(shares)}")


def said(shares: Mapping[str, float]) -> str:
    """The shares in percent, with their names."""
    return ", ".join(f"{name} {share:.2%}" for name, share in shares.items())


def share_named(
    size: tuple[int, int], scenes: int, *, seed: int, through: Blur | None = None
) -> Mapping[str, float]:
    """Shares, 0 to 1: of the things by attribute; of the scenes the place and the number right."""
    rng = random.Random(f"{size}/{seed}")
    things: Counter[str] = Counter()
    pictures: Counter[str] = Counter()
    total = 0
    for number in range(scenes):
        scene = random_scene(rng, *size, 1 + number % _MOST)
        image = through(render(scene)) if through else render(scene)
        found = detect(image)
        total += len(scene.things)
        for thing in scene.things:
            things.update(_right(thing, found))
        pictures.update(_right_on_the_whole(scene, image, found))
    shares = {name: things[name] / total for name in ATTRIBUTES}
    return shares | {name: pictures[name] / scenes for name in ("place", "number")}


def _right(thing: Thing, found: list[Detection]) -> list[str]:
    """What of a thing is named right, by the detection nearest to it."""
    near = [one for one in found if _stands(one, thing)]
    if not near:
        return []
    one = min(near, key=lambda one: abs(one.centre[0] - thing.x) + abs(one.centre[1] - thing.y))
    same = [
        name for name in ("name", "colour", "fill") if getattr(one, name) == getattr(thing, name)
    ]
    return ["found", *same, *(["all"] if len(same) == 3 else [])]


def _right_on_the_whole(scene: Scene, image: Image.Image, found: list[Detection]) -> list[str]:
    facts = {"place": place_of(image) == scene.place, "number": len(found) == len(scene.things)}
    return [name for name, holds in facts.items() if holds]


def _stands(found: Detection, thing: Thing) -> bool:
    left, top, right, bottom = found.box
    beside = left - _SLACK <= thing.x <= right + _SLACK
    return beside and top - _SLACK <= thing.y <= bottom + _SLACK


def _reconstruction(folder: Path) -> Blur:
    """Encoding and decoding with the autoencoder in `folder`."""
    import torch
    from diffusers import AutoencoderKL

    vae = AutoencoderKL.from_pretrained(folder, local_files_only=True).eval()

    @torch.no_grad()
    def through(image: Image.Image) -> Image.Image:
        pixels = torch.from_numpy(np.asarray(image)).permute(2, 0, 1)[None] / 127.5 - 1
        decoded = vae.decode(vae.encode(pixels).latent_dist.mode()).sample[0].clamp(-1, 1)
        return Image.fromarray(((decoded + 1) * 127.5).round().byte().permute(1, 2, 0).numpy())

    return through


if __name__ == "__main__":
    typer.run(main)
