"""Regional cross-attention: out = W_o [ (1-b) A_region + b A_base ], the negative attended once.

What makes it cheap: one `to_q` and one `to_out` for all prompts (`to_out` is affine, so blending
before it is exact as long as the shares sum to one), keys and values of every prompt computed once
an image, and queries that attend to their own region's subprompt only. Where no token is of several
regions, each transformer's tokens are sorted by region from its entry to its exit, so that a
region's queries are a slice; elsewhere they are gathered. Under latent composition the same keys
and values serve the crops.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import torch
from diffusers.image_processor import IPAdapterMaskProcessor
from diffusers.models.attention_processor import Attention, IPAdapterAttnProcessor2_0
from torch import Tensor
from torch.nn import functional as F

from rpg.diffusion.embeds import PromptBank
from rpg.diffusion.region_images import RegionImage
from rpg.diffusion.schedule import CompositionMode
from rpg.diffusion.state import RegionalState
from rpg.diffusion.token_layout import (
    TokenGroup,
    TokenLayout,
    TokenPermutation,
    TokenRun,
    TokenSlice,
)

__all__ = ["RegionalAttnProcessor", "cross_attention_layers", "unwrap", "wrap"]

Pair = tuple[Tensor, Tensor]  # keys and values, (rows, heads, tokens, d)


class RegionalAttnProcessor(torch.nn.Module):
    """Replaces the processor of a cross-attention layer while regions act.

    A module, so that the weights of an IP-Adapter's processor inside it still belong to the UNet.

    Args:
        inner: the processor that was there; it serves whenever regions do not act.
        state: the image's state.
    """

    def __init__(self, inner: Any, state: RegionalState) -> None:
        """Wrap `inner`; an IP-Adapter processor's own constructor is not for us."""
        torch.nn.Module.__init__(self)
        self.inner, self.state = inner, state
        self._keys: WeakKeyDictionary[PromptBank, Pair] = WeakKeyDictionary()
        self._image_keys: WeakKeyDictionary[RegionImage, dict[str, Pair]] = WeakKeyDictionary()

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
        self.state.layers_run += 1
        if self.state.mode is CompositionMode.PLAIN or attention_mask is not None:
            optional = {"temb": temb, "ip_adapter_masks": ip_adapter_masks}  # not all take them
            given = {name: value for name, value in optional.items() if value is not None}
            result: Tensor = self.inner(
                attn, hidden_states, encoder_hidden_states, attention_mask, **given
            )
            return result
        query = _heads(attn.to_q(hidden_states), attn)
        mixed = self._attended(query, self._keys_for(attn))
        if isinstance(encoder_hidden_states, tuple):
            if images := encoder_hidden_states[1]:
                mixed = mixed + _image_attention(self.inner, attn, query, images, ip_adapter_masks)
            for image in self.state.images:
                mixed = mixed + self._of_image(attn, query, image)
        mixed = mixed.transpose(1, 2).flatten(2).to(query.dtype)
        out: Tensor = attn.to_out[1](attn.to_out[0](mixed))
        if attn.residual_connection:
            out = out + hidden_states
        scaled: Tensor = out / attn.rescale_output_factor
        return scaled

    def _attended(self, query: Tensor, keys: Pair) -> Tensor:
        """(B, H, T, d) -> (B, H, T, d)."""
        selection = self.state.selection
        length = self.state.bank.text.shape[1]
        if selection is not None:  # a crop each row
            heard = _attend(query, _rows(keys, selection.rows, selection.length))
            if selection.base is None:
                return heard
            rows, shares = selection.base
            base = _attend(query, _rows(keys, rows, length))
            return heard.lerp_(base, shares.to(heard)[:, None, None, None])
        own = _slice(keys, 0, len(query), length)
        if self.state.mode is CompositionMode.LATENT and not self.state.composes_base:
            return _attend(query, own)
        return self._composed(query, own, _slice(keys, len(query), len(keys[0])))

    def _composed(self, query: Tensor, own: Pair, others: Pair) -> Tensor:
        """The conditional branches by regions, the others by the negative and the regions' own."""
        permutation = self.state.permutation
        if permutation is not None:
            return self._by_slices(query, own, others, permutation)
        parts = []
        for branch, rows in self.state.parts:
            mine = query[rows], _slice(own, rows.start, rows.stop)
            if branch == "cond":
                parts.append(self._gathered(*mine, others))
            elif len(others[0]) > self.state.layout.count:
                negatives = _slice(others, self.state.layout.count, len(others[0]))
                parts.append(self._gathered(*mine, negatives, negative=True))
            else:
                parts.append(_attend(*mine))
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def _by_slices(
        self, query: Tensor, own: Pair, regions: Pair, permutation: TokenPermutation
    ) -> Tensor:
        """Likewise where tokens are sorted and no region has a negative of its own."""
        if permutation.needs_base:
            mixed = _attend(query, own)
            for branch, rows in self.state.parts:
                if branch == "cond":
                    base = mixed[rows]
                    placed = _placed(query[rows], base, regions, permutation.runs)
                    base.lerp_(placed, permutation.inside)
            return mixed
        parts = [
            _placed(query[rows], query[rows], regions, permutation.runs)
            if branch == "cond"
            else _attend(query[rows], _slice(own, rows.start, rows.stop))
            for branch, rows in self.state.parts
        ]
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def _gathered(
        self, query: Tensor, own: Pair, regions: Pair, *, negative: bool = False
    ) -> Tensor:
        """Base and regions in their shares, plan after plan: (P, H, T, d) -> (P, H, T, d)."""
        layouts = self.state.token_layouts(
            query.shape[2], query.device, query.dtype, negative=negative
        )
        parts = [
            _blended(query[pictures], _slice(own, pictures.start, pictures.stop), regions, layout)
            for pictures, layout in layouts
        ]
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def _of_image(self, attn: Attention, query: Tensor, image: RegionImage) -> Tensor:
        """What a region's reference picture adds to its cells, (B, H, T, d)."""
        share = self.state.spread(image.factors, query.shape[2], query.device)
        if share is None:
            return torch.zeros_like(query)
        keys = self._image_keys.get(image)
        if keys is None:
            keys = self._image_keys[image] = {
                branch: (
                    _heads(self.inner.to_k_ip[0](tokens), attn),
                    _heads(self.inner.to_v_ip[0](tokens), attn),
                )
                for branch, tokens in image.tokens.items()
            }
        selection = self.state.selection
        branches = self.state.branches if selection is None else selection.branches
        pairs = zip(query.chunk(len(branches)), branches, strict=True)
        heard = [_attend(part, _repeated(keys[branch], len(part))) for part, branch in pairs]
        return torch.cat(heard) * share.to(query)[:, None, :, None]

    def _keys_for(self, attn: Attention) -> Pair:
        """Keys and values of every text of the batch, computed at their first use."""
        bank = self.state.bank
        keys = self._keys.get(bank)
        if keys is None:
            text = bank.attended
            if attn.norm_cross:
                text = attn.norm_encoder_hidden_states(text)
            keys = self._keys[bank] = _heads(attn.to_k(text), attn), _heads(attn.to_v(text), attn)
        return keys


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


