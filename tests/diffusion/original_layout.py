"""Pipelines of diffusers under the names that single files have: CompVis' and Stability's own.

Written against the layouts' source, the other way round from diffusers' conversion.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import CLIPTextModelWithProjection

from tests.tiny import text_config, tiny_sdxl, tiny_tokenizer

Weights = dict[str, Tensor]
_UNET = "model.diffusion_model."
_RESNET = {
    "norm1.": "in_layers.0.",
    "conv1.": "in_layers.2.",
    "time_emb_proj.": "emb_layers.1.",
    "norm2.": "out_layers.0.",
    "conv2.": "out_layers.3.",
    "conv_shortcut.": "skip_connection.",
}
_UNET_ENDS = {
    "conv_in.": "input_blocks.0.0.",
    "time_embedding.linear_1.": "time_embed.0.",
    "time_embedding.linear_2.": "time_embed.2.",
    "add_embedding.linear_1.": "label_emb.0.0.",
    "add_embedding.linear_2.": "label_emb.0.2.",
    "conv_norm_out.": "out.0.",
    "conv_out.": "out.2.",
}
_VAE = {
    "mid_block.resnets.0.": "mid.block_1.",
    "mid_block.resnets.1.": "mid.block_2.",
    "mid_block.attentions.0.": "mid.attn_1.",
    "group_norm.": "norm.",
    "to_q.": "q.",
    "to_k.": "k.",
    "to_v.": "v.",
    "to_out.0.": "proj_out.",
    "downsamplers.0.": "downsample.",
    "upsamplers.0.": "upsample.",
    "conv_shortcut.": "nin_shortcut.",
    "conv_norm_out.": "norm_out.",
    ".resnets.": ".block.",
}
_OPEN_CLIP = {
    "text_model.encoder.layers.": "transformer.resblocks.",
    "text_model.embeddings.position_embedding.weight": "positional_embedding",
    "text_model.embeddings.token_embedding.": "token_embedding.",
    "text_model.final_layer_norm.": "ln_final.",
    ".layer_norm1.": ".ln_1.",
    ".layer_norm2.": ".ln_2.",
    ".mlp.fc1.": ".mlp.c_fc.",
    ".mlp.fc2.": ".mlp.c_proj.",
    ".self_attn.": ".attn.",
}


def two_encoders(**unet: Any) -> Any:
    """A tiny SDXL whose text encoders differ in width, as the real ones: files tell them by it."""
    wide = text_config(tiny_tokenizer())
    wide.hidden_size = wide.projection_dim = 24
    added = {"cross_attention_dim": 16 + 24, "projection_class_embeddings_input_dim": 24 + 6 * 8}
    pipe = tiny_sdxl(**(added | unet))
    pipe.text_encoder_2 = CLIPTextModelWithProjection(wide).eval().requires_grad_(False)
    return pipe


def original_layout(pipe: Any) -> Weights:
    """Every weight of a pipeline of SDXL or Stable Diffusion 1.5, as one checkpoint names it."""
    made = unet_layout(pipe.unet)
    made |= {f"first_stage_model.{name}": one for name, one in vae_layout(pipe.vae).items()}
    two = getattr(pipe, "text_encoder_2", None) is not None
    first = "conditioner.embedders.0.transformer." if two else "cond_stage_model.transformer."
    for name, weight in pipe.text_encoder.state_dict().items():
        made[f"{first}text_model.{name.removeprefix('text_model.')}"] = weight
    if two:
        made |= _open_clip("conditioner.embedders.1.model.", pipe.text_encoder_2.state_dict())
    return {name: weight.clone().contiguous() for name, weight in made.items()}


def unet_layout(unet: Any) -> Weights:
    layers: int = unet.config.layers_per_block
    return {_UNET + _unet_name(name, layers): one for name, one in unet.state_dict().items()}


def vae_layout(vae: Any) -> Weights:
    weights = vae.state_dict().items()
    return {_vae_name(name): _convolved(name, one).contiguous() for name, one in weights}


def _unet_name(name: str, layers: int) -> str:
    for ours, theirs in _UNET_ENDS.items():
        if name.startswith(ours):
            return name.replace(ours, theirs)
    if match := re.match(r"mid_block\.(resnets|attentions)\.(\d)\.(.*)", name):
        kind, number, rest = match.groups()
        place = 1 if kind == "attentions" else 2 * int(number)
        return f"middle_block.{place}." + (rest if place == 1 else _replaced(rest, _RESNET))
    match = re.match(r"(down|up)_blocks\.(\d)\.(\w+)\.(\d)\.(.*)", name)
    assert match, name
    way, block, kind, layer, rest = match.groups()
    first = 1 + int(block) * (layers + 1) if way == "down" else int(block) * (layers + 1)
    side = "input_blocks" if way == "down" else "output_blocks"
    if kind == "downsamplers":
        return f"{side}.{first + layers}.0.{rest.replace('conv.', 'op.')}"
    if kind == "upsamplers":  # behind a resnet and an attention
        return f"{side}.{first + layers}.2.{rest}"
    inner = f"1.{rest}" if kind == "attentions" else f"0.{_replaced(rest, _RESNET)}"
    return f"{side}.{first + int(layer)}.{inner}"


def _vae_name(name: str) -> str:
    name = re.sub(r"down_blocks\.(\d)", r"down.\1", name)
    name = re.sub(r"up_blocks\.(\d)", lambda match: f"up.{2 - int(match[1])}", name)
    return _replaced(name, _VAE)


def _convolved(name: str, weight: Tensor) -> Tensor:
    """Attention of the autoencoder is made of convolutions there."""
    return weight[:, :, None, None] if re.search(r"\.to_\w+\.(0\.)?weight$", name) else weight


def _open_clip(prefix: str, weights: Mapping[str, Tensor]) -> Weights:
    made: Weights = {}
    for name, weight in weights.items():
        if "self_attn" in name and "out_proj" not in name:
            continue
        if name == "text_projection.weight":
            made[f"{prefix}text_projection"] = weight.T
        else:
            made[prefix + _replaced(name, _OPEN_CLIP)] = weight
    for name in weights:
        if match := re.match(r"text_model\.encoder\.layers\.(\d)\.self_attn\.q_proj\.(\w+)", name):
            three = _three(name, ("q_proj", "k_proj", "v_proj"))
            joined = torch.cat([weights[one] for one in three])
            made[f"{prefix}transformer.resblocks.{match[1]}.attn.in_proj_{match[2]}"] = joined
    return made


def _three(name: str, parts: Sequence[str]) -> list[str]:
    return [name.replace("q_proj", part) for part in parts]


def _replaced(text: str, names: Mapping[str, str]) -> str:
    for ours, theirs in names.items():
        text = text.replace(ours, theirs)
    return text
