"""What one image under `regional` knows: its layout, its texts, and where in the schedule it is."""

from __future__ import annotations

import enum
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import torch
from torch import Tensor
from torch.nn import functional as F

from rpg.diffusion.masks import (
    NEGLIGIBLE,
    Layout,
    coefficients,
    region_weights,
    to_level,
    wanted,
)
from rpg.diffusion.text import Conditions
from rpg.plan import Region

Composer = Literal["latent+attention", "latent", "attention"]
Size = tuple[int, int]
_ROUNDING = 1e-6
T = TypeVar("T")


class Mode(enum.Enum):
    """What the next UNet call does."""

    PLAIN = "plain"
    LATENT = "latent"
    ATTENTION = "attention"


@dataclass(frozen=True)
class Schedule:
    """Which composer acts in which step; shares of the steps, 0 to 1."""

    composer: Composer
    start: float
    end: float
    share: float

    def mode(self, step: int, steps: int) -> Mode:
        """The mode of `step`, counted from 0, of `steps`."""
        first, last = round(self.start * steps), round(self.end * steps)
        if not first <= step < last:
            return Mode.PLAIN
        if self.composer == "attention":
            return Mode.ATTENTION
        if self.composer == "latent" or step < first + round(self.share * (last - first)):
            return Mode.LATENT
        return Mode.ATTENTION


@dataclass(frozen=True)
class Group:
    """Regions with equally many tokens at one level and equally long texts: attended in one call.

    Attributes:
        regions: (G,), indices of the regions.
        first: the first of them where they follow one another, else None.
        length: tokens of their texts.
        tokens: (G, n), the tokens that each has a share of.
        shares: (G * n, 1), its share in each.
    """

    regions: Tensor
    first: int | None
    length: int
    tokens: Tensor
    shares: Tensor

    def to(self, device: torch.device, dtype: torch.dtype) -> Group:
        """On a device, shares in a dtype."""
        regions, tokens = self.regions.to(device), self.tokens.to(device)
        return Group(regions, self.first, self.length, tokens, self.shares.to(device, dtype))


@dataclass(frozen=True)
class Level:
    """The layout for one attention resolution, as index tensors on the model's device.

    Attributes:
        base: (T, 1), the base prompt's share of each token.
        needs_base: whether any of it is above zero.
        groups: the regions.
        order: (T,), where each token is among the groups' tokens laid side by side; None unless
            base and one region make up the whole of each.
        inside: (2, 1, 1, T, 1), the regions' share of each token: none in the unguided half.
    """

    base: Tensor
    needs_base: bool
    groups: tuple[Group, ...]
    order: Tensor | None
    inside: Tensor

    def to(self, device: torch.device, dtype: torch.dtype) -> Level:
        """On a device, shares in a dtype."""
        groups = tuple(group.to(device, dtype) for group in self.groups)
        order = None if self.order is None else self.order.to(device)
        base, inside = self.base.to(device, dtype), self.inside.to(device, dtype)
        return Level(base, self.needs_base, groups, order, inside)


@dataclass(frozen=True, eq=False)
class Bank:
    """Every text of an image in one tensor, from which keys and values are computed once.

    Attributes:
        text: (B, l, D), the call's own, as its UNet calls pass it.
        version: of `text`, which a callback may change in place.
        states: (B + R, L, D), or (B + 2 R, L, D) where a region has a negative: the call's rows,
            the regions' prompts, the regions' negatives; all filled up to L.
    """

    text: Tensor
    version: int
    states: Tensor

    def is_of(self, text: Tensor) -> bool:
        """Whether it still holds what `text` says."""
        return text is self.text and _version(text) == self.version


@dataclass(frozen=True)
class Reading:
    """Which texts the rows of a UNet call attend to: rows of the bank, cut to `length` tokens."""

    rows: Tensor
    length: int


