"""Complementary regional diffusion (RPG, section 3.3): each region is a latent of its own.

In a step, every region's crop of the latents is denoised under its own subprompt, pooled embedding
and size conditioning; the predictions are put back in place and blended with the base prompt's,
x = b x_base + (1-b) x_regions, and the pipeline's scheduler takes one ordinary step with the blend.
Equal crops run as one batch, and with b = 0 everywhere there is no base pass.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from rpg.diffusion.masks import Layout
from rpg.diffusion.state import State

__all__ = ["compose", "crops"]

Forward = Callable[..., Any]


@dataclass(frozen=True)
class Crop:
    """Rows y0:y1 and columns x0:x1 of the latents in which `region` is denoised."""

    region: int
    y0: int
    y1: int
    x0: int
    x1: int

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in latent cells."""
        return self.y1 - self.y0, self.x1 - self.x0

    def of(self, full: Tensor, height: int, width: int) -> Tensor:
        """Cut (B, C, h, w), the whole of a `height` x `width` canvas at its own or a coarser level."""
        factor = max(round(height / full.shape[-2]), round(width / full.shape[-1]), 1)
        rows = slice(self.y0 // factor, -(-self.y1 // factor))
        columns = slice(self.x0 // factor, -(-self.x1 // factor))
        return full[..., rows, columns]


def crops(layout: Layout, multiple: int) -> list[list[Crop]]:
    """A crop for each region that has a share, widened to the UNet's multiple; equal sizes together."""
    height, width = layout.base.shape
    by_size: dict[tuple[int, int], list[Crop]] = {}
    for region in range(len(layout.regions)):
        support = layout.support(region)
        if support is not None:
            y0, y1, x0, x1 = support
            crop = Crop(
                region, *_widened(y0, y1, height, multiple), *_widened(x0, x1, width, multiple)
            )
            by_size.setdefault(crop.size, []).append(crop)
    return list(by_size.values())


def compose(
    forward: Forward,
    state: State,
    pixels_per_cell: int,
    multiple: int,
    sample: Tensor,
    timestep: Any,
    encoder_hidden_states: Tensor,
    words: dict[str, Any],
) -> Tensor:
    """The blended prediction for one step.

    Args:
        forward: the UNet's own forward.
        state: layouts and texts.
        pixels_per_cell: the autoencoder's scale factor, for size conditioning.
        multiple: what the sides of a crop must be a multiple of, in latent cells.
        sample: (B, C, H, W), the negative half first under guidance.
        timestep: as the pipeline gave it.
        encoder_hidden_states: (B, L, D).
        words: the forward's other keyword arguments.

    Returns:
        (B, c, H, W), the prediction (noise, velocity or sample: all are affine in the blend).
    """
    layout = state.layout
    height, width = sample.shape[-2:]
    blended: Tensor | None = None
    if layout.needs_base:
        base = forward(sample, timestep, encoder_hidden_states, **_fresh(words))[0]
        blended = base * layout.base.to(base)
    for group in crops(layout, multiple):
        batch = _Batch(state, group, sample, encoder_hidden_states)
        predicted = forward(
            batch.cropped(sample, height, width),
            batch.rows_of(timestep),
            batch.texts(),
            **batch.words(words, height, width, pixels_per_cell),
        )[0]
        if blended is None:
            blended = predicted.new_zeros(len(sample), predicted.shape[1], height, width)
        batch.put(predicted, layout, blended)
    assert blended is not None, "a layout has a base or regions"
    return blended


class _Batch:
    """Equal crops of every picture, as one batch: halves x crops x pictures."""

    def __init__(self, state: State, group: list[Crop], sample: Tensor, text: Tensor) -> None:
        assert state.texts is not None
        self.conditions, self.group, self.text = state.texts, group, text
        self.halves = 2 if state.guided else 1
        self.total = len(sample)
        self.pictures = self.total // self.halves
        rows = torch.arange(self.total, device=sample.device).view(self.halves, 1, self.pictures)
        self.rows = rows.expand(-1, len(group), -1).flatten()

    def cropped(self, full: Tensor, height: int, width: int) -> Tensor:
        """(B, C, h, w) -> (halves * crops * pictures, C, h', w')."""
        cut = torch.stack([crop.of(full, height, width) for crop in self.group])  # (G, B, ...)
        return cut.unflatten(1, (self.halves, self.pictures)).transpose(0, 1).flatten(0, 2)

    def rows_of(self, value: Any) -> Any:
        """What is given for each row, for each crop of the row; anything else as it is."""
        if isinstance(value, Tensor) and value.ndim and len(value) == self.total:
            return value[self.rows]
        return value

    def texts(self) -> Tensor:
        """(halves * crops * pictures, L, D): the crops' subprompts, before them their negatives."""
        return self._by_region(
            self.conditions.prompts, self.conditions.negatives, self.conditions.filled(self.text)
        )

    def words(
        self, words: dict[str, Any], height: int, width: int, pixels_per_cell: int
    ) -> dict[str, Any]:
        """The forward's keyword arguments for the crops."""
        fitted = _fresh(words)
        for name in ("down_block_additional_residuals", "down_intrablock_additional_residuals"):
            if fitted.get(name) is not None:
                fitted[name] = [self.cropped(one, height, width) for one in fitted[name]]
        middle = fitted.get("mid_block_additional_residual")
        if middle is not None:
            fitted["mid_block_additional_residual"] = self.cropped(middle, height, width)
        guidance = fitted.get("timestep_cond")
        if guidance is not None:  # one row a picture, without halves
            fitted["timestep_cond"] = guidance.repeat(len(self.rows) // len(guidance), 1)
        added = fitted.get("added_cond_kwargs")
        if added:
            fitted["added_cond_kwargs"] = self._added(added, pixels_per_cell)
        return fitted

    def put(self, predicted: Tensor, layout: Layout, blended: Tensor) -> None:
        """Add the crops' predictions in their shares to `blended` (B, c, H, W)."""
        pieces = predicted.unflatten(0, (self.halves, len(self.group), self.pictures))
        for index, crop in enumerate(self.group):
            share = layout.regions[crop.region, crop.y0 : crop.y1, crop.x0 : crop.x1]
            piece = pieces[:, index].flatten(0, 1)  # (B, c, h, w)
            blended[:, :, crop.y0 : crop.y1, crop.x0 : crop.x1] += piece * share.to(piece)

    def _added(self, added: dict[str, Any], pixels_per_cell: int) -> dict[str, Any]:
        fitted = dict(added)
        if "text_embeds" in added and self.conditions.pooled is not None:
            assert self.conditions.negatives_pooled is not None
            fitted["text_embeds"] = self._by_region(
                self.conditions.pooled, self.conditions.negatives_pooled, added["text_embeds"]
            )
        if "time_ids" in added:
            fitted["time_ids"] = self._time_ids(added["time_ids"], pixels_per_cell)
        if "image_embeds" in added:
            images = added["image_embeds"]
            many = isinstance(images, list)
            fitted["image_embeds"] = (
                [self.rows_of(one) for one in images] if many else self.rows_of(images)
            )
        return fitted

    def _time_ids(self, given: Tensor, pixels_per_cell: int) -> Tensor:
        """SDXL's six numbers: original size, crop, target size; the crop is a canvas of its own."""
        rows: Tensor = self.rows_of(given)
        if rows.shape[-1] != 6:
            return rows
        height, width = (side * pixels_per_cell for side in self.group[0].size)
        return rows.new_tensor([height, width, 0, 0, height, width]).repeat(len(rows), 1)

    def _by_region(self, own: Tensor, negatives: Tensor, call: Tensor) -> Tensor:
        """Rows for the batch from (R, ...) subprompts and negatives and the call's own (B, ...)."""
        regions = [crop.region for crop in self.group]
        guided = own[regions].to(call).repeat_interleave(self.pictures, dim=0)
        if self.halves == 1:
            return guided
        plain = call[: self.pictures]
        unguided = [
            negatives[region].to(call).expand_as(plain)
            if self.conditions.own_negative[region]
            else plain
            for region in regions
        ]
        return torch.cat([*unguided, guided])


def _fresh(words: dict[str, Any]) -> dict[str, Any]:
    """The UNet empties the list of T2I-Adapter residuals that it is given: hand out copies."""
    lists = {name: list(value) for name, value in words.items() if isinstance(value, list)}
    return {**words, **lists, "return_dict": False}


def _widened(start: int, end: int, length: int, multiple: int) -> tuple[int, int]:
    """The span grown to whole multiples; at the far edge it ends where the canvas does."""
    return start // multiple * multiple, min(-(-end // multiple) * multiple, length)
