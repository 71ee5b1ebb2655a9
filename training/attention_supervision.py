"""Attention supervision: a loss on which words each cell's cross-attention attends to.

A thing's cells should attend to the words that name it: "red" and "cat" where the red cat stands,
not where the blue car or nothing does. The denoising loss hardly enforces that, since at high noise
levels a wrong name costs little. Half of the heads of every cross-attention are supervised directly
by the known boxes of the things (as TokenCompose does, 2312.03626, with segmentations).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from diffusers.models.attention_processor import Attention
from torch import Tensor

_INSIDE = 0.85  # share of a thing's box, to each side of its middle, that surely shows the thing
_NOT = -1e4  # a logit that is not to count


class SupervisedAttention:
    """diffusers' attention processor by plain products, which keeps the logits over the words.

    On CPUs this is faster than the fused attention, most of all backwards.
    """

    def __init__(self) -> None:
        """No logits collected yet."""
        # Of each cross-attention: (B, heads, cells, words).
        self.logits_per_layer: list[Tensor] = []

    def __call__(
        self,
        attn: Attention,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        temb: Tensor | None = None,
    ) -> Tensor:
        """Attend from (B, cells, c), to the words where some are given; the same shape."""
        source = hidden_states if encoder_hidden_states is None else encoder_hidden_states
        query, key, value = (
            each.unflatten(-1, (attn.heads, -1)).transpose(1, 2)
            for each in (attn.to_q(hidden_states), attn.to_k(source), attn.to_v(source))
        )
        logits = self.weighed(attn, query * attn.scale @ key.transpose(-1, -2))
        if encoder_hidden_states is not None and torch.is_grad_enabled():
            self.logits_per_layer.append(logits)
        mixed = (logits.softmax(-1) @ value).transpose(1, 2).flatten(2)
        out: Tensor = attn.to_out[0](mixed)
        return out

    def weighed(self, attn: Attention, logits: Tensor) -> Tensor:
        """The logits (B, heads, cells, source) as they count."""
        return logits

    def loss(self, boxes: Tensor, words: Tensor, cells: Sequence[int]) -> Tensor:
        """Cross-entropy of the words that each cell may attend to; clears the collected logits.

        Where a thing stands those are the words that name it, where none does all but such words;
        the cells at a thing's edge may attend to any.

        Args:
            boxes: (B, n, 4), left, top, right and bottom of each thing in cells of the latents;
                of size zero where there is none.
            words: (B, n, 48), which tokens name the thing; none of a picture without a caption.
            cells: height and width of the latents.

        Returns:
            The mean over the layers of the things' cells and the others' together, in nats.
        """
        logits_per_layer, self.logits_per_layer = self.logits_per_layer, []
        losses = [_lost(logits, boxes, words, cells) for logits in logits_per_layer]
        return torch.stack(losses).mean()


def _lost(logits: Tensor, boxes: Tensor, words: Tensor, cells: Sequence[int]) -> Tensor:
    count = logits.shape[2]
    own = own_words(boxes, words, cells, count)
    others = clear_of_things(boxes, cells, count)[..., None] & ~words.any(1)[:, None]
    others = others & words.any(2).any(1)[:, None, None]
    heads = logits[:, : max(1, logits.shape[1] // 2)].float()
    return _missed(heads, own) + _missed(heads, others)


def _missed(heads: Tensor, allowed: Tensor) -> Tensor:
    """Cross-entropy of the allowed words, over the cells to which any are."""
    hit = heads.masked_fill(~allowed[:, None], _NOT).logsumexp(-1)
    missed = (heads.logsumexp(-1) - hit).mean(1)
    counts = allowed.any(-1)
    return (missed * counts).sum() / counts.sum().clamp(min=1)


def own_words(boxes: Tensor, words: Tensor, cells: Sequence[int], count: int) -> Tensor:
    """Which words are for each of a level's `count` cells, (B, count, 48); none outside things."""
    inside = _within(boxes, cells, count, shrunk=_INSIDE)
    own: Tensor = (inside[..., None] & words[:, :, None]).any(1)
    return own


def clear_of_things(boxes: Tensor, cells: Sequence[int], count: int) -> Tensor:
    """Which of a level's `count` cells no part of a thing lies in, (B, count)."""
    return ~_within(boxes, cells, count, wider=0.5).any(1)


def _within(
    boxes: Tensor, cells: Sequence[int], count: int, *, shrunk: float = 1.0, wider: float = 0.0
) -> Tensor:
    """Whether the middles of a level's cells lie in boxes, (B, n, count).

    The boxes are shrunk about their middles, or are so many of the level's cells wider a side.
    """
    height, width = cells
    side = round((height * width / count) ** 0.5)  # of one of the level's cells
    left, top, right, bottom = boxes.float().unbind(-1)

    def between(low: Tensor, high: Tensor, length: int) -> Tensor:
        at = (torch.arange(length // side, device=boxes.device) + 0.5) * side
        half = shrunk * (high - low) / 2 + torch.where(high > low, wider * side, 0.0)
        near: Tensor = (at - ((low + high) / 2)[..., None]).abs() < half[..., None]
        return near

    down, across = between(top, bottom, height), between(left, right, width)
    return (down[..., None] & across[..., None, :]).flatten(2)
