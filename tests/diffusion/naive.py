"""Regional composition written out without any cleverness, to hold the fast paths against.

Masks by loops over cells, every text encoded alone, attention of every region over the whole
canvas with `to_out` after the sum, latents one crop, one half and one picture at a time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from rpg.plans.plan import Plan, Region


def inside(region: Region, height: int, width: int) -> np.ndarray:
    mask = np.zeros((height, width))
    painted = region.mask_image()
    shades = np.ones((height, width))
    if painted is not None:
        shades = np.asarray(painted.resize((width, height), Image.Resampling.BOX)) / 255
    left, top, right, bottom = region.box.to_pixels(width, height)
    for y in range(top, bottom):
        for x in range(left, right):
            mask[y, x] = shades[y, x]
    return mask


def weights(plan: Plan, height: int, width: int, feather: float) -> np.ndarray:
    """(R + 1, h, w), the last is what no region covers; each region painted over those before."""
    layers = plan.layers()
    found = np.zeros((len(layers) + 1, height, width))
    found[-1] = 1
    for index, region in enumerate(layers):
        mask = inside(region, height, width)
        found *= 1 - mask
        found[index] = mask
    return blurred(found, round(feather * min(height, width) / 2))


def blurred(found: np.ndarray, radius: int) -> np.ndarray:
    _, height, width = found.shape
    result = np.zeros_like(found)
    for y in range(height):
        for x in range(width):
            rows = slice(max(0, y - radius), y + radius + 1)
            columns = slice(max(0, x - radius), x + radius + 1)
            result[:, y, x] = found[:, rows, columns].mean(axis=(1, 2))
    return result


def pooled(found: np.ndarray, height: int, width: int) -> np.ndarray:
    """The largest weight of each region in each coarse cell, summing to one."""
    result = np.zeros((len(found), height, width))
    fine_height, fine_width = found.shape[1:]
    for y in range(height):
        for x in range(width):
            rows = slice(y * fine_height // height, math.ceil((y + 1) * fine_height / height))
            columns = slice(x * fine_width // width, math.ceil((x + 1) * fine_width / width))
            result[:, y, x] = found[:, rows, columns].max(axis=(1, 2))
    shares: np.ndarray = result / result.sum(axis=0)
    return shares


@dataclass
class Texts:
    """Encoded one by one: hidden states (1, L, D) and pooled (1, P) or None."""

    hidden: Tensor
    pooled: Tensor | None


class Naive:
    """A plan's regions for a canvas of `height` x `width` latent cells."""

    def __init__(
        self,
        pipe: Any,
        plan: Plan,
        size: tuple[int, int],
        *,
        base_ratio: float = 0.3,
        feather: float = 0.0,
        guided: bool = True,
        negative: str = "",
    ) -> None:
        self.pipe, self.plan, self.size, self.guided = pipe, plan, size, guided
        self.layers = plan.layers()
        self.weights = weights(plan, *size, feather)
        self.ratios = [
            next(b for b in (region.base_ratio, plan.base_ratio, base_ratio) if b is not None)
            for region in self.layers
        ]
        self.base, self.negative = self.encoded(plan.prompt), self.encoded(negative)
        self.prompts = [self.encoded(region.prompt) for region in self.layers]
        self.negatives = [
            self.encoded(", ".join(filter(None, [plan.negative, region.negative])))
            if region.negative
            else self.negative
            for region in self.layers
        ]

    def encoded(self, text: str) -> Texts:
        out = self.pipe.encode_prompt(
            prompt=text, device="cpu", num_images_per_prompt=1, do_classifier_free_guidance=False
        )
        return Texts(out[0], out[2] if len(out) > 2 else None)

    def level(self, tokens: int) -> tuple[np.ndarray, np.ndarray]:
        """Shares of the base (T,) and the regions (R, T) where a layer has so many tokens."""
        height, width = self.size
        while height * width > tokens:
            height, width = math.ceil(height / 2), math.ceil(width / 2)
        found = pooled(self.weights, height, width).reshape(len(self.weights), -1)
        b = np.array(self.ratios)[:, None]
        return found[-1] + (b * found[:-1]).sum(axis=0), (1 - b) * found[:-1]

    def attend(self, attn: Any, hidden: Tensor, guided: bool) -> Tensor:
        """One row (1, T, C) of a layer, in the guided or the unguided half."""
        base, regions = (self.base, self.prompts) if guided else (self.negative, self.negatives)
        base_share, shares = self.level(hidden.shape[1])
        query = heads(attn.to_q(hidden), attn)
        total = softmax_attention(attn, query, base.hidden) * column(base_share)
        for text, share in zip(regions, shares, strict=True):
            total = total + softmax_attention(attn, query, text.hidden) * column(share)
        return attn.to_out[0](total.transpose(1, 2).flatten(2))  # type: ignore[no-any-return]

    def predict(self, forward: Any, sample: Tensor, timestep: Any, words: dict[str, Any]) -> Tensor:
        """The blended prediction by latents, row by row of (B, C, h, w)."""
        half = len(sample) // 2 if self.guided else 0
        rows = [
            self.predict_row(forward, sample[i : i + 1], timestep, words, guided=i >= half)
            for i in range(len(sample))
        ]
        return torch.cat(rows)

    def predict_row(
        self, forward: Any, sample: Tensor, timestep: Any, words: dict[str, Any], *, guided: bool
    ) -> Tensor:
        base, regions = (self.base, self.prompts) if guided else (self.negative, self.negatives)
        b = np.array(self.ratios)[:, None, None]
        base_share = self.weights[-1] + (b * self.weights[:-1]).sum(axis=0)
        total = self.call(forward, sample, timestep, base, words) * plane(base_share)
        for text, weight in zip(regions, (1 - b) * self.weights[:-1], strict=True):
            if not weight.any():
                continue
            y0, y1, x0, x1 = self.crop(weight)
            piece = self.call(forward, sample[..., y0:y1, x0:x1], timestep, text, words)
            total[..., y0:y1, x0:x1] += piece * plane(weight[y0:y1, x0:x1])
        return total

    def crop(self, weight: np.ndarray) -> tuple[int, int, int, int]:
        """The cells with weight, grown to the UNet's multiple."""
        multiple = 2 ** (len(self.pipe.unet.config.down_block_types) - 1)
        spans = []
        for axis, length in ((1, self.size[0]), (0, self.size[1])):
            cells = np.flatnonzero(weight.any(axis=axis))
            start = cells[0] // multiple * multiple
            spans += [start, min(math.ceil((cells[-1] + 1) / multiple) * multiple, length)]
        return spans[0], spans[1], spans[2], spans[3]

    def call(
        self, forward: Any, sample: Tensor, timestep: Any, text: Texts, words: dict[str, Any]
    ) -> Tensor:
        words = dict(words)
        if text.pooled is not None:
            scale = self.pipe.vae_scale_factor
            height, width = sample.shape[-2] * scale, sample.shape[-1] * scale
            sizes = torch.tensor([[height, width, 0, 0, height, width]], dtype=torch.float32)
            words["added_cond_kwargs"] = {"text_embeds": text.pooled, "time_ids": sizes}
        prediction: Tensor = forward(sample, timestep, text.hidden, **words)[0]
        return prediction


