"""Rescaling of saturated attention: queries shrunk until the logits have a gradient again.

At a high learning rate queries and keys grow without end. Once the logits lie hundreds apart, a
softmax picks one word for every cell, whatever the cell shows, and has no gradient left by which
it could learn better. Smaller queries bring the logits back to where it has one.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from diffusers import UNet2DConditionModel
from diffusers.models.attention_processor import Attention
from torch import Tensor

from training.attention_supervision import SupervisedAttention

# Standard deviations of the logits: above the former a head is saturated, and is rescaled to the
# latter. Heads that attend well have up to 6.
HARD_OVER_WORDS, HARD_OVER_CELLS = 12.0, 24.0
MOST_OVER_WORDS, MOST_OVER_CELLS = 1.5, 4.0


@torch.no_grad()
def rescale_logits(unet: UNet2DConditionModel, run: Callable[[], object]) -> None:
    """Shrink the queries of every saturated head.

    Args:
        unet: whose queries become smaller, in place.
        run: passes examples through the model once.
    """
    before = dict(unet.attn_processors)
    unet.set_attn_processor(_LogitRescale())
    run()
    unet.set_attn_processor(before)


class _LogitRescale(SupervisedAttention):
    """Layer by layer as the pass comes to it, so that each sees what the ones before became."""

    def weighed(self, attn: Attention, logits: Tensor) -> Tensor:
        spread = (logits - logits.mean(-1, keepdim=True)).float().square().mean((0, 2, 3)).sqrt()
        over_words = attn.is_cross_attention
        hard = HARD_OVER_WORDS if over_words else HARD_OVER_CELLS
        most = MOST_OVER_WORDS if over_words else MOST_OVER_CELLS
        shares = torch.where(spread > hard, most / spread, 1.0)
        rows = attn.to_q.weight.shape[0] // attn.heads
        attn.to_q.weight.mul_(shares.repeat_interleave(rows)[:, None])
        return logits * shares[:, None, None]
