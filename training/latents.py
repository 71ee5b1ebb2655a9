"""What the UNet learns from: latents and captions, step by step; latents are kept on disk."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import AutoencoderKL
from torch import Tensor

from training import checkpoint
from training.config import Config
from training.data import View, as_tensor, draw_views
from training.world.captions import caption


@dataclass(frozen=True, slots=True)
class LatentBatch:
    """Scenes, or parts of scenes, of one size.

    Attributes:
        latents: (B, c, h, w), of deviation 1.
        captions: one for each.
        time_ids: (B, 6), SDXL's size conditioning.
    """

    latents: Tensor
    captions: list[str]
    time_ids: Tensor


class LatentPool:
    """Draws the batch of a step; the pool's batches are encoded once and come again and again.

    A step's scenes, words and latents depend on the seed and the step alone, so a resumed run sees
    the same ones. When a batch comes again, its captions are new.
    """

    def __init__(self, config: Config, vae: AutoencoderKL, folder: Path) -> None:
        """Take up what lies in `folder`, made with the same autoencoder."""
        self.config, self.vae, self.folder = config, vae, folder
        self.pool = config.denoiser.pool

    def batch(self, step: int) -> LatentBatch:
        """The batch of `step`."""
        stage = int(bool(self.config.late_buckets) and step >= self.config.late_from)
        number = step % self.pool if self.pool else step
        seed = f"{self.config.seed + 2}/{stage}/{number}"
        views = draw_views(self.config.buckets_at(step), random.Random(seed), None)
        words = random.Random(f"{seed}/{step}")
        captions = [caption(view.scene, words) for view in views]
        latents = self._latents(views, self.folder / f"{stage}-{number:06}.pt")
        return LatentBatch(latents, captions, torch.tensor([view.time_ids() for view in views]))

    def _latents(self, views: list[View], path: Path) -> Tensor:
        kept = checkpoint.load(path) if self.pool else None
        if kept is None:
            kept = {"latents": self._encoded(views).half().cpu()}
            if self.pool:
                checkpoint.save(path, kept)
        latents: Tensor = kept["latents"].float()
        return latents.to(self.config.device)

    @torch.no_grad()
    def _encoded(self, views: list[View]) -> Tensor:
        drawn = as_tensor([view.pixels() for view in views]).to(self.config.device)
        with torch.autocast(self.config.device, torch.bfloat16, enabled=self.config.bfloat16):
            mean: Tensor = self.vae.encode(drawn).latent_dist.mean
        scale: float = self.vae.config.scaling_factor
        return mean.float() * scale
