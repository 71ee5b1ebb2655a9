"""The second stage: the UNet and both text encoders, trained together on frozen latents."""

from __future__ import annotations

import logging
import math
import time
from pathlib import Path

import torch
from diffusers import AutoencoderKL, DDPMScheduler, StableDiffusionXLPipeline
from torch import Tensor
from torch.nn import functional
from transformers import CLIPTokenizer

from training import checkpoint
from training.attention_supervision import SupervisedAttention, clear_of_things
from training.config import Config, schedule
from training.export import assemble
from training.halves import Halves
from training.latent_buffer import LatentBuffer
from training.latents import LatentBatch, LatentPool
from training.logit_rescale import rescale_logits
from training.model import NOISE_SCHEDULE, Denoiser, is_deeper
from training.optimizer import Optimizer
from training.text import tokenize
from training.threads import share_cores
from training.watching import watch

log = logging.getLogger(__name__)


class Trainer:
    """One resumable run: the model, its moving average, and the schedule."""

    def __init__(self, config: Config, vae: AutoencoderKL, tok: CLIPTokenizer, run: Path) -> None:
        """Build an untrained model, or take up the run whose checkpoint lies in `run`."""
        torch.manual_seed(config.seed)
        torch.backends.cuda.enable_cudnn_sdp(False)  # its backward pass gave NaN on Hopper
        self.config, self.settings = config, config.denoiser
        self.vae, self.tokenizer, self.run = vae, tok, run
        channels = config.autoencoder.latent_channels
        self.model = Denoiser(self.settings, channels, tok).to(config.device)
        self.average = Denoiser(self.settings, channels, tok).to(config.device)
        self.average.load_state_dict(self.model.state_dict())
        self.average.eval().requires_grad_(False)
        self.optimizer = Optimizer(self.model, self.settings)
        self.halves = Halves(self.model, wanted=config.bfloat16)
        self.attention_supervision = SupervisedAttention()
        self.halves.model.unet.set_attn_processor(self.attention_supervision)
        self.noise = DDPMScheduler(**NOISE_SCHEDULE)
        self.step, self.seconds, self.samples = 0, 0.0, 0
        self.loss = self.supervision = math.nan
        self.began = 0  # the step at which the optimizer was new
        self._losses: list[Tensor] = []  # since the last checkpoint
        self._nothing = tokenize(tok, [""]).to(config.device)
        self._resume()
        self.source = (
            LatentBuffer(config, config.latent_buffer, vae, tok, self.step)
            if config.latent_buffer
            else LatentPool(config, vae, tok, run / "latents")
        )

    def begin_from(self, exported: StableDiffusionXLPipeline, step: int) -> None:
        """Take up the weights of `exported` as those of `step`, its attention made soft."""
        for module in (self.model, self.average):
            missing, unknown = module.unet.load_state_dict(exported.unet.state_dict(), strict=False)
            assert not unknown and all(is_deeper(name) for name in missing), "another architecture"
            module.text.first.load_state_dict(exported.text_encoder.state_dict())
            module.text.second.load_state_dict(exported.text_encoder_2.state_dict())
        self.step = self.began = step
        self._rescale()
        self.average.load_state_dict(self.model.state_dict())
        self.optimizer.begin()

    def _rescale(self) -> None:
        batch = self.source.batch(self.step)
        generator = torch.Generator(self.config.device).manual_seed(self.config.seed)
        timesteps = draw_timesteps(len(batch.ids), 0, generator)
        noise = torch.randn(batch.latents.shape, generator=generator, device=self.config.device)
        noisy = self.noise.add_noise(batch.latents, noise, timesteps)
        inputs = (noisy, timesteps, batch.ids, batch.time_ids)
        rescale_logits(self.model.unet, lambda: self.model(*inputs))

    def train(self) -> None:
        """Go on to the last step, saving and drawing in between."""
        saved = last = time.perf_counter()
        while not self._over():
            share_cores(self.step, self.config.threads)
            self._train_step()
            now = time.perf_counter()
            self.seconds, last = self.seconds + now - last, now
            if self._over() or now - saved >= self.config.save_every:
                self._save()
                saved = time.perf_counter()

    def _past(self) -> float:
        return self.seconds / self.settings.seconds if self.settings.seconds else 0.0

    def _over(self) -> bool:
        return self.step >= self.settings.steps or self._past() >= 1

    def _train_step(self) -> None:
        share = schedule(self.step, self.settings, began=self.began, past=self._past())
        batch = self.source.batch(self.step)
        self.halves.follow()
        loss, supervision = self._losses_of(batch)
        total = loss + self.settings.attention_supervision * supervision
        total.backward()  # type: ignore[no-untyped-call]
        self.halves.hand_over()
        self.optimizer.step(share)
        # To read them now would wait for the device.
        self._losses.append(torch.stack([loss.detach(), supervision.detach()]))
        self.step += 1
        self.samples += len(batch.ids)
        checkpoint.follow(self.average, self.model, self.step, self.settings.ema_decay)

    def _losses_of(self, batch: LatentBatch) -> tuple[Tensor, Tensor]:
        """Mean squared error of the velocity, all timesteps weighted alike; and supervision's.

        Min-SNR weighting, which counts velocities by the share of signal, hardly teaches what a
        picture holds, for that is settled where there is little of it.
        """
        device, count, latents = self.config.device, len(batch.ids), batch.latents
        generator = torch.Generator(device).manual_seed(self.config.seed + self.step)
        noise = torch.randn(latents.shape, generator=generator, device=device)
        timesteps = draw_timesteps(count, latents.shape[-2:].numel(), generator)
        worded = torch.rand((count, 1), generator=generator, device=device)
        wordless = worded < self.settings.empty_captions
        ids = torch.where(wordless, self._nothing, batch.ids)
        noisy = self.noise.add_noise(latents, noise, timesteps)
        target = self.noise.get_velocity(latents, noise, timesteps)
        model = self.halves.model
        velocity = model(noisy.to(model.unet.dtype), timesteps, ids, batch.time_ids)
        words = batch.words & ~wordless[..., None]
        supervision = self.attention_supervision.loss(batch.boxes, words, latents.shape[-2:])
        counted = counted_cells(batch)
        error = functional.mse_loss(velocity.float(), target, reduction="none").mean(1)
        return (error * counted).sum() / counted.sum(), supervision

    def _save(self) -> None:
        self.loss, self.supervision = torch.stack(self._losses).mean(0).tolist()
        self._losses = []
        checkpoint.keep(self.run / "denoiser.pt", self, _NUMBERS, _PARTS)
        pipe = assemble(self.vae, self.average, self.tokenizer)
        size, count = self.config.watched
        log.info(
            "denoiser %d loss %.4f supervision %.3f samples %d %.0f s: %s",
            *(self.step, self.loss, self.supervision, self.samples, self.seconds),
            watch(pipe, self.run / "denoiser.png", size, count),
        )

    def _resume(self) -> None:
        if checkpoint.resume(self.run / "denoiser.pt", self, _PARTS):
            log.info("resumed at step %d", self.step)


