"""Tokens in the order of their regions, from the entry of a transformer to its exit.

Sorting is done around the blocks and not by hooks on them: compiled blocks share their code, and
know nothing of hooks.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from diffusers.models.attention import BasicTransformerBlock
from diffusers.models.attention_processor import (
    AttnProcessor,
    AttnProcessor2_0,
    FusedAttnProcessor2_0,
    PAGCFGIdentitySelfAttnProcessor2_0,
    PAGIdentitySelfAttnProcessor2_0,
)
from diffusers.models.transformers.transformer_2d import Transformer2DModel
from torch import Tensor

from rpg.diffusion.patches import replaced
from rpg.diffusion.schedule import CompositionMode
from rpg.diffusion.state import RegionalState

__all__ = ["sorted_tokens"]

_ORDERLESS = (
    AttnProcessor,
    AttnProcessor2_0,
    FusedAttnProcessor2_0,
    PAGCFGIdentitySelfAttnProcessor2_0,  # identity: each token is given its own value
    PAGIdentitySelfAttnProcessor2_0,
)
_ENTRY, _EXIT = "_operate_on_continuous_inputs", "_get_output_for_continuous_inputs"


@contextmanager
def sorted_tokens(unet: torch.nn.Module, state: RegionalState) -> Iterator[None]:
    """Let every transformer that does not mind sort its tokens while attention composes."""
    with ExitStack() as stack:
        for module in unet.modules():
            if isinstance(module, Transformer2DModel) and module.is_input_continuous:
                stack.enter_context(_sorting(module, state))
        yield


@contextmanager
def _sorting(transformer: Any, state: RegionalState) -> Iterator[None]:
    enter, leave = getattr(transformer, _ENTRY), getattr(transformer, _EXIT)

    def entered(hidden_states: Tensor) -> tuple[Tensor, int]:
        states, width = enter(hidden_states)
        state.permutation = None
        if state.mode is CompositionMode.ATTENTION and state.may_sort and _sortable(transformer):
            state.permutation = state.permutation_for(states.shape[1], states.device, states.dtype)
        return states if state.permutation is None else state.permutation.sort(states), width

    def left(hidden_states: Tensor, **words: Any) -> Tensor:
        permutation, state.permutation = state.permutation, None
        states = hidden_states if permutation is None else permutation.unsort(hidden_states)
        out: Tensor = leave(hidden_states=states, **words)
        return out

    with replaced(transformer, _ENTRY, entered), replaced(transformer, _EXIT, left):
        yield


def _sortable(transformer: Any) -> bool:
    """Whether there is nothing in it but stock blocks with self-attention that minds no order."""
    return all(
        type(block) is BasicTransformerBlock and type(block.attn1.processor) in _ORDERLESS
        for block in transformer.transformer_blocks
    )