class NaiveProcessor:
    def __init__(self, naive: Naive) -> None:
        self.naive = naive

    def __call__(
        self,
        attn: Any,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
    ) -> Tensor:
        half = len(hidden_states) // 2 if self.naive.guided else 0
        rows = [
            self.naive.attend(attn, hidden_states[i : i + 1], guided=i >= half)
            for i in range(len(hidden_states))
        ]
        return torch.cat(rows)


@contextmanager
def naive_attention(pipe: Any, naive: Naive) -> Iterator[None]:
    """Every cross-attention layer by `naive`, for good: use a pipeline of your own."""
    for name, module in pipe.unet.named_modules():
        if name.endswith("attn2"):
            module.set_processor(NaiveProcessor(naive))
    yield


@contextmanager
def naive_latent(pipe: Any, naive: Naive) -> Iterator[None]:
    """The UNet's forward by `naive`."""
    plain = pipe.unet.forward

    def forward(sample: Tensor, timestep: Any, **words: Any) -> tuple[Tensor]:
        return (naive.predict(plain, sample, timestep, {"return_dict": False}),)

    pipe.unet.forward = forward
    yield


def heads(states: Tensor, attn: Any) -> Tensor:
    return states.reshape(*states.shape[:2], attn.heads, -1).transpose(1, 2)


def softmax_attention(attn: Any, query: Tensor, text: Tensor) -> Tensor:
    key, value = heads(attn.to_k(text), attn), heads(attn.to_v(text), attn)
    scores = query @ key.transpose(-1, -2) / math.sqrt(query.shape[-1])
    return scores.softmax(dim=-1) @ value


def column(share: np.ndarray) -> Tensor:
    return torch.tensor(share, dtype=torch.float32)[None, None, :, None]


def plane(share: np.ndarray) -> Tensor:
    return torch.tensor(share, dtype=torch.float32)
