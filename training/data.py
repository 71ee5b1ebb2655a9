"""Batches of drawn scenes: every step has its own seed, so a resumed run sees the same ones."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rpg.toybox.captions import caption
from rpg.toybox.renderer import pixels
from rpg.toybox.scene import Scene, random_scene
from training.config import MOST_THINGS, Bucket, Crop

CELL = 8  # pixels of one cell of the latents; the world's patterns lie on this grid


@dataclass(frozen=True, slots=True)
class Batch:
    """Scenes of one size: `pixels` (B, 3, H, W) in [-1, 1], and a caption for each."""

    pixels: Tensor
    captions: list[str]


@dataclass(frozen=True, slots=True)
class View:
    """A scene and the part of it that a canvas shows, in pixels."""

    scene: Scene
    left: int
    top: int
    width: int
    height: int

    def pixels(self) -> NDArray[np.uint8]:
        """The part, (height, width, 3) RGB bytes."""
        whole = pixels(self.scene)
        return whole[self.top : self.top + self.height, self.left : self.left + self.width]

    def boxes(self) -> list[tuple[float, float, float, float]]:
        """Left, top, right and bottom of three things in cells; of no size where there is none."""
        found = []
        for thing in self.scene.things:
            x, y = (thing.x - self.left) / CELL, (thing.y - self.top) / CELL
            half = thing.side / CELL / 2
            found.append((x - half, y - half, x + half, y + half))
        return found + [(0.0, 0.0, 0.0, 0.0)] * (MOST_THINGS - len(found))

    def time_ids(self) -> list[int]:
        """SDXL's size conditioning: the scene's size, the part's corner, the canvas's size."""
        scene = (self.scene.height, self.scene.width)
        return [*scene, self.top, self.left, self.height, self.width]


def draw_views(buckets: Sequence[Bucket], rng: random.Random, batch: int | None) -> list[View]:
    """Views of one bucket's size, drawn by chance; `batch` overrides the bucket's own number."""
    bucket = rng.choices(buckets, [one.weight for one in buckets])[0]
    counts = rng.choices((0, 1, 2, 3), (bucket.empty, *bucket.counts), k=batch or bucket.batch)
    width, height = (side + bucket.margin for side in bucket.size)
    scenes = [random_scene(rng, width, height, count) for count in counts]
    return [_part(scene, *bucket.size, rng) for scene in scenes]


def _part(scene: Scene, width: int, height: int, rng: random.Random) -> View:
    """A part of a scene, by chance; its corner lies on the latents' grid."""
    left, top = (
        rng.randrange(0, spare + 1, CELL) for spare in (scene.width - width, scene.height - height)
    )
    return View(scene, left, top, width, height)


def draw_batch(
    buckets: Sequence[Bucket], seed: int, step: int, *, batch: int | None = None
) -> Batch:
    """Draw the batch of `step`; `batch` overrides the bucket's own size."""
    rng = random.Random(f"{seed}/{step}")
    views = draw_views(buckets, rng, batch)
    images = [view.pixels() for view in views]
    return Batch(as_tensor(images), [caption(view.scene, rng) for view in views])


def draw_crops(crops: Sequence[Crop], seed: int, step: int) -> Tensor:
    """Draw the autoencoder's batch of `step`, (B, 3, side, side) in [-1, 1]."""
    rng = random.Random(f"{seed}/crops/{step}")
    crop = rng.choices(crops, [one.weight for one in crops])[0]
    return as_tensor([_cropped(crop, rng).pixels() for _ in range(crop.batch)])


def _cropped(crop: Crop, rng: random.Random) -> View:
    scene = random_scene(rng, crop.canvas, crop.canvas, rng.choice(crop.counts))
    return _part(scene, crop.side, crop.side, rng)


def as_tensor(images: Sequence[NDArray[np.uint8]]) -> Tensor:
    """RGB bytes, each (H, W, 3) -> (B, 3, H, W) in [-1, 1]."""
    return normalized(torch.from_numpy(np.stack(images)))


def normalized(pixels: Tensor) -> Tensor:
    """RGB bytes (B, H, W, 3) -> (B, 3, H, W) in [-1, 1]."""
    return pixels.permute(0, 3, 1, 2).contiguous().float() / 127.5 - 1
