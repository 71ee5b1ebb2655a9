"""What the second stage trains: a UNet of SDXL's architecture in small, and both text encoders."""

from __future__ import annotations

import re
from typing import Any

from diffusers import UNet2DConditionModel
from diffusers.models.attention import BasicTransformerBlock
from torch import Tensor, nn
from transformers import CLIPTokenizer

from training.config import DenoiserConfig
from training.text import TextEncoders

# SDXL's noise schedule with the velocity as the target (Salimans and Ho, 2202.00512).
NOISE_SCHEDULE: dict[str, Any] = {
    "num_train_timesteps": 1000,
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "prediction_type": "v_prediction",
}


class Denoiser(nn.Module):
    """Everything that is trained in the second stage."""

    def __init__(self, config: DenoiserConfig, latent_channels: int, tok: CLIPTokenizer) -> None:
        super().__init__()
        self.text = TextEncoders(config, tok)
        attended = len(config.channels) - 1
        self.unet = UNet2DConditionModel(
            sample_size=32,
            in_channels=latent_channels,
            out_channels=latent_channels,
            block_out_channels=config.channels,
            layers_per_block=config.layers,
            transformer_layers_per_block=config.transformer_layers,
            down_block_types=("DownBlock2D", *("CrossAttnDownBlock2D",) * attended),
            up_block_types=(*("CrossAttnUpBlock2D",) * attended, "UpBlock2D"),
            # diffusers' name is historical: these are the numbers of heads
            attention_head_dim=tuple(width // config.head_dim for width in config.channels),
            cross_attention_dim=2 * config.text_width,
            use_linear_projection=True,
            addition_embed_type="text_time",
            addition_time_embed_dim=config.time_embed_dim,
            projection_class_embeddings_input_dim=config.text_width + 6 * config.time_embed_dim,
            norm_num_groups=16,
        )
        for name, block in self.unet.named_modules():
            if isinstance(block, BasicTransformerBlock) and is_deeper(name):
                _begin_idle(block)

    def forward(self, noisy: Tensor, timesteps: Tensor, ids: Tensor, size: Tensor) -> Tensor:
        """Predict the velocity, (B, c, h, w) in and out; `size` is (B, 6), SDXL's time ids."""
        hidden, pooled = self.text(ids)
        conditions = {"text_embeds": pooled, "time_ids": size}
        velocity: Tensor = self.unet(noisy, timesteps, hidden, added_cond_kwargs=conditions).sample
        return velocity


def is_deeper(name: str) -> bool:
    """Whether `name` is of a transformer layer, or of a part of one, past its attention's first.

    These begin idle: a model without them goes on where it stood once it is given them.
    """
    return bool(re.search(r"\.transformer_blocks\.[1-9]", name))


def is_lower(name: str, levels: int) -> bool:
    """Whether `name` is of the last of a UNet's `levels`, down or up, or of its middle."""
    below = (f".down_blocks.{levels - 1}.", ".mid_block.", ".up_blocks.0.")
    return any(part in f".{name}" for part in below)


def _begin_idle(block: BasicTransformerBlock) -> None:
    for last in (block.attn1.to_out[0], block.attn2.to_out[0], block.ff.net[2]):
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
