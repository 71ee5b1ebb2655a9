"""Headers of checkpoints, as those who make them name their tensors; no weight is written."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import torch

Shapes = dict[str, tuple[int, ...]]
LDM = "model.diffusion_model."
VAE_LDM: Shapes = {
    "encoder.down.0.block.0.conv1.weight": (128, 128, 3, 3),
    "decoder.up.0.block.0.conv1.weight": (128, 128, 3, 3),
    "quant_conv.weight": (8, 8, 1, 1),
    "post_quant_conv.weight": (4, 4, 1, 1),
}
CLIP_L: Shapes = {
    "text_model.embeddings.token_embedding.weight": (49408, 768),
    "text_model.encoder.layers.0.self_attn.k_proj.weight": (768, 768),
}
OPEN_CLIP: Shapes = {
    "positional_embedding": (77, 1280),
    "transformer.resblocks.0.attn.in_proj_weight": (3840, 1280),
    "token_embedding.weight": (49408, 1280),
    "text_projection": (1280, 1280),
}


def under(prefix: str, shapes: Shapes) -> Shapes:
    return {prefix + name: shape for name, shape in shapes.items()}


def unet_ldm(channels: int = 4, cross: int = 768, width: int = 320) -> Shapes:
    return {
        "time_embed.0.weight": (4 * width, width),
        "input_blocks.0.0.weight": (width, channels, 3, 3),
        "input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight": (width, cross),
        "middle_block.0.in_layers.2.weight": (width, width, 3, 3),
        "output_blocks.0.0.in_layers.2.weight": (width, width, 3, 3),
        "out.2.weight": (channels, width, 3, 3),
    }


def unet_diffusers(cross: int = 768) -> Shapes:
    return {
        "conv_in.weight": (320, 4, 3, 3),
        "time_embedding.linear_1.weight": (1280, 320),
        "down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.weight": (320, cross),
        "up_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k.weight": (320, cross),
        "mid_block.resnets.0.conv1.weight": (1280, 1280, 3, 3),
    }


LABELS: Shapes = {"label_emb.0.0.weight": (1280, 2816), "label_emb.0.0.bias": (1280,)}
FIRST, SD1 = under("first_stage_model.", VAE_LDM), under("cond_stage_model.transformer.", CLIP_L)
XL = {
    **under("conditioner.embedders.0.transformer.", CLIP_L),
    **under("conditioner.embedders.1.model.", OPEN_CLIP),
}
SD2 = under("cond_stage_model.model.", OPEN_CLIP)
WHOLE_15 = {**under(LDM, unet_ldm()), **FIRST, **SD1}
WHOLE_XL = {**under(LDM, {**unet_ldm(cross=2048), **LABELS}), **FIRST, **XL}
WHOLE_SD2 = {**under(LDM, unet_ldm(cross=1024)), **FIRST, **SD2}


def written(shapes: Shapes, path: Path, **metadata: str) -> Path:
    """A file with that header, and of the size that it says, without writing its zeros."""
    table, at = {}, 0
    for name, shape in shapes.items():
        end = at + 2 * int(torch.Size(shape).numel())
        table[name] = {"dtype": "F16", "shape": list(shape), "data_offsets": [at, end]}
        at = end
    text = json.dumps({"__metadata__": {"format": "pt", **metadata}, **table}).encode()
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + at)
    return path
