"""Complementary regional diffusion (RPG, section 3.3): each region is a latent of its own.

In a step, every region's crop of the latents is denoised under its own subprompt, pooled embedding
and size conditioning; the predictions are put back in place and blended with the base prompt's,
x = b x_base + (1-b) x_regions, and the pipeline's scheduler takes one ordinary step with the blend.
Equal crops run as one batch, and with b = 0 everywhere there is no base pass.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from rpg.diffusion.crops import Group, groups
from rpg.diffusion.state import State
from rpg.diffusion.text import Conditions

__all__ = ["compose"]

Forward = Callable[..., Any]


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
    blended: Tensor | None = None
    share = state.kept(("base", sample.device), lambda: _base(state, sample.device))
    if share is not None:
        base = forward(sample, timestep, encoder_hidden_states, **_fresh(words))[0]
        blended = base * share.to(base)
    for group in groups(state, multiple, sample.device):
        predicted = _Call(group, state, sample, pixels_per_cell).predict(forward, timestep, words)
        if blended is None:
            blended = predicted.new_zeros(len(sample), predicted.shape[1], *sample.shape[-2:])
        group.put(predicted, blended)
    assert blended is not None, "a layout has a base or regions"
    return blended


def _base(state: State, device: torch.device) -> Tensor | None:
    """(1 or B, 1, h, w), the base's share in each row; None where it has none."""
    layouts = [layout for layout, _, _ in state.shares]
    if not any(layout.needs_base for layout in layouts):
        return None
    shares = torch.stack([layout.base for layout in layouts])[:, None]
    if len(layouts) > 1:
        shares = shares.repeat_interleave(state.pictures // len(layouts), dim=0)
        shares = shares.repeat(state.halves, 1, 1, 1)
    return shares.to(device)


class _Call:
    """One UNet call on a group of crops: the whole call's arguments, fitted to them."""

    def __init__(self, group: Group, state: State, sample: Tensor, pixels_per_cell: int) -> None:
        """Fit a call with `sample` to `group`."""
        assert state.texts is not None
        self.group, self.state, self.sample = group, state, sample
        self.conditions: Conditions = state.texts
        self.pixels_per_cell = pixels_per_cell
        self.size = (sample.shape[-2], sample.shape[-1])

    def predict(self, forward: Forward, timestep: Any, words: dict[str, Any]) -> Tensor:
        """The prediction for the crops, (rows, c, h, w)."""
        reading = self.group.reading
        text = self.state.bank.states[:, : reading.length].index_select(0, reading.rows)
        self.state.reading = reading
        try:
            predicted: Tensor = forward(
                self.group.cut(self.sample, *self.size),
                self._rows(timestep),
                text,
                **self._words(words),
            )[0]
        finally:
            self.state.reading = None
        return predicted

    def _rows(self, value: Any) -> Any:
        """What is given for each row, for each crop of the row; anything else as it is."""
        if isinstance(value, Tensor) and value.ndim and len(value) == len(self.sample):
            return value[self.group.samples]
        return value

    def _words(self, words: dict[str, Any]) -> dict[str, Any]:
        """The forward's keyword arguments for the crops."""
        fitted = _fresh(words)
        for name in ("down_block_additional_residuals", "down_intrablock_additional_residuals"):
            if fitted.get(name) is not None:
                fitted[name] = [self.group.cut(one, *self.size) for one in fitted[name]]
        middle = fitted.get("mid_block_additional_residual")
        if middle is not None:
            fitted["mid_block_additional_residual"] = self.group.cut(middle, *self.size)
        fitted["timestep_cond"] = self._rows(fitted.get("timestep_cond"))
        if fitted.get("added_cond_kwargs"):
            fitted["added_cond_kwargs"] = self._added(fitted["added_cond_kwargs"])
        if fitted.get("cross_attention_kwargs"):
            fitted["cross_attention_kwargs"] = self._masked(fitted["cross_attention_kwargs"])
        return fitted

    def _added(self, added: dict[str, Any]) -> dict[str, Any]:
        fitted = dict(added)
        if "text_embeds" in added and self.conditions.pooled is not None:
            fitted["text_embeds"] = self._pooled(added["text_embeds"])
        if "time_ids" in added:
            fitted["time_ids"] = self._time_ids(added["time_ids"])
        if "image_embeds" in added:
            images = added["image_embeds"]
            fitted["image_embeds"] = (
                [self._rows(one) for one in images]
                if isinstance(images, list)
                else self._rows(images)
            )
        return fitted

    def _pooled(self, call: Tensor) -> Tensor:
        """(rows, P), from the same sources as the text."""
        assert self.conditions.pooled is not None
        assert self.conditions.negatives_pooled is not None
        regions = (self.conditions.pooled, self.conditions.negatives_pooled)
        sources = torch.cat([call, *(part.to(call) for part in regions)])
        return sources.index_select(0, self.group.reading.rows)

    def _time_ids(self, given: Tensor) -> Tensor:
        """SDXL's six numbers: original size, crop, target size; the crop is a canvas of its own."""
        rows: Tensor = self._rows(given)
        if rows.shape[-1] != 6:
            return rows
        height, width = (side * self.pixels_per_cell for side in self.group.size)
        return rows.new_tensor([height, width, 0, 0, height, width]).repeat(len(rows), 1)

    def _masked(self, given: dict[str, Any]) -> dict[str, Any]:
        """An IP-Adapter's masks, (1, pictures, h, w) each, cut like the latents."""
        masks = given.get("ip_adapter_masks")
        if masks is None:
            return given
        if isinstance(masks, Tensor):
            masks = list(masks.unsqueeze(1))
        cut = [
            None if mask is None else self.group.cut_picture(mask, *self.size, self.pixels_per_cell)
            for mask in masks
        ]
        return {**given, "ip_adapter_masks": cut}


def _fresh(words: dict[str, Any]) -> dict[str, Any]:
    """The UNet empties the list of T2I-Adapter residuals that it is given: hand out copies."""
    lists = {name: list(value) for name, value in words.items() if isinstance(value, list)}
    return {**words, **lists, "return_dict": False}