def counted_cells(batch: LatentBatch) -> Tensor:
    """Which cells count, (B, h, w): all but those of things that the caption passes over."""
    cells = batch.latents.shape[-2:]
    clear = clear_of_things(batch.boxes, cells, cells.numel()).view(-1, *cells)
    named: Tensor = batch.words.any(2).any(1)[:, None, None]
    return clear | named


def draw_timesteps(count: int, cells: int, generator: torch.Generator) -> Tensor:
    """Timesteps from 0 to 999, (count,): uniform on small canvases, later ones on larger.

    What stands where is still to be seen there in more noise, since more cells show it. The shift
    of the odds is that of SD3 (2403.03206, equation 23), which takes the ratio of the sides; here
    it is that to the power of 1.5, for layouts are what large canvases are to teach.
    """
    shift = max(1.0, (cells / _UNSHIFTED) ** 0.75)
    drawn = torch.rand((count,), generator=generator, device=generator.device)
    shifted: Tensor = 1000 * shift * drawn / (1 + (shift - 1) * drawn)
    return shifted.long().clamp(max=999)


_UNSHIFTED = 16 * 16  # cells, of 128 x 128 pixels
_NUMBERS = ("step", "began", "seconds", "loss", "supervision", "samples")
_PARTS = ("model", "average", "optimizer")
