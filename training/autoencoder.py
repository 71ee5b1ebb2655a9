"""The first stage: an AutoencoderKL with four times smaller latents."""

from __future__ import annotations

import logging
import math
import time
from pathlib import Path

import torch
from diffusers import AutoencoderKL
from torch.nn import functional as F

from training import checkpoint
from training.config import AutoencoderConfig, Config
from training.data import draw_batch

log = logging.getLogger(__name__)
_STATISTICS_BATCHES = 24


def build(config: AutoencoderConfig) -> AutoencoderKL:
    """An untrained autoencoder; no attention, so that a crop decodes as the whole does."""
    depth = len(config.channels)
    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * depth,
        up_block_types=("UpDecoderBlock2D",) * depth,
        block_out_channels=config.channels,
        layers_per_block=config.layers,
        latent_channels=config.latent_channels,
        norm_num_groups=8,
        sample_size=64,
        mid_block_add_attention=False,
        force_upcast=False,
    )


def train(config: Config, run: Path, *, log_every: int = 100) -> AutoencoderKL:
    """Train the autoencoder, or resume it from `run`, and set its scaling factor."""
    settings, path = config.autoencoder, run / "autoencoder.pt"
    torch.manual_seed(config.seed)
    vae = build(settings).to(config.device)
    optimizer = torch.optim.AdamW(vae.parameters(), lr=settings.learning_rate, weight_decay=0.0)
    state = checkpoint.load(path) or {"step": 0, "seconds": 0.0, "loss": math.nan}
    if state["step"]:
        vae.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
    started, loss_mean = time.perf_counter() - state["seconds"], state["loss"]
    for step in range(state["step"], settings.steps):
        for group in optimizer.param_groups:
            group["lr"] = settings.learning_rate * _cosine(step, settings.steps)
        loss = _loss(vae, config, step)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(vae.parameters(), 1.0)
        optimizer.step()
        value = loss.item()
        loss_mean = value if math.isnan(loss_mean) else 0.98 * loss_mean + 0.02 * value
        if (step + 1) % log_every == 0 or step + 1 == settings.steps:
            seconds = time.perf_counter() - started
            log.info("autoencoder %d loss %.4f %.0f s", step + 1, loss_mean, seconds)
            checkpoint.save(
                path,
                {
                    "step": step + 1,
                    "seconds": seconds,
                    "loss": loss_mean,
                    "model": vae.state_dict(),
                    "optimizer": optimizer.state_dict(),
                },
            )
    vae.register_to_config(scaling_factor=_scaling_factor(vae, config))
    return vae.eval().requires_grad_(False)


def _loss(vae: AutoencoderKL, config: Config, step: int) -> torch.Tensor:
    pixels = draw_batch(config.buckets, config.seed, step, batch=config.autoencoder.batch).pixels
    pixels = pixels.to(config.device)
    posterior = vae.encode(pixels).latent_dist
    generator = torch.Generator(config.device).manual_seed(config.seed + step)
    decoded = vae.decode(posterior.sample(generator)).sample
    loss: torch.Tensor = F.l1_loss(decoded, pixels) + F.mse_loss(decoded, pixels)
    loss = loss + config.autoencoder.kl_weight * posterior.kl().mean()
    return loss


def _cosine(step: int, steps: int, warmup: int = 100) -> float:
    return min(1.0, (step + 1) / warmup) * 0.5 * (1 + math.cos(math.pi * step / steps))


@torch.no_grad()
def _scaling_factor(vae: AutoencoderKL, config: Config) -> float:
    """One over the standard deviation of the latents, as in latent diffusion (2112.10752, G)."""
    moments = [
        vae.encode(
            draw_batch(config.buckets, config.seed + 1, step).pixels.to(config.device)
        ).latent_dist.mean.flatten()
        for step in range(_STATISTICS_BATCHES)
    ]
    return 1 / torch.cat(moments).std().item()
