"""Turns a run's checkpoints into the folder that diffusers loads."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from diffusers import AutoencoderKL, EulerAncestralDiscreteScheduler, StableDiffusionXLPipeline
from transformers import CLIPTokenizer

from training.model import NOISE_SCHEDULE, Denoiser

# What `rpg.defaults` reads: the canvas grows until every region has what one thing was drawn on.
_DEFAULTS: dict[str, object] = {
    "name": "toybox",
    "width": 256,
    "height": 256,
    "num_inference_steps": 20,
    "guidance_scale": 7.0,
    "guidance_end": 0.5,
    "composer": "latent",
    "base_ratio": 0.0,
    "display_scale": 3,
    "region_side": 128,
}


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
        scheduler=EulerAncestralDiscreteScheduler(**NOISE_SCHEDULE, timestep_spacing="trailing"),
        force_zeros_for_empty_prompt=False,
        add_watermarker=False,
    )


def export(pipeline: StableDiffusionXLPipeline, folder: Path) -> None:
    """Write `pipeline` to `folder` as safetensors in half precision, in small files."""
    for tokenizer in (pipeline.tokenizer, pipeline.tokenizer_2):  # what the last call asked for
        tokenizer.backend_tokenizer.no_padding()
        tokenizer.backend_tokenizer.no_truncation()
    pipeline.to(dtype=torch.float16)
    pipeline.save_pretrained(folder, safe_serialization=True, max_shard_size="14MB")
    pipeline.to(dtype=torch.float32)
    for part in ("text_encoder", "text_encoder_2"):
        _load_as_float32(folder / part / "config.json")
    for config in folder.glob("*/config.json"):
        _forget_origin(config)
    (folder / "rpg.json").write_text(json.dumps(_DEFAULTS, indent=2) + "\n")


def load(folder: Path) -> StableDiffusionXLPipeline:
    """The pipeline in `folder`, in single precision."""
    return StableDiffusionXLPipeline.from_pretrained(
        folder, dtype=torch.float32, use_safetensors=True, local_files_only=True
    )


def _load_as_float32(config: Path) -> None:
    """Transformers takes a model's precision from here, diffusers loads the rest in float32."""
    values = json.loads(config.read_text())
    config.write_text(json.dumps(values | {"dtype": "float32"}, indent=2) + "\n")


def _forget_origin(config: Path) -> None:
    """Takes out the folder that a part was loaded from: nobody else has it."""
    values = json.loads(config.read_text())
    values.pop("_name_or_path", None)
    config.write_text(json.dumps(values, indent=2) + "\n")
