"""Batches of drawn scenes: every step has its own seed, so a resumed run sees the same ones."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from rpg.toybox.captions import caption
from rpg.toybox.renderer import render
from rpg.toybox.scene import random_scene
from training.config import Bucket


@dataclass(frozen=True, slots=True)
class Batch:
    """Scenes of one size: `pixels` (B, 3, H, W) in [-1, 1], and a caption for each."""

    pixels: Tensor
    captions: list[str]


def draw_batch(
    buckets: Sequence[Bucket], seed: int, step: int, *, batch: int | None = None
) -> Batch:
    """Draw the batch of `step`; `batch` overrides the bucket's own size."""
    rng = random.Random(f"{seed}/{step}")
    bucket = rng.choices(buckets, [b.weight for b in buckets])[0]
    width, height = bucket.size
    images, captions = [], []
    for _ in range(batch or bucket.batch):
        count = rng.choices((1, 2, 3), bucket.counts)[0]
        scene = random_scene(rng, width, height, count)
        images.append(np.asarray(render(scene)))
        captions.append(caption(scene, rng))
    pixels = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2)
    return Batch(pixels.float() / 127.5 - 1, captions)
