"""Which region owns which part of the canvas: the only place where mask mathematics stands.

Regions are painted from the lowest to the highest, so a higher one hides what it covers; what no
region covers is the base prompt's. Masks are made once at the latents' size and brought to coarser
levels by max-pooling, so that a small region survives there, and normalised, so that the weights of
all regions and of the uncovered rest sum to one in every cell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from rpg.plans.plan import Region

__all__ = ["Layout", "coefficients", "region_weights", "to_level", "wanted"]

NEGLIGIBLE = 1e-6  # a share below this is none


@dataclass(frozen=True)
class Layout:
    """Shares of the base prompt and of each region in the blend, at one resolution.

    Attributes:
        base: (h, w), share of the base prompt.
        regions: (R, h, w), share of each region; all shares of a cell sum to one.
    """

    base: Tensor
    regions: Tensor

    @property
    def needs_base(self) -> bool:
        """Whether the base prompt has a share anywhere."""
        return bool(self.base.max() > NEGLIGIBLE)

    def support(self, region: int) -> tuple[int, int, int, int] | None:
        """Rows y0:y1 and columns x0:x1 that hold all of a region's share; None if it has none."""
        return bounds(self.regions[region] > NEGLIGIBLE)


def bounds(cells: Tensor) -> tuple[int, int, int, int] | None:
    """The smallest y0, y1, x0, x1 (half-open) that hold every true cell of (h, w)."""
    rows, columns = cells.any(dim=1).nonzero(), cells.any(dim=0).nonzero()
    if not len(rows):
        return None
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1


def region_weights(layers: Sequence[Region], height: int, width: int, feather: float) -> Tensor:
    """How much of each cell is each region's, whatever the base ratio.

    Args:
        layers: regions in painting order, the lowest first.
        height: cells from top to bottom.
        width: cells from left to right.
        feather: width of the blend between neighbours as a share of the canvas's shorter side.

    Returns:
        (R + 1, h, w), float32 on the CPU, summing to one over the first axis; the last is the rest
        that no region covers.
    """
    weights = torch.zeros(len(layers) + 1, height, width)
    rest = torch.ones(height, width)
    for index in reversed(range(len(layers))):
        mask = _mask(layers[index], height, width)
        weights[index] = mask * rest
        rest = rest * (1 - mask)
    weights[-1] = rest
    return _feathered(weights, round(feather * min(height, width) / 2))


def to_level(weights: Tensor, height: int, width: int) -> Tensor:
    """Bring weights (R + 1, H, W) to a coarser (R + 1, h, w): max-pooled, then normalised."""
    if weights.shape[-2:] == (height, width):
        return weights
    pooled = F.adaptive_max_pool2d(weights, (height, width))
    return pooled / pooled.sum(dim=0, keepdim=True)


def coefficients(weights: Tensor, base_ratios: Sequence[float]) -> Layout:
    """Blend weights (R + 1, h, w) with each region's base ratio: (1-b) z_region + b z_base."""
    ratios = torch.tensor(base_ratios).view(-1, 1, 1)
    regions = weights[:-1] * (1 - ratios)
    return Layout(base=weights[-1] + (weights[:-1] * ratios).sum(dim=0), regions=regions)


def wanted(layout: Layout, cells: Tensor) -> Layout:
    """The layout without regions, and without a base, that have no share in any of `cells`.

    Args:
        layout: Shares at some resolution.
        cells: (h, w), true where the prediction counts.
    """
    own = (layout.regions * cells).flatten(1).amax(dim=1) > NEGLIGIBLE
    base = bool((layout.base * cells).max() > NEGLIGIBLE)
    return Layout(layout.base * base, layout.regions * own.view(-1, 1, 1))


def _mask(region: Region, height: int, width: int) -> Tensor:
    """The region alone, (h, w), 0 to 1: its box, cut down to its painted form where it has one."""
    left, top, right, bottom = region.box.to_pixels(width, height)
    mask = torch.zeros(height, width)
    mask[top:bottom, left:right] = 1
    painted = region.mask_image()
    if painted is not None:
        small = painted.resize((width, height), Image.Resampling.BOX)
        mask = mask * torch.from_numpy(np.asarray(small, np.float32) / 255)
    return mask


def _feathered(weights: Tensor, radius: int) -> Tensor:
    """Blur every weight alike: what sums to one before sums to one after."""
    if radius < 1:
        return weights
    pad, size = (radius, 0), (2 * radius + 1, 1)
    down = F.avg_pool2d(weights, size, 1, pad, count_include_pad=False)
    return F.avg_pool2d(down, size[::-1], 1, pad[::-1], count_include_pad=False)
