"""What one image under `regional` knows: its plan's layout, its texts, and where in the schedule it is."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from rpg.diffusion.masks import Layout, coefficients, region_weights, to_level
from rpg.diffusion.text import Conditions
from rpg.plan import Region

Composer = Literal["latent+attention", "latent", "attention"]
Size = tuple[int, int]


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
    """Regions with equally many tokens at one level: attended in one call.

    Attributes:
        regions: (G,), indices of the regions.
        tokens: (G, n), the tokens that each has a share of.
        shares: (G * n, 1), its share in each.
    """

    regions: Tensor
    tokens: Tensor
    shares: Tensor


@dataclass(frozen=True)
class Level:
    """The layout for one attention resolution, as index tensors on the model's device.

    Attributes:
        base: (T, 1), the base prompt's share of each token.
        needs_base: whether any of it is above zero.
        groups: the regions.
    """

    base: Tensor
    needs_base: bool
    groups: tuple[Group, ...]


class State:
    """Layouts, texts and progress, shared by the UNet wrapper and the attention processors.

    Args:
        layers: the plan's regions in painting order.
        base_ratios: b of each.
        feather: see `masks.region_weights`.
        schedule: what acts when.
    """

    def __init__(
        self,
        layers: Sequence[Region],
        base_ratios: Sequence[float],
        feather: float,
        schedule: Schedule,
    ) -> None:
        self.layers, self.base_ratios = layers, base_ratios
        self.feather, self.schedule = feather, schedule
        self.mode = Mode.PLAIN
        self.guided = False
        self.texts: Conditions | None = None
        self.generation = 0  # counts images, so that processors know when their keys are stale
        self._step = 0
        self._size: Size | None = None
        self._weights: Tensor | None = None
        self._layout: Layout | None = None
        self._levels: dict[int, Level] = {}

    def begin_image(self, texts: Conditions) -> None:
        """Forget the last image; the next UNet call is step 0."""
        self.texts, self._step = texts, 0
        self.generation += 1

    def begin_step(self, pipe: Any, sample: Tensor) -> None:
        """Take note of a UNet call with `sample` (B, C, H, W) and choose its mode."""
        self.guided = bool(pipe.do_classifier_free_guidance)
        self._resize((sample.shape[-2], sample.shape[-1]))
        steps = max(int(getattr(pipe, "_num_timesteps", 0) or 0), self._step + 1)
        self.mode = self.schedule.mode(self._step, steps) if self.texts else Mode.PLAIN
        self._step += 1

    @property
    def layout(self) -> Layout:
        """Shares at the latents' size."""
        assert self._layout is not None
        return self._layout

    def level(self, tokens: int, device: torch.device) -> Level:
        """The layout for an attention layer with so many tokens."""
        known = self._levels.get(tokens)
        if known is None or known.base.device != device:
            known = self._levels[tokens] = self._make_level(tokens, device)
        return known

    def close(self) -> None:
        """Drop the texts; processors drop their keys with the next generation."""
        self.texts, self.mode = None, Mode.PLAIN
        self.generation += 1

    def _resize(self, size: Size) -> None:
        if size != self._size:
            self._size, self._levels = size, {}
            self._weights = region_weights(self.layers, *size, self.feather)
            self._layout = coefficients(self._weights, self.base_ratios)

    def _make_level(self, tokens: int, device: torch.device) -> Level:
        assert self._size is not None and self._weights is not None
        height, width = self._size
        while height * width > tokens:  # every downsampling halves, rounding up
            height, width = -(-height // 2), -(-width // 2)
        assert height * width == tokens, f"{tokens} tokens are no level of {self._size}"
        layout = coefficients(to_level(self._weights, height, width), self.base_ratios)
        return _level(layout, device)


def _level(layout: Layout, device: torch.device) -> Level:
    by_count: dict[int, list[tuple[int, Tensor]]] = {}
    for index, shares in enumerate(layout.regions.flatten(1)):
        tokens = (shares > 1e-6).nonzero().flatten()
        if len(tokens):
            by_count.setdefault(len(tokens), []).append((index, tokens))
    groups = []
    for members in by_count.values():
        regions = torch.tensor([index for index, _ in members])
        tokens = torch.stack([tokens for _, tokens in members])
        shares = layout.regions.flatten(1)[regions].gather(1, tokens).reshape(-1, 1)
        groups.append(Group(regions.to(device), tokens.to(device), shares.to(device)))
    base = layout.base.flatten()[:, None].to(device)
    return Level(base, layout.needs_base, tuple(groups))