def cross_attention_layers(model: torch.nn.Module) -> Iterator[Attention]:
    """The layers of `model` that attend to the text, by diffusers' name for them."""
    for name, module in model.named_modules():
        if isinstance(module, Attention) and name.endswith("attn2"):
            yield module


def wrap(layers: Iterable[Attention], state: RegionalState) -> None:
    """Put regional processors around those of `layers` that have none."""
    for layer in layers:
        processor: Any = layer.processor
        if not isinstance(processor, RegionalAttnProcessor):
            with_images = hasattr(processor, "to_k_ip")
            kind = _RegionalIPAdapterProcessor if with_images else RegionalAttnProcessor
            layer.set_processor(kind(processor, state))


def unwrap(layers: Iterable[Attention]) -> None:
    """Put the processors back that `wrap` found, or that somebody has set since."""
    for layer in layers:
        processor: Any = layer.processor
        if isinstance(processor, RegionalAttnProcessor):
            layer.set_processor(processor.inner)


def _heads(states: Tensor, attn: Attention) -> Tensor:
    """(B, T, H * d) -> (B, H, T, d)."""
    return states.view(*states.shape[:2], attn.heads, -1).transpose(1, 2)


def _slice(keys: Pair, start: int, end: int, length: int | None = None) -> Pair:
    return keys[0][start:end, :, :length], keys[1][start:end, :, :length]


def _rows(keys: Pair, rows: Tensor, length: int) -> Pair:
    key, value = (part[:, :, :length].index_select(0, rows) for part in keys)
    return key, value


def _repeated(keys: Pair, rows: int) -> Pair:
    """The keys of one text or picture for several rows."""
    return keys[0].expand(rows, -1, -1, -1), keys[1].expand(rows, -1, -1, -1)


def _attend(query: Tensor, keys: Pair) -> Tensor:
    return F.scaled_dot_product_attention(query, *keys)


def _placed(query: Tensor, base: Tensor, regions: Pair, runs: Sequence[TokenRun]) -> Tensor:
    """What each sorted token hears of its one region, else of the base: (P, H, T, d)."""
    parts = [
        _of_run(query[slice(*run.pictures)], base[slice(*run.pictures)], regions, run)
        for run in runs
    ]
    return parts[0] if len(parts) == 1 else torch.cat(parts)


def _of_run(query: Tensor, base: Tensor, regions: Pair, run: TokenRun) -> Tensor:
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


def _of_regions(keys: Pair, one: TokenSlice) -> Pair:
    """Keys and values of a slice's regions, which are not copied where they lie together."""
    if one.first is None:
        return _rows(keys, one.regions, one.length)
    return _slice(keys, one.first, one.first + len(one.regions), one.length)


def _blended(query: Tensor, own: Pair, regions: Pair, layout: TokenLayout) -> Tensor:
    """Base and regions in their shares where tokens are not sorted: (P, H, T, d) -> likewise."""
    out = _attend(query, own) * layout.base if layout.needs_base else torch.zeros_like(query)
    for group in layout.groups:
        attended = _by_regions(query, regions, group) * group.shares
        out.index_add_(2, group.tokens.flatten(), attended)
    return out


def _by_regions(query: Tensor, regions: Pair, group: TokenGroup) -> Tensor:
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