class State:
    """Layouts, texts and progress, shared by the UNet wrapper and the attention processors.

    Args:
        layers: the plan's regions in painting order.
        base_ratios: b of each.
        feather: see `masks.region_weights`.
        schedule: what acts when.
        redrawn: (h, w) of any size, above zero where the prediction counts; None: everywhere.
    """

    def __init__(
        self,
        layers: Sequence[Region],
        base_ratios: Sequence[float],
        feather: float,
        schedule: Schedule,
        redrawn: Tensor | None = None,
    ) -> None:
        """Know the plan; sizes and texts come with the calls."""
        self._redrawn = redrawn
        self.layers, self.base_ratios = layers, base_ratios
        self.feather, self.schedule = feather, schedule
        self.mode = Mode.PLAIN
        self.guided = False
        self.texts: Conditions | None = None
        self.reading: Reading | None = None  # set by latent composition around a call on crops
        self._bank: Bank | None = None
        self._step = 0
        self._size: Size | None = None
        self._weights: Tensor | None = None
        self._layout: Layout | None = None
        self._kept: dict[Hashable, Any] = {}

    def begin_image(self, texts: Conditions) -> None:
        """Forget the last image; the next UNet call is step 0."""
        if self.texts is None or texts.lengths != self.texts.lengths:
            self._kept = {}
        self.texts, self._bank, self._step = texts, None, 0

    def begin_step(self, pipe: Any, sample: Tensor, text: Tensor) -> None:
        """Take note of a UNet call with `sample` (B, C, H, W) and `text`, and choose its mode."""
        self.mode = self._next_mode(pipe)
        if self.mode is not Mode.PLAIN:
            self.guided = bool(pipe.do_classifier_free_guidance)
            self._resize((sample.shape[-2], sample.shape[-1]))
            if self._bank is None or not self._bank.is_of(text):
                assert self.texts is not None
                self._bank = Bank(text, _version(text), self.texts.sources(text))

    @property
    def layout(self) -> Layout:
        """Shares at the latents' size."""
        assert self._layout is not None
        return self._layout

    @property
    def bank(self) -> Bank:
        """The image's texts."""
        assert self._bank is not None
        return self._bank

    def kept(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` gives, made once for a size and a set of text lengths."""
        if key not in self._kept:
            self._kept[key] = make()
        value: T = self._kept[key]
        return value

    def level(
        self, tokens: int, device: torch.device, dtype: torch.dtype, *, negative: bool = False
    ) -> Level:
        """The layout for an attention layer with so many tokens.

        Args:
            tokens: cells of the layer.
            device: where its tensors are.
            dtype: what they are of.
            negative: for the negatives, where a region without one of its own is the base's.
        """
        key = ("level", tokens, device, dtype, negative)
        return self.kept(key, lambda: self._make_level(tokens, negative).to(device, dtype))

    def close(self) -> None:
        """Drop the texts and everything derived from them."""
        self.texts = self._bank = self.reading = None
        self.mode, self._kept = Mode.PLAIN, {}

    def _next_mode(self, pipe: Any) -> Mode:
        step, self._step = self._step, self._step + 1
        if self.texts is None:
            return Mode.PLAIN
        return self.schedule.mode(step, max(int(getattr(pipe, "_num_timesteps", 0)), step + 1))

    def _resize(self, size: Size) -> None:
        if size != self._size:
            self._size, self._kept = size, {}
            self._weights = region_weights(self.layers, *size, self.feather)
            self._layout = coefficients(self._weights, self.base_ratios)
            if self._redrawn is not None:
                cells = F.adaptive_max_pool2d(self._redrawn[None, None].float(), size)[0, 0] > 0
                self._layout = wanted(self._layout, cells) if cells.any() else self._layout

    def _make_level(self, tokens: int, negative: bool) -> Level:
        assert self._size is not None and self._weights is not None and self.texts is not None
        height, width = self._size
        while height * width > tokens:  # every downsampling halves, rounding up
            height, width = -(-height // 2), -(-width // 2)
        assert height * width == tokens, f"{tokens} tokens are no level of {self._size}"
        ratios = self.base_ratios
        if negative:
            owns = self.texts.own_negative
            ratios = [b if own else 1.0 for b, own in zip(ratios, owns, strict=True)]
        layout = coefficients(to_level(self._weights, height, width), ratios)
        return _level(layout, self.texts.lengths)


def _level(layout: Layout, lengths: Sequence[int]) -> Level:
    alike: dict[tuple[int, int], list[tuple[int, Tensor]]] = {}
    flat = layout.regions.flatten(1)
    for index, shares in enumerate(flat):
        tokens = (shares > NEGLIGIBLE).nonzero().flatten()
        if len(tokens):
            alike.setdefault((len(tokens), lengths[index]), []).append((index, tokens))
    groups = []
    for (_, length), members in alike.items():
        regions = torch.tensor([index for index, _ in members])
        tokens = torch.stack([tokens for _, tokens in members])
        shares = flat[regions].gather(1, tokens).reshape(-1, 1)
        first = int(regions[0])
        follow = torch.equal(regions, torch.arange(first, first + len(regions)))
        groups.append(Group(regions, first if follow else None, length, tokens, shares))
    base, inside = layout.base.flatten(), flat.sum(0)
    halves = torch.stack([torch.zeros_like(inside), inside])[:, None, None, :, None]
    order = _order(groups, base + flat.amax(0))
    return Level(base[:, None], layout.needs_base, tuple(groups), order, halves)


def _order(groups: Sequence[Group], shares: Tensor) -> Tensor | None:
    """See `Level`; `shares` (T,) is base's and the largest region's.

    A token of no region may be anywhere, for it counts nothing there.
    """
    if not groups or bool((shares < 1 - _ROUNDING).any()):
        return None
    laid = torch.cat([group.tokens.flatten() for group in groups])
    return torch.zeros(len(shares), dtype=torch.long).index_put((laid,), torch.arange(len(laid)))


def _version(text: Tensor) -> int:
    return 0 if text.is_inference() else text._version
