"""Which words each part of a picture listens to, and a loss that says how well.

A thing's cells should hear the words that name it: "red" and "cat" where the red cat stands, not
where the blue car does. The denoiser's own loss hardly says so, for while there is much noise a
wrong name costs little. Here half of the heads of every cross-attention are judged directly, for
what stands where is known while training (as TokenCompose does, 2312.03626, with segmentations).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from diffusers.models.attention_processor import Attention
from torch import Tensor

_INSIDE = 0.85  # share of a thing's box, to each side of its middle, that surely shows the thing
_NOT = -1e4  # a logit that is not to count


class Listening:
    """diffusers' attention processor by plain products, which keeps the logits over the words.

    On CPUs this is faster than the fused attention, most of all backwards.
    """

    def __init__(self) -> None:
        """Nothing heard yet."""
        self.heard: list[Tensor] = []  # of each cross-attention, (B, heads, cells, words)

    def __call__(
        self,
        attn: Attention,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        temb: Tensor | None = None,
    ) -> Tensor:
        """Attend from (B, cells, c), to the words where some are given; the same shape."""
        said = hidden_states if encoder_hidden_states is None else encoder_hidden_states
        query, key, value = (
            each.unflatten(-1, (attn.heads, -1)).transpose(1, 2)
            for each in (attn.to_q(hidden_states), attn.to_k(said), attn.to_v(said))
        )
        logits = self.weighed(attn, query * attn.scale @ key.transpose(-1, -2))
        if encoder_hidden_states is not None and torch.is_grad_enabled():
            self.heard.append(logits)
        mixed = (logits.softmax(-1) @ value).transpose(1, 2).flatten(2)
        out: Tensor = attn.to_out[0](mixed)
        return out

    def weighed(self, attn: Attention, logits: Tensor) -> Tensor:
        """The logits (B, heads, cells, said) as they count."""
        return logits

    def loss(self, boxes: Tensor, words: Tensor, cells: Sequence[int]) -> Tensor:
        """Cross-entropy of the own words in each thing's cells, and forget what was heard.

        Args:
            boxes: (B, n, 4), left, top, right and bottom of each thing in cells of the latents;
                of size zero where there is none.
            words: (B, n, 48), which tokens name the thing.
            cells: height and width of the latents.

        Returns:
            The mean over the layers and the cells that show a thing, in nats.
        """
        heard, self.heard = self.heard, []
        losses = [_unheard(logits, boxes, words, cells) for logits in heard]
        return torch.stack(losses).mean()


def _unheard(logits: Tensor, boxes: Tensor, words: Tensor, cells: Sequence[int]) -> Tensor:
    own = own_words(boxes, words, cells, logits.shape[2])
    heads = logits[:, : max(1, logits.shape[1] // 2)].float()
    mine = heads.masked_fill(~own[:, None], _NOT)
    lost = (heads.logsumexp(-1) - mine.logsumexp(-1)).mean(1)
    counts = own.any(-1)
    return (lost * counts).sum() / counts.sum().clamp(min=1)


def own_words(boxes: Tensor, words: Tensor, cells: Sequence[int], count: int) -> Tensor:
    """Which words are for each of a level's `count` cells, (B, count, 48); none outside things."""
    height, width = cells
    side = round((height * width / count) ** 0.5)  # of one of the level's cells
    y, x = (
        (torch.arange(length // side, device=boxes.device) + 0.5) * side
        for length in (height, width)
    )
    left, top, right, bottom = boxes.float().unbind(-1)
    across, down = (
        ((at - (low + high)[..., None] / 2).abs() < _INSIDE * (high - low)[..., None] / 2)
        for at, low, high in ((x, left, right), (y, top, bottom))
    )
    inside = (down[..., None] & across[..., None, :]).flatten(2)
    own: Tensor = (inside[..., None] & words[:, :, None]).any(1)
    return own
