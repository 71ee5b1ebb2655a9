"""A sheet of pictures now and then, and how much of what was asked for the detector finds there."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from diffusers import StableDiffusionXLPipeline
from PIL import Image

from rpg.toybox.captions import caption
from rpg.toybox.detector import detect
from rpg.toybox.scene import Scene, random_scene

_SEED = 11
_ROW = 6  # pictures


def watch(pipe: StableDiffusionXLPipeline, path: Path, size: tuple[int, int], count: int) -> str:
    """Draw one thing each on `count` canvases of `size`, write the sheet and say what is right."""
    rng = random.Random(_SEED)
    scenes = [random_scene(rng, *size, 1) for _ in range(count)]
    pipe.set_progress_bar_config(disable=True)
    images = pipe(
        [caption(scene, rng) for scene in scenes],
        width=size[0],
        height=size[1],
        num_inference_steps=14,
        guidance_scale=4.0,
        generator=torch.Generator().manual_seed(_SEED),
        output_type="pil",
    ).images
    _save(images, path)
    right: Counter[str] = Counter()
    for scene, image in zip(scenes, images, strict=True):
        right.update(_right(scene, image))
    return ", ".join(
        f"{name} {right[name]}/{count}" for name in ("name", "colour", "fill", "one", "all")
    )


def _right(scene: Scene, image: Image.Image) -> list[str]:
    """What of the scene's only thing any detection shows, and whether there is one alone."""
    found, (thing,) = detect(image), scene.things
    facts = [
        name
        for name in ("name", "colour", "fill")
        if any(getattr(one, name) == getattr(thing, name) for one in found)
    ]
    if len(found) == 1:
        facts.append("one")
    return [*facts, "all"] if len(facts) == 4 else facts


def _save(images: list[Image.Image], path: Path) -> None:
    rows = [images[start : start + _ROW] for start in range(0, len(images), _ROW)]
    whole = [row for row in rows if len(row) == len(rows[0])]
    sheet = np.concatenate([np.concatenate([np.asarray(i) for i in row], 1) for row in whole])
    Image.fromarray(sheet).save(path)
