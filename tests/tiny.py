"""Stable Diffusion pipelines with a few thousand random weights, made from configurations alone."""

from __future__ import annotations

import inspect
import string
from typing import Any

import diffusers
import torch
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

_library: Any = diffusers  # whose constructors have no types
WIDTH = 16
MAX_TOKENS = 20


def tiny_tokenizer() -> CLIPTokenizer:
    """A CLIP tokenizer that spells every word in letters."""
    letters = string.ascii_lowercase + string.digits + string.punctuation
    tokens = [*letters, *(f"{letter}</w>" for letter in letters)]
    ids = {token: i for i, token in enumerate([*tokens, "<|startoftext|>", "<|endoftext|>"])}
    return CLIPTokenizer(vocab=ids, merges=[], model_max_length=MAX_TOKENS)


def text_config(tokenizer: CLIPTokenizer) -> CLIPTextConfig:
    return CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=WIDTH,
        intermediate_size=2 * WIDTH,
        projection_dim=WIDTH,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=MAX_TOKENS,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )


def _unet(width: int, **words: Any) -> Any:
    settings: dict[str, Any] = {
        "sample_size": 16,
        "block_out_channels": (8, 16),
        "layers_per_block": 1,
        "down_block_types": ("CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
        "attention_head_dim": 2,
        "cross_attention_dim": width,
        "norm_num_groups": 4,
        "use_linear_projection": True,
    }
    unet = _library.UNet2DConditionModel(**(settings | words))
    for name, parameter in unet.named_parameters():  # so that text matters as it does when trained
        if "attn2" in name and "to_out" not in name:
            parameter.data *= 3
    return unet


def _vae() -> Any:
    return _library.AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        block_out_channels=(4, 4, 8),
        norm_num_groups=2,
        latent_channels=4,
        sample_size=64,
        force_upcast=False,
    )


def tiny_sdxl(seed: int = 0, **unet_overrides: Any) -> Any:
    """SDXL's architecture: 4x autoencoder, one downsampling, 64 x 64 pixels, random weights."""
    torch.manual_seed(seed)
    tokenizer = tiny_tokenizer()
    config = text_config(tokenizer)
    added = {
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 8,
        "projection_class_embeddings_input_dim": WIDTH + 6 * 8,
    }
    pipe = _library.StableDiffusionXLPipeline(
        vae=_vae(),
        text_encoder=CLIPTextModel(config),
        text_encoder_2=CLIPTextModelWithProjection(config),
        tokenizer=tokenizer,
        tokenizer_2=tokenizer,
        unet=_unet(2 * WIDTH, **(added | unet_overrides)),
        scheduler=_library.EulerDiscreteScheduler(beta_schedule="scaled_linear", steps_offset=1),
        force_zeros_for_empty_prompt=False,
        add_watermarker=False,
    )
    return _ready(pipe)


def tiny_sd15(seed: int = 0, **unet_overrides: Any) -> Any:
    """Stable Diffusion 1.5's architecture, likewise."""
    torch.manual_seed(seed)
    tokenizer = tiny_tokenizer()
    pipe = _library.StableDiffusionPipeline(
        vae=_vae(),
        text_encoder=CLIPTextModel(text_config(tokenizer)),
        tokenizer=tokenizer,
        unet=_unet(WIDTH, **unet_overrides),
        scheduler=_library.EulerDiscreteScheduler(beta_schedule="scaled_linear", steps_offset=1),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    return _ready(pipe)


def tiny_controlnet(pipe: Any, seed: int = 1) -> Any:
    """A ControlNet for a tiny pipeline, with an effect although it is untrained."""
    torch.manual_seed(seed)
    halvings = int(pipe.vae_scale_factor).bit_length() - 1
    net = _library.ControlNetModel.from_unet(
        pipe.unet, conditioning_embedding_out_channels=(4, *(8,) * halvings)
    )
    return _audible(net)


def tiny_union_controlnet(pipe: Any, types: int = 6, seed: int = 1) -> Any:
    """A union ControlNet, of six types or of the eight that ProMax has, likewise."""
    torch.manual_seed(seed)
    halvings = int(pipe.vae_scale_factor).bit_length() - 1
    shared = inspect.signature(_library.ControlNetUnionModel).parameters.keys()
    config = {name: value for name, value in pipe.unet.config.items() if name in shared}
    config |= {"conditioning_embedding_out_channels": (4, *(8,) * halvings)}
    width = pipe.unet.config.block_out_channels[0]
    net = _library.ControlNetUnionModel(
        **config, num_control_type=types, num_trans_channel=width, num_proj_channel=width
    )
    torch.nn.init.normal_(net.spatial_ch_projs.weight, std=0.1)
    return _audible(net)


def _audible(net: Any) -> Any:
    picture = net.controlnet_cond_embedding.conv_out
    silent = (net.controlnet_down_blocks, net.controlnet_mid_block, picture)
    for parameter in (parameter for blocks in silent for parameter in blocks.parameters()):
        torch.nn.init.normal_(parameter, std=0.1)
    return net.eval()


# SDXL's blocks: no attention in the first, so that a T2I-Adapter's four features have their places.
XL_BLOCKS: dict[str, Any] = {
    "block_out_channels": (8, 16, 16),
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
}


def tiny_t2i_adapter(pipe: Any, channels: int = 3, seed: int = 1) -> Any:
    """A T2I-Adapter for a tiny pipeline of SD 1.5, or of SDXL with `XL_BLOCKS`."""
    torch.manual_seed(seed)
    if pipe.unet.config.addition_embed_type is None:
        return _library.T2IAdapter(channels, [8, 16], 1, 4, "full_adapter").eval()
    return _library.T2IAdapter(channels, [8, 16, 16, 16], 1, 8, "full_adapter_xl").eval()


def _ready(pipe: Any) -> Any:
    for component in pipe.components.values():
        if isinstance(component, torch.nn.Module):
            component.eval().requires_grad_(False)
    pipe.set_progress_bar_config(disable=True)
    return pipe
