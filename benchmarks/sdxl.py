"""SDXL's UNet as data, so that it can be counted without its weights or a network."""

from __future__ import annotations

from typing import Any

__all__ = ["CELLS", "DEPTH", "POOLED", "SCALE", "TOKENS", "UNET", "WIDTH"]

CELLS = 128  # latent cells a side at 1024 x 1024 pixels
SCALE = 8  # pixels of a cell
TOKENS = 77
WIDTH = 2048  # of both text encoders' states side by side
POOLED = 1280
DEPTH = (1, 2, 10)  # blocks in a transformer at each level

UNET: dict[str, Any] = {  # stabilityai/stable-diffusion-xl-base-1.0, unet/config.json
    "sample_size": CELLS,
    "in_channels": 4,
    "out_channels": 4,
    "block_out_channels": (320, 640, 1280),
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    "layers_per_block": 2,
    "transformer_layers_per_block": DEPTH,
    "attention_head_dim": (5, 10, 20),
    "cross_attention_dim": WIDTH,
    "use_linear_projection": True,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 256,
    "projection_class_embeddings_input_dim": 2816,
}
