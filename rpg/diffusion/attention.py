"""Regional cross-attention: out = W_o [ (1-b) A_region + b A_base ], the negative attended once.

What makes it cheap: one `to_q` and one `to_out` for all prompts (`to_out` is affine, so blending
before it is exact as long as the shares sum to one), keys and values of every prompt computed once
an image, and queries that attend to their own region's subprompt only. Where no token is of several
regions, each transformer's tokens are sorted by region from its entry to its exit, so that a
region's queries are a slice; elsewhere they are gathered. Under latent composition the same keys
and values serve the crops.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from diffusers.image_processor import IPAdapterMaskProcessor
from diffusers.models.attention_processor import Attention, IPAdapterAttnProcessor2_0
from torch import Tensor
from torch.nn import functional as F

from rpg.diffusion.levels import Group, Level, Run, Slice, Sorting
from rpg.diffusion.state import Bank, Mode, State

__all__ = ["RegionalAttnProcessor", "cross_attention_layers", "installed"]

Pair = tuple[Tensor, Tensor]  # keys and values, (rows, heads, tokens, d)


class RegionalAttnProcessor(torch.nn.Module):
    """Replaces the processor of a cross-attention layer while regions act.

    A module, so that the weights of an IP-Adapter's processor inside it still belong to the UNet.

    Args:
        inner: the processor that was there; it serves whenever regions do not act.
        state: the image's state.
    """

    def __init__(self, inner: Any, state: State) -> None:
        """Wrap `inner`; an IP-Adapter processor's own constructor is not for us."""
        torch.nn.Module.__init__(self)
        self.inner, self.state = inner, state
        self._bank: Bank | None = None
        self._keys: Pair | None = None

    # What it reads changes with every image: compiled, it would be compiled anew each time.
    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def __call__(
        self,
        attn: Any,
        hidden_states: Tensor,
        encoder_hidden_states: Any = None,
        attention_mask: Tensor | None = None,
        temb: Tensor | None = None,
        ip_adapter_masks: Any = None,
    ) -> Tensor:
        """Attend, (B, T, C) in and out; `encoder_hidden_states` is a tuple under an IP-Adapter."""
        if self.state.mode is Mode.PLAIN or attention_mask is not None:
            optional = {"temb": temb, "ip_adapter_masks": ip_adapter_masks}  # not all take them
            given = {name: value for name, value in optional.items() if value is not None}
            result: Tensor = self.inner(
                attn, hidden_states, encoder_hidden_states, attention_mask, **given
            )
            return result
        query = _heads(attn.to_q(hidden_states), attn)
        mixed = self._attended(query, self._keys_for(attn))
        if isinstance(encoder_hidden_states, tuple):
            images = encoder_hidden_states[1]
            mixed = mixed + _image_attention(self.inner, attn, query, images, ip_adapter_masks)
        mixed = mixed.transpose(1, 2).flatten(2).to(query.dtype)
        out: Tensor = attn.to_out[1](attn.to_out[0](mixed))
        if attn.residual_connection:
            out = out + hidden_states
        scaled: Tensor = out / attn.rescale_output_factor
        return scaled

    def _attended(self, query: Tensor, keys: Pair) -> Tensor:
        """(B, H, T, d) -> (B, H, T, d)."""
        reading = self.state.reading
        if reading is not None:  # a crop each row
            return _attend(query, _rows(keys, reading.rows, reading.length))
        own = _slice(keys, 0, len(query), self.state.bank.text.shape[1])
        if self.state.mode is Mode.LATENT:
            return _attend(query, own)
        return self._composed(query, own, _slice(keys, len(query), len(keys[0])))

    def _composed(self, query: Tensor, own: Pair, others: Pair) -> Tensor:
        """The guided half by regions, the unguided by the negative and the regions' own."""
        if self.state.sorting is not None:
            return _by_slices(query, own, others, self.state.sorting)
        if not self.state.guided:
            return self._gathered(query, own, others)
        half, regions = len(query) // 2, self.state.regions
        guided = self._gathered(query[half:], _slice(own, half, 2 * half), others)
        below = query[:half], _slice(own, 0, half)
        if len(others[0]) > regions:
            negatives = _slice(others, regions, 2 * regions)
            return torch.cat([self._gathered(*below, negatives, negative=True), guided])
        return torch.cat([_attend(*below), guided])

    def _gathered(
        self, query: Tensor, own: Pair, regions: Pair, *, negative: bool = False
    ) -> Tensor:
        """Base and regions in their shares, plan after plan: (P, H, T, d) -> (P, H, T, d)."""
        tokens = query.shape[2]
        levels = self.state.levels(tokens, query.device, query.dtype, negative=negative)
        parts = [
            _blended(query[pictures], _slice(own, pictures.start, pictures.stop), regions, level)
            for pictures, level in levels
        ]
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def _keys_for(self, attn: Attention) -> Pair:
        """Keys and values of every text of the image, computed at its first use."""
        bank = self.state.bank
        if self._keys is None or self._bank is not bank:
            text = attn.norm_encoder_hidden_states(bank.states) if attn.norm_cross else bank.states
            self._keys = _heads(attn.to_k(text), attn), _heads(attn.to_v(text), attn)
            self._bank = bank
        return self._keys


