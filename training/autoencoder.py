"""The first stage: an AutoencoderKL with eight times smaller latents, whitened for the second.

The decoder sees latents with a little noise, such as a denoiser leaves. The posterior's width is
one and the same everywhere: `whiten` writes it into the finished model.
"""

from __future__ import annotations

import logging
import math
import time
from pathlib import Path

import torch
from diffusers import AutoencoderKL
from torch import Tensor
from torch.nn import functional as F

from training import checkpoint
from training.autoencoder_init import hold_constants, init_with_means
from training.config import AutoencoderConfig, Config, schedule
from training.data import draw_batch, draw_crops
from training.sheets import psnr, save_pairs
from training.threads import share_cores

log = logging.getLogger(__name__)
_STATISTICS_BATCHES = 24
_POSTERIOR_LOGVAR = 2 * math.log(0.02)  # of the whitened latents
_JUDGED_BATCHES = 1
_GROUPS = 1  # see training.autoencoder_init


def build(config: AutoencoderConfig) -> AutoencoderKL:
    """An untrained autoencoder; no attention, so that a crop decodes as the whole does."""
    depth = len(config.channels)
    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * depth,
        up_block_types=("UpDecoderBlock2D",) * depth,
        block_out_channels=config.channels,
        layers_per_block=config.layers,
        latent_channels=config.latent_channels,
        norm_num_groups=_GROUPS,
        sample_size=256,
        mid_block_add_attention=False,
        force_upcast=False,
    )


def finished(config: Config, run: Path) -> AutoencoderKL:
    """The whitened, frozen autoencoder of `run`, trained to its end first where it is not there."""
    folder = run / "vae"
    if not (folder / "config.json").exists():
        trainer = AutoencoderTrainer(config, run)
        trainer.train()
        whiten(trainer.average, config).save_pretrained(folder)
    vae: AutoencoderKL = AutoencoderKL.from_pretrained(folder, local_files_only=True)
    return vae.to(config.device).eval().requires_grad_(False)


class AutoencoderTrainer:
    """One resumable run: the model and its moving average."""

    def __init__(self, config: Config, run: Path) -> None:
        """Build an untrained model, or take up the run whose checkpoint lies in `run`."""
        torch.manual_seed(config.seed)
        self.config, self.settings, self.run = config, config.autoencoder, run
        self.model = build(self.settings).to(config.device)
        init_with_means(self.model)
        hold_constants(self.model)
        self.average = build(self.settings).to(config.device)
        self.average.load_state_dict(self.model.state_dict())
        self.average.eval().requires_grad_(False)
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), betas=(0.9, 0.99), weight_decay=0.0
        )
        self.step, self.seconds, self.loss = 0, 0.0, math.nan
        self._resume()

    def train(self) -> None:
        """Go on to the last step, saving and judging in between."""
        saved, last = time.perf_counter(), time.perf_counter()
        while self.step < self.settings.steps:
            share_cores(self.step, self.config.threads)
            self._train_step()
            now = time.perf_counter()
            self.seconds, last = self.seconds + now - last, now
            over = self.step == self.settings.steps
            if over or now - saved >= self.config.save_every:
                self._save()
                saved = time.perf_counter()

    def _train_step(self) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = self.settings.learning_rate * schedule(self.step, self.settings)
        pixels = draw_crops(self.settings.crops, self.config.seed, self.step)
        loss = self._loss(pixels.to(self.config.device))
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        value = loss.item()
        self.loss = value if math.isnan(self.loss) else 0.99 * self.loss + 0.01 * value
        self.step += 1
        checkpoint.follow(self.average, self.model, self.step, self.settings.ema_decay)

    def _loss(self, pixels: Tensor) -> Tensor:
        """L1, L2 and the L1 of differences between neighbours, which keeps outlines sharp."""
        generator = torch.Generator(self.config.device).manual_seed(self.config.seed + self.step)
        with torch.autocast(self.config.device, torch.bfloat16, enabled=self.config.bfloat16):
            mean = self.model.encode(pixels).latent_dist.mean
            noise = torch.randn(mean.shape, generator=generator, device=mean.device)
            noisy = mean + self.settings.noise * mean.detach().float().std() * noise
            decoded = self.model.decode(noisy).sample
        error = decoded.float() - pixels
        loss: Tensor = error.abs().mean() + 2 * error.square().mean() + _edges(error)
        return loss + self.settings.pull * F.mse_loss(mean.float(), torch.zeros_like(noise))

    def _save(self) -> None:
        checkpoint.keep(self.run / "autoencoder.pt", self, _NUMBERS, _PARTS)
        fresh = [
            draw_batch(self.config.judged, self.config.seed + 7, step).pixels
            for step in range(_JUDGED_BATCHES)
        ]
        decoded = [reconstructed(self.average, pixels.to(self.config.device)) for pixels in fresh]
        scores = [psnr(a, b.cpu()) for a, b in zip(fresh, decoded, strict=True)]
        save_pairs(fresh[0], decoded[0].cpu(), self.run / "autoencoder.png")
        log.info(
            "autoencoder %d loss %.4f PSNR %.2f dB %.0f s",
            *(self.step, self.loss, sum(scores) / len(scores), self.seconds),
        )

    def _resume(self) -> None:
        if checkpoint.resume(self.run / "autoencoder.pt", self, _PARTS):
            log.info("autoencoder resumed at step %d", self.step)


_NUMBERS = ("step", "seconds", "loss")
_PARTS = ("model", "average", "optimizer")


def _edges(error: Tensor) -> Tensor:
    across = (error[..., 1:] - error[..., :-1]).abs().mean()
    down = (error[..., 1:, :] - error[..., :-1, :]).abs().mean()
    return across + down


@torch.no_grad()
def reconstructed(vae: AutoencoderKL, pixels: Tensor) -> Tensor:
    """Pixels encoded and decoded, (B, 3, H, W) in [-1, 1]."""
    decoded: Tensor = vae.decode(vae.encode(pixels).latent_dist.mode()).sample
    return decoded.clamp(-1, 1)


@torch.no_grad()
def whiten(vae: AutoencoderKL, config: Config) -> AutoencoderKL:
    """Give every channel of the latents mean 0 and deviation 1, by the outer 1 x 1 convolutions.

    A scaling factor alone leaves the channels' means, and diffusers' `latents_mean` is not read by
    all of its pipelines.
    """
    batches = [
        draw_batch(config.buckets, config.seed + 1, step).pixels.to(config.device)
        for step in range(_STATISTICS_BATCHES)
    ]
    rows = [vae.encode(one).latent_dist.mean.movedim(1, -1).flatten(0, -2) for one in batches]
    latents = torch.cat(rows)
    mean, deviation = latents.mean(0), latents.std(0)
    channels = len(mean)
    inward, outward = vae.quant_conv, vae.post_quant_conv
    outward.bias += (outward.weight * mean[None, :, None, None]).sum((1, 2, 3))
    outward.weight *= deviation[None, :, None, None]
    inward.weight[:channels] /= deviation[:, None, None, None]
    inward.bias[:channels] = (inward.bias[:channels] - mean) / deviation
    inward.weight[channels:] = 0
    inward.bias[channels:] = _POSTERIOR_LOGVAR
    vae.register_to_config(scaling_factor=1.0)
    return vae
