"""What the UNet learns from: latents and captions, step by step; latents are kept on disk."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import AutoencoderKL
from torch import Tensor
from transformers import CLIPTokenizer

from training import checkpoint
from training.config import Config
from training.data import View, as_tensor, draw_views
from training.text import spoken


@dataclass(frozen=True, slots=True)
class LatentBatch:
    """Scenes, or parts of scenes, of one size.

    Attributes:
        latents: (B, c, h, w), of deviation 1.
        ids: (B, 48), the tokens of a caption for each.
        time_ids: (B, 6), SDXL's size conditioning.
        boxes: (B, 3, 4), left, top, right and bottom of each thing in cells; of size zero where
            there is none.
        words: (B, 3, 48), which tokens name the thing; none where a caption names no thing.
    """

    latents: Tensor
    ids: Tensor
    time_ids: Tensor
    boxes: Tensor
    words: Tensor


class LatentPool:
    """Draws the batch of a step; the pool's batches are encoded once and come again and again.

    A step's scenes, words and latents depend on the seed and the step alone, so a resumed run sees
    the same ones. When a batch comes again, its captions are new.
    """

    def __init__(
        self, config: Config, vae: AutoencoderKL, tok: CLIPTokenizer, folder: Path
    ) -> None:
        """Take up what lies in `folder`, made with the same autoencoder."""
        self.config, self.vae, self.tokenizer, self.folder = config, vae, tok, folder
        self.pool = config.denoiser.pool

    def batch(self, step: int) -> LatentBatch:
        """The batch of `step`."""
        stage = int(bool(self.config.late_buckets) and step >= self.config.late_from)
        number = step % self.pool if self.pool else step
        seed = f"{self.config.seed + 2}/{stage}/{number}"
        views = draw_views(self.config.buckets_at(step), random.Random(seed), None)
        words = random.Random(f"{seed}/{step}")
        scenes, places = [view.scene for view in views], self.config.denoiser.place_captions
        ids, named = spoken(self.tokenizer, scenes, words, places)
        latents = self._latents(views, self.folder / f"{stage}-{number:06}.pt")
        time_ids = torch.tensor([view.time_ids() for view in views])
        boxes = torch.tensor([view.boxes() for view in views])
        device = self.config.device
        return LatentBatch(latents, *(part.to(device) for part in (ids, time_ids, boxes, named)))

    def _latents(self, views: list[View], path: Path) -> Tensor:
        kept = checkpoint.load(path) if self.pool else None
        if kept is None:
            drawn = as_tensor([view.pixels() for view in views])
            kept = {"latents": encoded(self.vae, drawn, self.config).half().cpu()}
            if self.pool:
                checkpoint.save(path, kept)
        latents: Tensor = kept["latents"].float()
        return latents.to(self.config.device)


@torch.no_grad()
def encoded(vae: AutoencoderKL, drawn: Tensor, config: Config) -> Tensor:
    """Pictures (B, 3, H, W) in [-1, 1] -> the means of their latents, of deviation 1."""
    with torch.autocast(config.device, torch.bfloat16, enabled=config.bfloat16):
        mean: Tensor = vae.encode(drawn.to(config.device)).latent_dist.mean
    scale: float = vae.config.scaling_factor
    return mean.float() * scale