class _RegionalIPAdapterProcessor(
    RegionalAttnProcessor,
    IPAdapterAttnProcessor2_0,  # type: ignore[misc]
):
    """Over an IP-Adapter's processor: `set_ip_adapter_scale` finds it and reaches the inner one."""

    @property
    def scale(self) -> list[Any]:
        """The inner processor's scales."""
        scales: list[Any] = self.inner.scale
        return scales


def cross_attention_layers(unet: torch.nn.Module) -> Iterator[Attention]:
    """The layers of `unet` that attend to the text."""
    for name, module in unet.named_modules():
        if isinstance(module, Attention) and name.endswith("attn2"):
            yield module


@contextmanager
def installed(unet: torch.nn.Module, state: State) -> Iterator[None]:
    """Put regional processors into every cross-attention layer, and the old ones back after."""
    layers = list(cross_attention_layers(unet))
    before: list[Any] = [layer.processor for layer in layers]
    try:
        for layer, processor in zip(layers, before, strict=True):
            with_images = hasattr(processor, "to_k_ip")
            kind = _RegionalIPAdapterProcessor if with_images else RegionalAttnProcessor
            layer.set_processor(kind(processor, state))
        yield
    finally:
        for layer, processor in zip(layers, before, strict=True):
            layer.set_processor(processor)


def _heads(states: Tensor, attn: Attention) -> Tensor:
    """(B, T, H * d) -> (B, H, T, d)."""
    return states.view(*states.shape[:2], attn.heads, -1).transpose(1, 2)


def _slice(keys: Pair, start: int, end: int, length: int | None = None) -> Pair:
    return keys[0][start:end, :, :length], keys[1][start:end, :, :length]


def _rows(keys: Pair, rows: Tensor, length: int) -> Pair:
    key, value = (part[:, :, :length].index_select(0, rows) for part in keys)
    return key, value


def _attend(query: Tensor, keys: Pair) -> Tensor:
    return F.scaled_dot_product_attention(query, *keys)


def _by_slices(query: Tensor, own: Pair, regions: Pair, sorting: Sorting) -> Tensor:
    """Base and regions in their shares where tokens are sorted: (B, H, T, d) -> (B, H, T, d)."""
    pictures = sorting.runs[-1].pictures[1]
    above = query[-pictures:]
    if sorting.needs_base:
        mixed = _attend(query, own)
        base = mixed[-pictures:]
        base.lerp_(_placed(above, base, regions, sorting.runs), sorting.inside)
        return mixed
    placed = _placed(above, above, regions, sorting.runs)
    if len(query) == pictures:
        return placed
    return torch.cat([_attend(query[:pictures], _slice(own, 0, pictures)), placed])


