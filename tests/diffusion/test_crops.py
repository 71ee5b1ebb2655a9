"""Crops: widened to the UNet's multiple, and what comes in at coarser levels cut to match."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from rpg.diffusion.crops import Crop, _crops
from rpg.diffusion.masks import coefficients, region_weights
from tests.diffusion.helpers import split

FULL = torch.arange(2 * 37 * 22).view(1, 2, 37, 22).float()


def halved(canvas: Tensor) -> Tensor:
    """As a convolution of stride two sizes it: rounding up."""
    return canvas[..., ::2, ::2]


@settings(max_examples=60)
@given(
    y=st.tuples(st.integers(0, 9), st.integers(1, 10)),
    x=st.tuples(st.integers(0, 5), st.integers(1, 6)),
    levels=st.integers(0, 2),
)
def test_cutting_commutes_with_the_levels(
    y: tuple[int, int], x: tuple[int, int], levels: int
) -> None:
    height, width = FULL.shape[-2:]
    y0, x0 = 4 * y[0], 4 * x[0]
    crop = Crop(0, y0, min(y0 + 4 * y[1], height), x0, min(x0 + 4 * x[1], width))
    cut, coarse = crop.of(FULL, height, width), FULL
    for _ in range(levels):
        cut, coarse = halved(cut), halved(coarse)
    assert torch.equal(crop.of(coarse, height, width), cut)


@pytest.mark.parametrize("size", [(16, 16), (37, 22), (10, 18), (4, 4)])
@pytest.mark.parametrize("multiple", [1, 2, 4, 8])
def test_crops_hold_their_regions_at_the_units_multiple(
    size: tuple[int, int], multiple: int
) -> None:
    regions = split("1,2,1;2,1,3").layers()
    weights = region_weights(regions, *size, 0.1)
    layout = coefficients(weights, [0.2] * len(regions))
    for crop in _crops(layout, multiple):
        inside = layout.regions[crop.region, crop.y0 : crop.y1, crop.x0 : crop.x1]
        assert float(inside.sum()) == pytest.approx(float(layout.regions[crop.region].sum()))
        assert crop.y0 % multiple == crop.x0 % multiple == 0
        assert crop.y1 % multiple == 0 or crop.y1 == size[0]
        assert crop.x1 % multiple == 0 or crop.x1 == size[1]


def test_pictures_are_cut_at_their_own_resolution() -> None:
    mask = torch.zeros(1, 1, 64, 64)
    mask[..., 32:] = 1
    left, right = Crop(0, 0, 8, 0, 4), Crop(0, 0, 8, 4, 8)
    assert not left.of_picture(mask, 8, 8, 4).any()
    assert right.of_picture(mask, 8, 8, 4).all()
    assert right.of_picture(mask, 8, 8, 4).shape == (1, 1, 32, 16)
