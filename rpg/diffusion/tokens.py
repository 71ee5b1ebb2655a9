"""Tokens in the order of their regions, from the entry of a transformer to its exit.

Sorting is done around the blocks and not by hooks on them: compiled blocks share their code, and
know nothing of hooks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from diffusers.models.attention import BasicTransformerBlock
from diffusers.models.attention_processor import (
    AttnProcessor,
    AttnProcessor2_0,
    FusedAttnProcessor2_0,
)
from diffusers.models.transformers.transformer_2d import Transformer2DModel
from torch import Tensor

from rpg.diffusion.patches import replaced
from rpg.diffusion.state import Mode, State

__all__ = ["minds_order", "sorted_tokens"]

_ORDERLESS = (AttnProcessor, AttnProcessor2_0, FusedAttnProcessor2_0)
_ENTRY, _EXIT = "_operate_on_continuous_inputs", "_get_output_for_continuous_inputs"


@contextmanager
def sorted_tokens(unet: torch.nn.Module, state: State) -> Iterator[None]:
    """Let every transformer that does not mind sort its tokens while attention composes."""
    with ExitStack() as stack:
        for module in unet.modules():
            if isinstance(module, Transformer2DModel) and _sortable(module):
                stack.enter_context(_sorting(module, state))
        yield


@contextmanager
def _sorting(transformer: Any, state: State) -> Iterator[None]:
    enter, leave = getattr(transformer, _ENTRY), getattr(transformer, _EXIT)

    def entered(hidden_states: Tensor) -> tuple[Tensor, int]:
        states, width = enter(hidden_states)
        state.sorting = None
        if state.mode is Mode.ATTENTION and state.may_sort:
            state.sorting = state.sorted_for(states.shape[1], states.device, states.dtype)
        return states if state.sorting is None else state.sorting.sort(states), width

    def left(hidden_states: Tensor, **words: Any) -> Tensor:
        sorting, state.sorting = state.sorting, None
        states = hidden_states if sorting is None else sorting.unsort(hidden_states)
        out: Tensor = leave(hidden_states=states, **words)
        return out

    with replaced(transformer, _ENTRY, entered), replaced(transformer, _EXIT, left):
        yield


def _sortable(transformer: Any) -> bool:
    """Whether there is nothing in it but stock blocks with stock self-attention."""
    return bool(transformer.is_input_continuous) and all(
        type(block) is BasicTransformerBlock and type(block.attn1.processor) in _ORDERLESS
        for block in transformer.transformer_blocks
    )


def minds_order(call: Mapping[str, Any]) -> bool:
    """Whether a UNet call speaks of places: masks, an IP-Adapter's areas, GLIGEN's boxes.

    Args:
        call: its arguments by name.
    """
    masks = ("attention_mask", "encoder_attention_mask")
    if any(call.get(name) is not None for name in masks):
        return True
    return bool(set(call.get("cross_attention_kwargs") or ()) - {"scale"})
