"""The second stage: the UNet and both text encoders, trained together on frozen latents."""

from __future__ import annotations

import logging
import math
import random
import time
from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    DDPMScheduler,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from torch import Tensor, nn
from transformers import CLIPTokenizer

from training import checkpoint
from training.config import Config, DenoiserConfig
from training.data import Batch, draw_batch
from training.text import TextEncoders, tokenize

log = logging.getLogger(__name__)

# SDXL's noise schedule with the velocity as the target (Salimans and Ho, 2202.00512).
NOISE_SCHEDULE: dict[str, Any] = {
    "num_train_timesteps": 1000,
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "prediction_type": "v_prediction",
}


class Denoiser(nn.Module):
    """Everything that is trained in the second stage."""

    def __init__(self, config: DenoiserConfig, latent_channels: int, tok: CLIPTokenizer) -> None:
        super().__init__()
        self.text = TextEncoders(config, tok)
        self.unet = UNet2DConditionModel(
            sample_size=16,
            in_channels=latent_channels,
            out_channels=latent_channels,
            block_out_channels=config.channels,
            layers_per_block=config.layers,
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
            # diffusers' name is historical: these are the numbers of heads
            attention_head_dim=tuple(width // config.head_dim for width in config.channels),
            cross_attention_dim=2 * config.text_width,
            use_linear_projection=True,
            addition_embed_type="text_time",
            addition_time_embed_dim=config.time_embed_dim,
            projection_class_embeddings_input_dim=config.text_width + 6 * config.time_embed_dim,
            norm_num_groups=16,
        )

    def forward(self, noisy: Tensor, timesteps: Tensor, ids: Tensor, size: Tensor) -> Tensor:
        """Predict the velocity, (B, c, h, w) in and out; `size` is (B, 6), SDXL's time ids."""
        hidden, pooled = self.text(ids)
        conditions = {"text_embeds": pooled, "time_ids": size}
        velocity: Tensor = self.unet(noisy, timesteps, hidden, added_cond_kwargs=conditions).sample
        return velocity


class Trainer:
    """One resumable run: the model, its moving average, and the schedule."""

    def __init__(self, config: Config, vae: AutoencoderKL, tok: CLIPTokenizer, run: Path) -> None:
        """Build an untrained model, or take up the run whose checkpoint lies in `run`."""
        torch.manual_seed(config.seed)
        self.config, self.settings = config, config.denoiser
        self.vae, self.tokenizer, self.path = vae, tok, run / "denoiser.pt"
        channels = config.autoencoder.latent_channels
        self.model = Denoiser(self.settings, channels, tok).to(config.device)
        self.average = Denoiser(self.settings, channels, tok).to(config.device)
        self.average.load_state_dict(self.model.state_dict())
        self.average.eval().requires_grad_(False)
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), betas=(0.9, 0.99), weight_decay=0.01
        )
        self.noise = DDPMScheduler(**NOISE_SCHEDULE)
        self.step, self.seconds, self.loss, self.samples = 0, 0.0, math.nan, 0
        self.began = 0  # the step at which the optimizer was new
        self._resume()

    def begin_from(self, exported: StableDiffusionXLPipeline, step: int) -> None:
        """Take up the weights of `exported` as those of `step`."""
        for module in (self.model, self.average):
            module.unet.load_state_dict(exported.unet.state_dict())
            module.text.first.load_state_dict(exported.text_encoder.state_dict())
            module.text.second.load_state_dict(exported.text_encoder_2.state_dict())
        self.step = self.began = step

    def train(self, *, log_every: int = 100, save_every: int = 500) -> None:
        """Go on to the last step, saving every `save_every` steps."""
        started = time.perf_counter() - self.seconds
        while self.step < self.settings.steps:
            self._train_step()
            self.seconds = time.perf_counter() - started
            if self.step % log_every == 0:
                log.info(
                    "denoiser %d loss %.4f samples %d %.0f s",
                    *(self.step, self.loss, self.samples, self.seconds),
                )
            if self.step % save_every == 0 or self.step == self.settings.steps:
                self._save()

    def _train_step(self) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = self.settings.learning_rate * schedule(
                self.step, self.settings, began=self.began
            )
        batch = draw_batch(self.config.buckets_at(self.step), self.config.seed + 2, self.step)
        loss = self._loss(batch)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self._update_average()
        value = loss.item()
        self.loss = value if math.isnan(self.loss) else 0.99 * self.loss + 0.01 * value
        self.step += 1
        self.samples += len(batch.captions)

    def _loss(self, batch: Batch) -> Tensor:
        """Squared error of the velocity, weighted by min-SNR (Hang et al., 2303.09556, eq. 9)."""
        device, count = self.config.device, len(batch.captions)
        rng = random.Random(f"{self.config.seed}/captions/{self.step}")
        generator = torch.Generator().manual_seed(self.config.seed + self.step)
        captions = [
            "" if rng.random() < self.settings.empty_captions else text for text in batch.captions
        ]
        with torch.no_grad():
            mean = self.vae.encode(batch.pixels.to(device)).latent_dist.mean
            latents = mean * self.vae.config.scaling_factor
        noise = torch.randn(latents.shape, generator=generator).to(device)
        timesteps = torch.randint(0, 1000, (count,), generator=generator)
        snr = self._snr(timesteps).to(device)
        timesteps = timesteps.to(device)
        noisy = self.noise.add_noise(latents, noise, timesteps)
        target = self.noise.get_velocity(latents, noise, timesteps)
        height, width = batch.pixels.shape[-2:]
        size = torch.tensor([[height, width, 0, 0, height, width]], device=device).repeat(count, 1)
        ids = tokenize(self.tokenizer, captions).to(device)
        error = (self.model(noisy, timesteps, ids, size) - target).square().mean(dim=(1, 2, 3))
        weights = snr.clamp(max=self.settings.min_snr) / (snr + 1)
        loss: Tensor = (weights * error).mean() / weights.mean()
        return loss

    def _snr(self, timesteps: Tensor) -> Tensor:
        alphas: Tensor = self.noise.alphas_cumprod[timesteps]
        return alphas / (1 - alphas)

    @torch.no_grad()
    def _update_average(self) -> None:
        decay = min(self.settings.ema_decay, (1 + self.step) / (10 + self.step))
        pairs = zip(self.average.parameters(), self.model.parameters(), strict=True)
        old, new = (list(tensors) for tensors in zip(*pairs, strict=True))
        torch._foreach_lerp_(old, new, 1 - decay)

    def _save(self) -> None:
        state = {name: getattr(self, name) for name in _NUMBERS}
        parts = {name: getattr(self, name).state_dict() for name in _PARTS}
        checkpoint.save(self.path, state | parts)

    def _resume(self) -> None:
        state = checkpoint.load(self.path)
        if state is None:
            return
        for name in _PARTS:
            getattr(self, name).load_state_dict(state.pop(name))
        for name, value in state.items():
            setattr(self, name, value)
        log.info("resumed at step %d", self.step)


_NUMBERS = ("step", "began", "seconds", "loss", "samples")
_PARTS = ("model", "average", "optimizer")


def schedule(step: int, config: DenoiserConfig, *, began: int = 0) -> float:
    """Share of the learning rate at `step`: warm-up from `began`, plateau, linear fall to zero."""
    falling = max(1.0, config.decay * config.steps)
    return min(1.0, (step - began + 1) / config.warmup, max(0.0, (config.steps - step) / falling))
