"""What the picture looks like so far, cheaply: the end that the sampler is heading for.

A solver of the probability flow moves, within one step, along the line from where it stands to the
clean latent that it believes in. Two latents in a row therefore give that clean latent away: in
coordinates x / alpha with noise level sigma it is x1 - sigma1 * (x0 - x1) / (sigma0 - sigma1).
Exact for Euler and DDIM, near enough for the others. Samplers that add noise of their own leave
that line, and say themselves what they believe in.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import torch
from PIL import Image

_SMALL_DECODER = 8_000_000
_STOCHASTIC = ("DDPMScheduler", "EulerAncestralDiscreteScheduler", "LCMScheduler")
# Least-squares maps from four latent channels to red, green and blue in -1..1, as used by ComfyUI's
# previews.
_LINEAR = {
    "sdxl": (
        (0.3920, 0.4054, 0.4549),
        (-0.2634, -0.0196, 0.0653),
        (0.0568, 0.1687, -0.0755),
        (-0.3112, -0.2359, -0.2076),
    ),
    "sd15": (
        (0.3512, 0.2297, 0.3227),
        (0.3250, 0.4974, 0.2350),
        (-0.2829, 0.1762, 0.2721),
        (-0.2120, -0.2616, -0.7177),
    ),
}


@contextmanager
def remembering(scheduler: Any) -> Iterator[None]:
    """Keeps what each step takes the clean latents for, where a scheduler adds noise of its own.

    There is no line then from the latents before a step to those after it, nor on to clean ones.
    """
    if type(scheduler).__name__ not in _STOCHASTIC:
        yield
        return
    step = scheduler.step

    @wraps(step)
    def kept(*args: Any, **words: Any) -> Any:
        found = step(*args, **words)
        kept.clean = found[1]  # type: ignore[attr-defined]
        return found

    scheduler.step = kept
    try:
        yield
    finally:
        del scheduler.step


class Previewer:
    """Turns latents into pictures, at most one every `every` seconds.

    Args:
        pipe: A diffusers pipeline with `vae` and `scheduler`.
        family: Name of its family; decides the linear map where the decoder is too large to run.
        every: Least time between two previews in seconds; negative for none at all.
    """

    def __init__(self, pipe: Any, family: str, every: float) -> None:
        self._pipe = pipe
        self._every = every
        self._due = time.monotonic()
        self._before: torch.Tensor | None = None
        self._family = family

    def see(self, latents: torch.Tensor, timestep: Any) -> Image.Image | None:
        """The preview after a step, or None where none is due.

        Args:
            latents: (B, C, h, w), the batch after the step; its first picture is shown.
            timestep: The step's timestep.
        """
        if self._every < 0:
            return None
        before, self._before = self._before, latents[:1]
        if before is None or time.monotonic() < self._due:
            return None
        clean = _heading_for(self._pipe.scheduler, before, latents[:1], timestep)
        picture = self._decoded(clean)
        self._due = time.monotonic() + self._every
        return picture

    def _decoded(self, latents: torch.Tensor) -> Image.Image | None:
        vae = self._pipe.vae
        if sum(weight.numel() for weight in vae.decoder.parameters()) <= _SMALL_DECODER:
            scaled = latents / vae.config.scaling_factor
            return _picture(vae.decode(scaled.to(vae.dtype), return_dict=False)[0][0])
        if self._family not in _LINEAR or latents.shape[1] != 4:
            return None
        to_rgb = torch.tensor(_LINEAR[self._family], device=latents.device)
        return _picture(torch.einsum("chw,cr->rhw", latents[0].float(), to_rgb))


def clean_pictures(
    pipe: Any, before: torch.Tensor, after: torch.Tensor, timestep: Any
) -> list[Image.Image]:
    """What every picture of a batch is heading for, by the pipeline's own decoder.

    Args:
        pipe: A diffusers pipeline with `vae` and `scheduler`.
        before: (B, C, h, w), the latents before a step.
        after: (B, C, h, w), after it.
        timestep: The step's timestep.
    """
    vae = pipe.vae
    clean = _heading_for(pipe.scheduler, before, after, timestep) / vae.config.scaling_factor
    return [_picture(one) for one in vae.decode(clean.to(vae.dtype), return_dict=False)[0]]


def _heading_for(
    scheduler: Any, before: torch.Tensor, after: torch.Tensor, timestep: Any
) -> torch.Tensor:
    """The clean latents that the step from `before` to `after` points at, both (B, C, h, w)."""
    kept: torch.Tensor | None = getattr(scheduler.step, "clean", None)
    if kept is not None:
        return kept[: len(after)].float()
    here, there = _noise_levels(scheduler, timestep)
    x0, x1 = before.float(), after.float()
    if float(scheduler.init_noise_sigma) < 1.5:  # kept at unit variance: to x / alpha
        x0, x1 = x0 * math.hypot(1, here), x1 * math.hypot(1, there)
    if here - there < 1e-6:  # a corrector's half step: no line to follow
        return x1 / math.hypot(1, there)
    return x1 - (x0 - x1) * (there / (here - there))


def _noise_levels(scheduler: Any, timestep: Any) -> tuple[float, float]:
    """Sigma before and after the step at `timestep`, whether kept as sigmas or as alphas."""
    index = getattr(scheduler, "step_index", None)
    if index is not None and hasattr(scheduler, "sigmas"):
        sigmas = scheduler.sigmas
        return float(sigmas[index - 1]), float(sigmas[min(index, len(sigmas) - 1)])
    later = scheduler.timesteps[scheduler.timesteps < timestep]
    levels = ((1 - scheduler.alphas_cumprod) / scheduler.alphas_cumprod) ** 0.5
    return float(levels[int(timestep)]), float(levels[int(later[0])]) if len(later) else 0.0


def _picture(values: torch.Tensor) -> Image.Image:
    """(3, h, w) in -1..1 as a picture."""
    bytes_ = values.float().nan_to_num().add(1).mul(127.5).clamp(0, 255).byte()
    return Image.fromarray(bytes_.permute(1, 2, 0).cpu().numpy())
