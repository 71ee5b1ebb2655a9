"""The UNet's training data on a fast device: a replay buffer of latents and tokens in its memory.

Worker processes draw scenes without end; each step encodes a few of them into the buffer and
samples its batch from all that it holds, so that neither side waits for the other.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from diffusers import AutoencoderKL
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, get_worker_info
from transformers import CLIPTokenizer

from training.config import MOST_THINGS, Bucket, Config, LatentBufferConfig
from training.data import CELL, draw_views, normalized
from training.latents import LatentBatch, encoded
from training.text import MAX_TOKENS, spoken


class SceneChunk(NamedTuple):
    """Scenes of one bucket.

    Attributes:
        bucket: its number.
        pixels: (N, H, W, 3), RGB bytes.
        ids: (N, K, 48) int16, the tokens of K captions of each.
        time_ids: (N, 6) int16, SDXL's size conditioning.
        boxes: (N, 3, 4), each thing's in cells.
        words: (N, K, 3, 48) bool, which tokens of each caption name the thing.
    """

    bucket: int
    pixels: Tensor
    ids: Tensor
    time_ids: Tensor
    boxes: Tensor
    words: Tensor


class _SceneDataset(IterableDataset[SceneChunk]):
    """Scenes without end, other ones in every process."""

    def __init__(
        self, whole: Config, config: LatentBufferConfig, tok: CLIPTokenizer, seed: str
    ) -> None:
        self.buckets, self.places = whole.buckets, whole.denoiser.place_captions
        self.config, self.tokenizer, self.seed = config, tok, seed

    def __iter__(self) -> Iterator[SceneChunk]:
        worker = get_worker_info()
        rng = random.Random(f"{self.seed}/{worker.id if worker else 0}")
        numbers = range(len(self.buckets))
        shares = [one.weight * one.batch for one in self.buckets]
        while True:
            yield self._drawn(rng.choices(numbers, shares)[0], rng)

    def _drawn(self, number: int, rng: random.Random) -> SceneChunk:
        views = draw_views([self.buckets[number]], rng, self.config.chunk)
        pixels = torch.from_numpy(np.stack([view.pixels() for view in views]))
        scenes = [view.scene for view in views for _ in range(self.config.captions)]
        ids, words = spoken(self.tokenizer, scenes, rng, self.places)
        time_ids = torch.tensor([view.time_ids() for view in views], dtype=torch.int16)
        boxes = torch.tensor([view.boxes() for view in views])
        by_view = (len(views), self.config.captions)
        return SceneChunk(
            number,
            pixels,
            ids.view(*by_view, *ids.shape[1:]).short(),
            time_ids,
            boxes,
            words.view(*by_view, *words.shape[1:]),
        )


class LatentBuffer:
    """Samples the batch of a step from the buffer, and replaces its oldest scenes by new ones.

    The scenes depend on the seed and on the step at which the run was taken up.
    """

    def __init__(
        self,
        config: Config,
        latent_buffer: LatentBufferConfig,
        vae: AutoencoderKL,
        tok: CLIPTokenizer,
        began: int,
    ) -> None:
        """Start the processes, and wait until there is something of every bucket."""
        os.environ["TOKENIZERS_PARALLELISM"] = "false"  # its threads do not survive a fork
        self.config, self.latent_buffer, self.vae = config, latent_buffer, vae
        self.buffers = [self._bucket_buffer(bucket) for bucket in config.buckets]
        dataset = _SceneDataset(config, latent_buffer, tok, f"{config.seed + 2}/{began}")
        self.arrivals = iter(
            DataLoader(
                dataset,
                batch_size=None,
                num_workers=latent_buffer.workers,
                pin_memory=config.device != "cpu",
            )
        )
        self.owed = 0.0  # scenes to be taken in
        while not all(buffer.filled for buffer in self.buffers):
            self._take()

    def batch(self, step: int) -> LatentBatch:
        """The batch of `step`."""
        rng = random.Random(f"{self.config.seed}/stock/{step}")
        weights = [bucket.weight for bucket in self.config.buckets]
        number = rng.choices(range(len(weights)), weights)[0]
        count = self.config.buckets[number].batch
        self.owed += count / self.latent_buffer.reuse
        while self.owed > 0:
            self.owed -= self._take()
        return self.buffers[number].pick(count)

    def _take(self) -> int:
        drawn = next(self.arrivals)
        pixels, *rest = (part.to(self.config.device, non_blocking=True) for part in drawn[1:])
        latents = encoded(self.vae, normalized(pixels), self.config)
        self.buffers[drawn.bucket].put(latents, *rest)
        return len(latents)

    def _bucket_buffer(self, bucket: Bucket) -> _BucketBuffer:
        width, height = (side // CELL for side in bucket.size)
        cells = (self.vae.config.latent_channels, height, width)
        return _BucketBuffer(self.latent_buffer, cells, self.config.device)


class _BucketBuffer:
    """The scenes of one bucket: a ring in which the newest replace the oldest."""

    def __init__(
        self, latent_buffer: LatentBufferConfig, cells: tuple[int, ...], device: str
    ) -> None:
        def room(*sizes: int, dtype: torch.dtype = torch.int16) -> Tensor:
            return torch.empty((latent_buffer.size, *sizes), dtype=dtype, device=device)

        named = (latent_buffer.captions, MOST_THINGS, MAX_TOKENS)
        self.latents = room(*cells, dtype=torch.float16)
        self.ids, self.time_ids = room(latent_buffer.captions, MAX_TOKENS), room(6)
        self.boxes = room(MOST_THINGS, 4, dtype=torch.float32)
        self.words = room(*named, dtype=torch.bool)
        self.filled = self.next = 0

    def put(
        self, latents: Tensor, ids: Tensor, time_ids: Tensor, boxes: Tensor, words: Tensor
    ) -> None:
        """Take in scenes; there is room for a whole number of such chunks."""
        rows = slice(self.next, self.next + len(latents))
        self.latents[rows], self.ids[rows] = latents.half(), ids
        self.time_ids[rows], self.boxes[rows], self.words[rows] = time_ids, boxes, words
        self.filled = max(self.filled, rows.stop)
        self.next = rows.stop % len(self.latents)

    def pick(self, count: int) -> LatentBatch:
        """Any scenes, each with one of its captions."""
        device = self.latents.device
        rows = torch.randint(self.filled, (count,), device=device)
        said = torch.randint(self.ids.shape[1], (count,), device=device)
        return LatentBatch(
            self.latents[rows].float(),
            self.ids[rows, said].long(),
            self.time_ids[rows].long(),
            self.boxes[rows],
            self.words[rows, said],
        )
