"""What one image under `regional` knows: its layout, its texts, and where in the schedule it is."""

from __future__ import annotations

import enum
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import torch
from torch import Tensor
from torch.nn import functional as F

from rpg.diffusion.levels import Level, Sorting, level, sorting
from rpg.diffusion.masks import Layout, coefficients, region_weights, to_level, wanted
from rpg.diffusion.text import Conditions
from rpg.plans.plan import Region

Composer = Literal["latent+attention", "latent", "attention"]
Size = tuple[int, int]
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
class Layers:
    """The regions of one plan.

    Attributes:
        regions: in painting order.
        base_ratios: b of each.
    """

    regions: Sequence[Region]
    base_ratios: Sequence[float]


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

    Several plans take equal shares of a call's pictures, in their order. A region's index counts
    the regions of all plans.

    Args:
        plans: the regions of each plan.
        feather: see `masks.region_weights`.
        schedule: what acts when.
        redrawn: (h, w) of any size, above zero where the prediction counts; None: everywhere.
    """

    def __init__(
        self,
        plans: Sequence[Layers],
        feather: float,
        schedule: Schedule,
        redrawn: Tensor | None = None,
    ) -> None:
        """Know the plans; sizes and texts come with the calls."""
        self._redrawn = redrawn
        self.plans, self.feather, self.schedule = plans, feather, schedule
        self.regions = sum(len(one.regions) for one in plans)
        self.mode = Mode.PLAIN
        self.guided = False
        self.pictures = 0  # of a half
        self.texts: Conditions | None = None
        self.reading: Reading | None = None  # set by latent composition around a call on crops
        self.may_sort = True
        self.sorting: Sorting | None = None  # set within a transformer whose tokens are sorted
        self._bank: Bank | None = None
        self._step = 0
        self._size: Size | None = None
        self._weights: list[Tensor] = []
        self._layouts: list[Layout] = []
        self._kept: dict[Hashable, Any] = {}

    def begin_image(self, texts: Conditions) -> None:
        """Forget the last image; the next UNet call is step 0."""
        if self.texts is None or texts.lengths != self.texts.lengths:
            self._kept = {}
        self.texts, self._bank, self._step = texts, None, 0

    def begin_step(self, pipe: Any, sample: Tensor, text: Tensor, *, may_sort: bool = True) -> None:
        """Take note of a UNet call, and choose its mode.

        Args:
            pipe: the pipeline that makes it.
            sample: (B, C, H, W).
            text: (B, L, D).
            may_sort: whether transformers may sort their tokens.
        """
        self.mode, self.sorting, self.may_sort = self._next_mode(pipe), None, may_sort
        if self.mode is not Mode.PLAIN:
            self.guided = bool(pipe.do_classifier_free_guidance)
            self.pictures = len(sample) // self.halves
            self._resize((sample.shape[-2], sample.shape[-1]))
            if self._bank is None or not self._bank.is_of(text):
                assert self.texts is not None
                self._bank = Bank(text, _version(text), self.texts.sources(text))

    @property
    def halves(self) -> int:
        """2 under guidance, the negative first; else 1."""
        return 2 if self.guided else 1

    @property
    def shares(self) -> Iterator[tuple[Layout, int, slice]]:
        """Each plan's shares at the latents' size, its first region's index, its pictures."""
        each, first = self.pictures // len(self.plans), 0
        for index, (layout, plan) in enumerate(zip(self._layouts, self.plans, strict=True)):
            yield layout, first, slice(index * each, (index + 1) * each)
            first += len(plan.regions)

    @property
    def bank(self) -> Bank:
        """The image's texts."""
        assert self._bank is not None
        return self._bank

    def kept(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` gives, made once for a size, a batch and a set of text lengths."""
        key = (key, self.pictures, self.guided)
        if key not in self._kept:
            self._kept[key] = make()
        value: T = self._kept[key]
        return value

    def levels(
        self, tokens: int, device: torch.device, dtype: torch.dtype, *, negative: bool = False
    ) -> Sequence[tuple[slice, Level]]:
        """Each plan's pictures and its layout for an attention layer with so many tokens.

        Args:
            tokens: cells of the layer.
            device: where its tensors are.
            dtype: what they are of.
            negative: for the negatives, where a region without one of its own is the base's.
        """
        return self.kept(
            ("levels", tokens, device, dtype, negative),
            lambda: [
                (pictures, found.to(device, dtype))
                for pictures, found in self._levels(tokens, negative)
            ],
        )

    def sorted_for(self, tokens: int, device: torch.device, dtype: torch.dtype) -> Sorting | None:
        """How a transformer with so many tokens sorts them; None where it does not."""

        def made() -> Sorting | None:
            if self.texts is None or any(self.texts.own_negative):
                return None
            each = self.pictures // len(self.plans)
            levels = [found for _, found in self._levels(tokens, False) for _ in range(each)]
            found = sorting(levels, self.halves)
            return None if found is None else found.to(device, dtype)

        return self.kept(("sorting", tokens, device, dtype), made)

    def close(self) -> None:
        """Drop the texts and everything derived from them."""
        self.texts = self._bank = self.reading = self.sorting = None
        self.mode, self._kept = Mode.PLAIN, {}

    def _next_mode(self, pipe: Any) -> Mode:
        step, self._step = self._step, self._step + 1
        if self.texts is None:
            return Mode.PLAIN
        return self.schedule.mode(step, max(int(getattr(pipe, "_num_timesteps", 0)), step + 1))

    def _resize(self, size: Size) -> None:
        if size != self._size:
            self._size, self._kept = size, {}
            self._weights = [region_weights(one.regions, *size, self.feather) for one in self.plans]
            self._layouts = [
                self._counting(coefficients(weights, one.base_ratios), size)
                for weights, one in zip(self._weights, self.plans, strict=True)
            ]

    def _counting(self, layout: Layout, size: Size) -> Layout:
        """The layout without what has no share where the prediction counts."""
        if self._redrawn is None:
            return layout
        cells = F.adaptive_max_pool2d(self._redrawn[None, None].float(), size)[0, 0] > 0
        return wanted(layout, cells) if cells.any() else layout

    def _levels(self, tokens: int, negative: bool) -> Iterator[tuple[slice, Level]]:
        assert self._size is not None and self.texts is not None
        height, width = self._size
        while height * width > tokens:  # every downsampling halves, rounding up
            height, width = -(-height // 2), -(-width // 2)
        assert height * width == tokens, f"{tokens} tokens are no level of {self._size}"
        plans = zip(self.shares, self._weights, self.plans, strict=True)
        for (_, first, pictures), weights, plan in plans:
            ratios = plan.base_ratios
            if negative:
                owns = self.texts.own_negative[first : first + len(ratios)]
                ratios = [b if own else 1.0 for b, own in zip(ratios, owns, strict=True)]
            layout = coefficients(to_level(weights, height, width), ratios)
            yield pictures, level(layout, first, self.texts.lengths)


def _version(text: Tensor) -> int:
    return 0 if text.is_inference() else text._version