def _placed(query: Tensor, base: Tensor, regions: Pair, runs: Sequence[Run]) -> Tensor:
    """What each sorted token hears of its one region, else of the base: (P, H, T, d)."""
    parts = [
        _of_run(query[slice(*run.pictures)], base[slice(*run.pictures)], regions, run)
        for run in runs
    ]
    return parts[0] if len(parts) == 1 else torch.cat(parts)


def _of_run(query: Tensor, base: Tensor, regions: Pair, run: Run) -> Tensor:
    """Likewise for pictures divided alike.

    Tokens go before heads, as attention lays its outcome out, so that nothing is copied.
    """
    laid, at = [], 0
    tokens_first = query.transpose(1, 2)
    for one in run.slices:
        end = at + one.count * one.tokens
        asked = tokens_first[:, at:end].reshape(-1, one.tokens, *tokens_first.shape[2:])
        heard = _attend(asked.transpose(1, 2), _of_regions(regions, one))
        laid.append(heard.transpose(1, 2).reshape(len(query), end - at, *query.shape[1::2]))
        at = end
    if at < query.shape[2]:
        laid.append(base.transpose(1, 2)[:, at:])
    whole = laid[0] if len(laid) == 1 else torch.cat(laid, dim=1)
    return whole.transpose(1, 2)


def _of_regions(keys: Pair, one: Slice) -> Pair:
    """Keys and values of a slice's regions, which are not copied where they lie together."""
    if one.first is None:
        return _rows(keys, one.regions, one.length)
    return _slice(keys, one.first, one.first + len(one.regions), one.length)


def _blended(query: Tensor, own: Pair, regions: Pair, level: Level) -> Tensor:
    """Base and regions in their shares where tokens are not sorted: (P, H, T, d) -> likewise."""
    out = _attend(query, own) * level.base if level.needs_base else torch.zeros_like(query)
    for group in level.groups:
        attended = _by_regions(query, regions, group) * group.shares
        out.index_add_(2, group.tokens.flatten(), attended)
    return out


def _by_regions(query: Tensor, regions: Pair, group: Group) -> Tensor:
    """A group's tokens, region after region: (P, H, T, d) -> (P, H, G * n, d).

    The pictures join the tokens, so that no region's keys are copied for them.
    """
    pictures, heads, _, depth = query.shape
    count, tokens = group.tokens.shape
    gathered = query.index_select(2, group.tokens.flatten())
    gathered = gathered.view(pictures, heads, count, tokens, depth).permute(2, 1, 0, 3, 4)
    keys = _rows(regions, group.regions, group.length)
    attended = _attend(gathered.reshape(count, heads, pictures * tokens, depth), keys)
    apart = attended.view(count, heads, pictures, tokens, depth).permute(2, 1, 0, 3, 4)
    return apart.reshape(pictures, heads, count * tokens, depth)


def _image_attention(
    inner: Any, attn: Attention, query: Tensor, images: list[Tensor], masks: Any
) -> Tensor:
    """What an IP-Adapter adds, (B, H, T, d): its image prompts, in their own masks where given."""
    if isinstance(masks, Tensor):
        masks = list(masks.unsqueeze(1))
    masks = masks or [None] * len(images)
    added = torch.zeros_like(query)
    adapters = zip(images, inner.scale, inner.to_k_ip, inner.to_v_ip, masks, strict=True)
    for image, scale, to_key, to_value, mask in adapters:
        keys, values = to_key(image), to_value(image)  # (B, pictures, tokens, H * d)
        if mask is None:
            key, value = (_heads(part.flatten(1, -2), attn) for part in (keys, values))
            added = added + scale * _attend(query, (key, value))
            continue
        each = scale if isinstance(scale, list) else [scale] * mask.shape[1]
        for number, factor in enumerate(each):
            key, value = (_heads(part[:, number], attn) for part in (keys, values))
            here = IPAdapterMaskProcessor.downsample(mask[:, number], len(query), query.shape[2], 1)
            added = added + factor * _attend(query, (key, value)) * here.to(query)[:, None]
    return added
