"""Regional cross-attention: out = W_o [ (1-b) A_region + b A_base ], the negative attended once.

What makes it cheap: one `to_q` and one `to_out` for all prompts (`to_out` is affine, so blending
before it is exact as long as the shares sum to one), keys and values of every prompt computed once
an image, and each region's queries gathered, so that they attend to their own subprompt only.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from diffusers.models.attention_processor import Attention, IPAdapterMaskProcessor
from torch import Tensor
from torch.nn import functional as F

from rpg.diffusion.state import Level, Mode, State

__all__ = ["RegionalAttnProcessor", "cross_attention_layers", "installed"]


@dataclass(frozen=True)
class _Keys:
    """Keys and values (rows, heads, tokens, d), and what they were computed from."""

    generation: int
    source: Tensor
    own: tuple[Tensor, Tensor]  # of the call's own prompts, row by row
    regions: tuple[Tensor, Tensor]
    negatives: tuple[Tensor, Tensor] | None


class RegionalAttnProcessor:
    """Replaces the processor of a cross-attention layer while regions act by attention.

    Args:
        inner: the processor that was there; it serves whenever regions do not act.
        state: the image's state.
    """

    def __init__(self, inner: Any, state: State) -> None:
        self.inner, self.state = inner, state
        self._keys: _Keys | None = None

    def __call__(
        self,
        attn: Attention,
        hidden_states: Tensor,
        encoder_hidden_states: Any = None,
        attention_mask: Tensor | None = None,
        temb: Tensor | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> Tensor:
        """Attend, (B, T, C) in and out; `encoder_hidden_states` is a tuple under an IP-Adapter."""
        if self.state.mode is not Mode.ATTENTION or attention_mask is not None:
            self._drop_stale()
            result: Tensor = self.inner(
                attn, hidden_states, encoder_hidden_states, attention_mask, temb, *args, **kwargs
            )
            return result
        text, images = encoder_hidden_states, None
        if isinstance(encoder_hidden_states, tuple):
            text, images = encoder_hidden_states
        query = _heads(attn.to_q(hidden_states), attn)
        out = self._composed(query, self._keys_for(attn, text))
        if images is not None:
            masks = kwargs.get("ip_adapter_masks")
            out = out + _image_attention(self.inner, attn, query, images, masks)
        out = out.transpose(1, 2).flatten(2).to(query.dtype)
        out = attn.to_out[1](attn.to_out[0](out))
        if attn.residual_connection:
            out = out + hidden_states
        return out / attn.rescale_output_factor

    def _composed(self, query: Tensor, keys: _Keys) -> Tensor:
        """(B, H, T, d) -> (B, H, T, d): the guided half by regions, the unguided by the negative."""
        level = self.state.level(query.shape[2], query.device)
        if not self.state.guided:
            return _blended(query, keys.own, keys.regions, level)
        half = len(query) // 2
        own_negative, own = _halves(keys.own, half)
        if keys.negatives is None:
            negative = F.scaled_dot_product_attention(query[:half], *own_negative)
        else:
            negative = _blended(query[:half], own_negative, keys.negatives, level)
        return torch.cat([negative, _blended(query[half:], own, keys.regions, level)])

    def _keys_for(self, attn: Attention, text: Tensor) -> _Keys:
        keys = self._keys
        if keys is None or keys.generation != self.state.generation or keys.source is not text:
            keys = self._keys = self._computed(attn, text)
        return keys

    def _computed(self, attn: Attention, text: Tensor) -> _Keys:
        texts = self.state.texts
        assert texts is not None
        negatives = None
        if self.state.guided and any(texts.own_negative):
            plain = texts.filled(text[:1])  # regions without a negative of their own take the call's
            chosen = [
                texts.negatives[i : i + 1] if own else plain
                for i, own in enumerate(texts.own_negative)
            ]
            negatives = _projected(attn, torch.cat([one.to(text) for one in chosen]))
        return _Keys(
            generation=self.state.generation,
            source=text,
            own=_projected(attn, text),
            regions=_projected(attn, texts.prompts.to(text)),
            negatives=negatives,
        )

    def _drop_stale(self) -> None:
        if self._keys is not None and self._keys.generation != self.state.generation:
            self._keys = None


def cross_attention_layers(unet: torch.nn.Module) -> Iterator[Attention]:
    """The layers of `unet` that attend to the text."""
    for name, module in unet.named_modules():
        if isinstance(module, Attention) and name.endswith("attn2"):
            yield module


@contextmanager
def installed(unet: torch.nn.Module, state: State) -> Iterator[None]:
    """Put regional processors into every cross-attention layer, and the old ones back after."""
    layers = list(cross_attention_layers(unet))
    before = [layer.processor for layer in layers]
    try:
        for layer, processor in zip(layers, before, strict=True):
            layer.set_processor(RegionalAttnProcessor(processor, state))  # type: ignore[arg-type]
        yield
    finally:
        for layer, processor in zip(layers, before, strict=True):
            layer.set_processor(processor)


def _projected(attn: Attention, text: Tensor) -> tuple[Tensor, Tensor]:
    if attn.norm_cross:
        text = attn.norm_encoder_hidden_states(text)
    return _heads(attn.to_k(text), attn), _heads(attn.to_v(text), attn)


def _heads(states: Tensor, attn: Attention) -> Tensor:
    """(B, T, H * d) -> (B, H, T, d)."""
    return states.unflatten(-1, (attn.heads, -1)).transpose(1, 2)


def _halves(keys: tuple[Tensor, Tensor], half: int) -> tuple[Any, Any]:
    return tuple(part[:half] for part in keys), tuple(part[half:] for part in keys)


def _blended(
    query: Tensor, own: tuple[Tensor, Tensor], regions: tuple[Tensor, Tensor], level: Level
) -> Tensor:
    """Base and regions in their shares: (B, H, T, d) -> (B, H, T, d)."""
    batch, heads, _, depth = query.shape
    if level.needs_base:
        out = F.scaled_dot_product_attention(query, *own) * level.base.to(query.dtype)
    else:
        out = torch.zeros_like(query)
    for group in level.groups:
        count, tokens = group.tokens.shape
        flat = group.tokens.flatten()
        # The batch joins the tokens, so that no region's keys are copied for it.
        gathered = query.index_select(2, flat).view(batch, heads, count, tokens, depth)
        gathered = gathered.permute(2, 1, 0, 3, 4).reshape(count, heads, batch * tokens, depth)
        attended = F.scaled_dot_product_attention(
            gathered, *(part.index_select(0, group.regions) for part in regions)
        )
        attended = attended.view(count, heads, batch, tokens, depth).permute(2, 1, 0, 3, 4)
        attended = attended.reshape(batch, heads, count * tokens, depth)
        out.index_add_(2, flat, attended * group.shares.to(query.dtype))
    return out


def _image_attention(
    inner: Any, attn: Attention, query: Tensor, images: list[Tensor], masks: list[Tensor] | None
) -> Tensor:
    """What an IP-Adapter adds, (B, H, T, d): its image prompts, in their own masks where given."""
    added = torch.zeros_like(query)
    scales, to_keys, to_values = inner.scale, inner.to_k_ip, inner.to_v_ip
    for index, (image, scale) in enumerate(zip(images, scales, strict=True)):
        keys, values = to_keys[index](image), to_values[index](image)
        if masks is None or masks[index] is None:
            key, value = (_heads(part.flatten(1, -2), attn) for part in (keys, values))
            added = added + scale * F.scaled_dot_product_attention(query, key, value)
            continue
        each = scale if isinstance(scale, list) else [scale] * image.shape[1]
        for number, factor in enumerate(each):
            key, value = (_heads(part[:, number], attn) for part in (keys, values))
            shown = F.scaled_dot_product_attention(query, key, value)
            mask = IPAdapterMaskProcessor.downsample(
                masks[index][:, number], len(query), query.shape[2], 1
            )
            added = added + factor * shown * mask.to(query)[:, None]
    return added
