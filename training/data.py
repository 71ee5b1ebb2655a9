"""Batches of drawn scenes: every step has its own seed, so a resumed run sees the same ones."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.config import Bucket, Crop
from training.world.captions import caption
from training.world.renderer import pixels
from training.world.scene import Scene, random_scene

CELL = 8  # pixels of one cell of the latents; the world's patterns lie on this grid


@dataclass(frozen=True, slots=True)
class Batch:
    """Scenes of one size: `pixels` (B, 3, H, W) in [-1, 1], and a caption for each."""

    pixels: Tensor
    captions: list[str]


def draw_scenes(buckets: Sequence[Bucket], rng: random.Random, batch: int | None) -> list[Scene]:
    """Scenes of one bucket's size, drawn by chance; `batch` overrides the bucket's own number."""
    bucket = rng.choices(buckets, [one.weight for one in buckets])[0]
    counts = rng.choices((1, 2, 3), bucket.counts, k=batch or bucket.batch)
    return [random_scene(rng, *bucket.size, count) for count in counts]


def draw_batch(
    buckets: Sequence[Bucket], seed: int, step: int, *, batch: int | None = None
) -> Batch:
    """Draw the batch of `step`; `batch` overrides the bucket's own size."""
    rng = random.Random(f"{seed}/{step}")
    scenes = draw_scenes(buckets, rng, batch)
    images = [pixels(scene) for scene in scenes]
    return Batch(as_tensor(images), [caption(scene, rng) for scene in scenes])


def draw_crops(crops: Sequence[Crop], seed: int, step: int) -> Tensor:
    """Draw the autoencoder's batch of `step`, (B, 3, side, side) in [-1, 1]."""
    rng = random.Random(f"{seed}/crops/{step}")
    crop = rng.choices(crops, [one.weight for one in crops])[0]
    return as_tensor([_cropped(crop, rng) for _ in range(crop.batch)])


def _cropped(crop: Crop, rng: random.Random) -> NDArray[np.uint8]:
    """A part of a scene whose corner lies on the latents' grid."""
    scene = random_scene(rng, crop.canvas, crop.canvas, rng.choice(crop.counts))
    left, top = (rng.randrange(0, crop.canvas - crop.side + 1, CELL) for _ in range(2))
    return pixels(scene)[top : top + crop.side, left : left + crop.side]


def as_tensor(images: Sequence[NDArray[np.uint8]]) -> Tensor:
    """RGB bytes, each (H, W, 3) -> (B, 3, H, W) in [-1, 1]."""
    stacked = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).contiguous()
    return stacked.float() / 127.5 - 1
