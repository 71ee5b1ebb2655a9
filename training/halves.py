"""Passes in bfloat16 throughout, with the weights themselves kept in float32."""

from __future__ import annotations

import copy

import torch

from training.model import Denoiser


class Halves:
    """A copy of a model in bfloat16, for the passes; or the model itself where none is wanted.

    Autocast would cast every weight at every step, and to and fro around every normalization.
    """

    def __init__(self, model: Denoiser, *, wanted: bool) -> None:
        """Copy `model`, which is what an optimizer changes."""
        self.whole = model
        self.model = copy.deepcopy(model).bfloat16() if wanted else model

    @torch.no_grad()
    def follow(self) -> None:
        """Take over the model's weights, before a pass."""
        if self.model is not self.whole:
            torch._foreach_copy_(list(self.model.parameters()), list(self.whole.parameters()))

    def hand_over(self) -> None:
        """Give the model the gradients, after a pass."""
        if self.model is self.whole:
            return
        for own, copied in zip(self.whole.parameters(), self.model.parameters(), strict=True):
            own.grad = None if copied.grad is None else copied.grad.float()
            copied.grad = None


def has_bfloat16() -> bool:
    """Whether this CPU multiplies in bfloat16: without, it takes dozens of times as long."""
    able = torch.cpu.get_capabilities()
    return any(able.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))
