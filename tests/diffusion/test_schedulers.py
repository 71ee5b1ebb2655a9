"""Blending predictions and taking one scheduler step, for schedulers of every kind.

The loop here is written by hand; nothing of the pipeline's call is in it.
"""

from __future__ import annotations

from typing import Any

import diffusers
import pytest
import torch
from torch import Tensor

from rpg.diffusion import regional
from tests.diffusion.helpers import assert_close, draw, split
from tests.diffusion.naive import Naive, NaiveProcessor
from tests.tiny import tiny_sdxl

_library: Any = diffusers
SCHEDULERS: dict[str, tuple[Any, dict[str, Any]]] = {
    "euler": (_library.EulerDiscreteScheduler, {}),
    "dpm++2m-karras": (_library.DPMSolverMultistepScheduler, {"use_karras_sigmas": True}),
    "ddim": (_library.DDIMScheduler, {"clip_sample": False}),
}
PLAN = split("1,2,1;2,1,3")
STEPS, SCALE = 4, 5.0


def with_scheduler(name: str, prediction: str) -> Any:
    pipe = tiny_sdxl()
    kind, words = SCHEDULERS[name]
    pipe.scheduler = kind(
        beta_schedule="scaled_linear", prediction_type=prediction, steps_offset=1, **words
    )
    return pipe


def by_hand(pipe: Any, naive: Naive, noise: Tensor, composer: str) -> Tensor:
    """The sampling loop of classifier-free guidance with the naive blend in it."""
    scheduler = pipe.scheduler
    scheduler.set_timesteps(STEPS)
    latents: Tensor = noise * scheduler.init_noise_sigma
    for timestep in scheduler.timesteps:
        model_input = scheduler.scale_model_input(torch.cat([latents] * 2), timestep)
        if composer == "latent":
            blend = naive.predict(pipe.unet, model_input, timestep, {"return_dict": False})
        else:
            blend = blended_inside(pipe, naive, model_input, timestep)
        unguided, guided = blend.chunk(2)
        prediction = unguided + SCALE * (guided - unguided)
        latents = scheduler.step(prediction, timestep, latents, return_dict=False)[0]
    return latents


def blended_inside(pipe: Any, naive: Naive, model_input: Tensor, timestep: Tensor) -> Tensor:
    """One call of a UNet whose cross-attention layers are naive."""
    texts = [naive.negative, naive.base]
    hidden = torch.cat([text.hidden for text in texts])
    pooled = torch.cat([text.pooled for text in texts if text.pooled is not None])
    side = naive.size[0] * pipe.vae_scale_factor
    sizes = torch.tensor([[side, side, 0, 0, side, side]] * 2, dtype=torch.float32)
    added = {"text_embeds": pooled, "time_ids": sizes}
    prediction: Tensor = pipe.unet(
        model_input, timestep, hidden, added_cond_kwargs=added, return_dict=False
    )[0]
    return prediction


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
@pytest.mark.parametrize("composer", ["latent", "attention"])
@pytest.mark.parametrize("name", SCHEDULERS)
def test_blended_predictions_step_as_in_the_hand_written_loop(
    name: str, composer: Any, prediction: str
) -> None:
    pipe = with_scheduler(name, prediction)
    noise = torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(3))
    call = {"num_inference_steps": STEPS, "guidance_scale": SCALE, "latents": noise}
    with regional(pipe, PLAN, composer=composer, window=0):
        ours = draw(pipe, **call)
    naive = Naive(pipe, PLAN, (16, 16))
    if composer == "attention":
        for name_, module in pipe.unet.named_modules():
            if name_.endswith("attn2"):
                module.set_processor(NaiveProcessor(naive))
    with torch.no_grad():
        expected = by_hand(pipe, naive, noise, composer)
    assert_close(ours, expected, 2e-5)
