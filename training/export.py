"""Turns a run's checkpoints into the folder that diffusers loads."""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers import AutoencoderKL, EulerDiscreteScheduler, StableDiffusionXLPipeline
from transformers import CLIPTokenizer

from training.denoiser import NOISE_SCHEDULE, Denoiser


def assemble(
    vae: AutoencoderKL, denoiser: Denoiser, tokenizer: CLIPTokenizer
) -> StableDiffusionXLPipeline:
    """The stock SDXL pipeline over the trained parts."""
    return StableDiffusionXLPipeline(
        vae=vae,
        text_encoder=denoiser.text.first,
        text_encoder_2=denoiser.text.second,
        tokenizer=tokenizer,
        tokenizer_2=tokenizer,
        unet=denoiser.unet,
        scheduler=EulerDiscreteScheduler(**NOISE_SCHEDULE, timestep_spacing="trailing"),
        force_zeros_for_empty_prompt=False,
        add_watermarker=False,
    )


def export(pipeline: StableDiffusionXLPipeline, folder: Path) -> None:
    """Write `pipeline` to `folder` as safetensors in half precision."""
    pipeline.to(dtype=torch.float16)
    pipeline.save_pretrained(folder, safe_serialization=True)
    pipeline.to(dtype=torch.float32)
