"""Complementary regional diffusion (RPG, section 3.3): each region is a latent of its own.

In a step, every region's crop of the latents is denoised under its own subprompt, pooled embedding
and size conditioning; the predictions are put back in place and blended with the base prompt's,
x = b x_base + (1-b) x_regions, and the scheduler takes one ordinary step with the blend.
Equal crops run as one batch, and with b = 0 everywhere there is no base pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from rpg.diffusion.backbones.base import Backbone
from rpg.diffusion.crops import CropBatch, crop_batches
from rpg.diffusion.state import RegionalState
from rpg.errors import ModelError

__all__ = ["compose"]

_CACHED = (
    "the model answers from a cache of the call before, which is another region's: "
    'switch the cache off, or choose composer="attention"'
)


def compose(
    backbone: Backbone,
    state: RegionalState,
    sample: Tensor,
    timestep: Any,
    text: Tensor,
    conditions: Mapping[str, Any],
) -> Tensor:
    """The blended prediction for one step.

    Args:
        backbone: what predicts.
        state: layouts and texts.
        sample: (B, C, H, W), the branches one after another.
        timestep: a number, or (B,).
        text: (B, L, D).
        conditions: the model's other arguments.

    Returns:
        (B, c, H, W), the prediction (noise, velocity or sample: all are affine in the blend).

    Raises:
        ModelError: a cache in the model (DeepCache's kind) skipped layers in a crop's call.
    """
    blended: Tensor | None = None
    share = state.kept(("base", sample.device), lambda: _base_share(state, sample.device))
    batches = crop_batches(state, backbone.crop_multiple, sample.device)
    calls = _Calls(backbone, state, several=len(batches) + (share is not None) > 1)
    if share is not None:
        blended = calls.predict(sample, timestep, text, conditions)
        blended = blended * share.to(blended)
    for batch in batches:
        predicted = calls.predict_crops(batch, sample, timestep, conditions)
        if blended is None:
            blended = predicted.new_zeros(len(sample), predicted.shape[1], *sample.shape[-2:])
        batch.put(predicted, blended)
    assert blended is not None, "a layout has a base or regions"
    return blended


def _base_share(state: RegionalState, device: torch.device) -> Tensor | None:
    """(1 or B, 1, h, w), the base's share in each row; None where it has none."""
    if not state.passes_whole:
        return None
    blends = [blend for blend, _, _ in state.shares]
    shares = torch.stack([blend.base for blend in blends])[:, None]
    if len(blends) > 1 or state.shares_negative:
        shares = shares.repeat_interleave(state.pictures // len(blends), dim=0)
        shares = shares.repeat(len(state.branches), 1, 1, 1)
    if state.shares_negative:  # the other branches are not cut
        for branch, rows in state.parts:
            shares[rows] = shares[rows] if branch == "cond" else 1
    return shares.to(device)


class _Calls:
    """The calls of one step, none of which may be answered with features of another."""

    def __init__(self, backbone: Backbone, state: RegionalState, *, several: bool) -> None:
        self.backbone, self.state, self.several = backbone, state, several

    def predict(
        self, sample: Tensor, timestep: Any, text: Tensor, conditions: Mapping[str, Any]
    ) -> Tensor:
        """One call, (B, c, H, W)."""
        self.state.layers_run = 0
        try:
            predicted = self.backbone.predict(sample, timestep, text, conditions)
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:  # features of another size
            if self._cached():
                raise ModelError(_CACHED) from error
            raise
        if self._cached():
            raise ModelError(_CACHED)
        return predicted

    def _cached(self) -> bool:
        """Whether the last call has left out layers because of somebody's `forward` in the model.

        The hooks of accelerate and diffusers do not count: they move weights, or leave out layers
        for a guider, in all calls alike.
        """
        if not self.several or self.state.layers_run >= self.state.layers:
            return False
        return any(
            "forward" in (own := vars(module)) and not own.keys() & {"_hf_hook", "_diffusers_hook"}
            for module in self.backbone.model.modules()
        )

    def predict_crops(
        self, batch: CropBatch, sample: Tensor, timestep: Any, conditions: Mapping[str, Any]
    ) -> Tensor:
        """The prediction for the crops, (rows, c, h, w)."""
        selection = batch.selection
        text = self.state.bank.states[:, : selection.length].index_select(0, selection.rows)
        fitted = self.backbone.cropped(conditions, batch, self.state)
        self.state.selection = selection
        try:
            return self.predict(batch.cut(sample), batch.rows(timestep), text, fitted)
        finally:
            self.state.selection = None
