"""Crops: widened to the UNet's multiple, and what comes in at coarser levels cut to match."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from rpg.diffusion.crops import Crop, CropBatch, Piece, _crops, crop_batches
from rpg.diffusion.embeds import RegionalPromptEmbeds, TextSelection
from rpg.diffusion.layout import PlanRegions, RegionalLayout
from rpg.diffusion.masks import coefficients, region_weights
from rpg.diffusion.schedule import Schedule
from rpg.diffusion.state import Branches, RegionalState
from tests.diffusion.helpers import shares, split

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
    cut, coarse = FULL[..., crop.y0 : crop.y1, crop.x0 : crop.x1], FULL
    for _ in range(levels):
        cut, coarse = halved(cut), halved(coarse)
    assert torch.equal(crop.of(coarse, height, width), cut)


def test_a_level_is_known_whatever_rounding_up_adds() -> None:
    """SD 1.5's third halving of 65 cells is 9, which seven times are nearer to than eight."""
    canvas = coarse = torch.arange(65 * 65).view(1, 1, 65, 65).float()
    for _ in range(3):
        coarse = halved(coarse)
    crop = Crop(0, 8, 40, 16, 65)
    cut = canvas[..., 8:40, 16:65][..., ::8, ::8]
    assert torch.equal(crop.of(coarse, 65, 65), cut)


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


def test_pictures_of_the_size_that_is_wanted_are_cut_and_no_more() -> None:
    picture = torch.rand(2, 3, 16, 24, generator=torch.Generator().manual_seed(0))
    crop = Crop(0, 1, 3, 2, 5)  # of 4 x 6 cells, four pixels each
    assert torch.equal(crop.of_picture(picture, 4, 6, 4), picture[..., 4:12, 8:20])


def test_finer_pictures_are_averaged_and_coarser_ones_keep_what_a_crop_touches() -> None:
    fine = torch.zeros(1, 1, 16, 32)
    fine[..., ::2] = 1
    half = Crop(0, 0, 4, 4, 8).of_picture(fine, 4, 8, 1)
    torch.testing.assert_close(half, torch.full((1, 1, 4, 4), 0.5), atol=0.1, rtol=0)
    coarse = torch.tensor([[[[0.0, 1.0]]]])
    assert Crop(0, 1, 2, 0, 3).of_picture(coarse, 4, 8, 1).eq(0).all()
    assert Crop(0, 1, 2, 4, 8).of_picture(coarse, 4, 8, 1).eq(1).all()


def batch() -> CropBatch:
    """Two crops of 1 x 2 cells, of two pictures each, under guidance."""
    left, right = Crop(0, 0, 1, 0, 2), Crop(1, 2, 3, 1, 3)
    return CropBatch(
        pieces=(
            Piece(left, 0, slice(0, 2), torch.tensor([[0.5, 1.0]])),
            Piece(right, 1, slice(0, 2), torch.tensor([[2.0, 0.0]])),
        ),
        branches=(0, 1),
        parts=2,
        pictures=2,
        canvas=(3, 3),
        samples=torch.tensor([0, 1, 0, 1, 2, 3, 2, 3]),
        selection=TextSelection(
            torch.arange(8), 4, torch.zeros(8, dtype=torch.long), ("uncond", "cond")
        ),
    )


def test_a_batch_of_crops_goes_by_half_then_crop_then_picture() -> None:
    rows = torch.arange(4 * 9).view(4, 1, 3, 3)  # a row's first number is 0, 9, 18, 27
    cut = batch().cut(rows)
    assert batch().size == (1, 2) and cut.shape == (8, 1, 1, 2)
    assert cut.flatten(1).tolist() == [
        [0, 1], [9, 10], [7, 8], [16, 17], [18, 19], [27, 28], [25, 26], [34, 35]
    ]  # fmt: skip
    picture = torch.arange(9.0).view(1, 1, 3, 3)
    shown = batch().cut_picture(picture, 1)
    assert shown.flatten(1).tolist() == [[0, 1]] * 2 + [[7, 8]] * 2 + [[0, 1]] * 2 + [[7, 8]] * 2


def test_predictions_are_put_where_they_were_cut_in_their_share() -> None:
    blended = torch.ones(4, 1, 3, 3)
    batch().put(torch.arange(8.0).view(8, 1, 1, 1).expand(8, 1, 1, 2), blended)
    for row, (left, right) in enumerate([(0, 2), (1, 3), (4, 6), (5, 7)]):
        assert blended[row, 0].tolist() == [
            [1 + left / 2, 1 + left, 1], [1, 1, 1], [1, 1 + 2 * right, 1]
        ]  # fmt: skip


def test_every_region_with_a_share_has_a_crop_and_no_other() -> None:
    share = torch.zeros(3, 10, 7)
    share[0, 5, 2:4] = 1
    share[2, 9, 6] = 1
    layout = shares(1 - share.sum(dim=0), *share)
    assert _crops(layout, 1) == [Crop(0, 5, 6, 2, 4), Crop(2, 9, 10, 6, 7)]
    assert _crops(layout, 4) == [Crop(0, 4, 8, 0, 4), Crop(2, 8, 10, 4, 7)]


def two_plans(guided: bool) -> RegionalState:
    """A picture of each of two plans on 4 x 4 cells: a half, and two halves; three regions."""
    texts = torch.zeros(3, 9, 1)
    own_negative, lengths = (False, True, False), (5, 6, 9)
    left, right = split("1,1").layers()
    plans = (
        PlanRegions((left,), ("a",), (0.5,), ("",)),
        PlanRegions((left, right), ("a", "b"), (0.2, 0.2), ("grey", "")),
    )
    state = RegionalState(
        RegionalLayout(plans), Schedule("latent"), lambda size, _: size, lambda text: text
    )
    state.begin_image(
        RegionalPromptEmbeds(texts, None, texts, None, own_negative, lengths, texts[:1, :1])
    )
    branches: Branches = ("uncond", "cond") if guided else ("cond",)
    rows = 2 * len(branches)
    state.begin_call(torch.zeros(rows, 1, 4, 4), branches, torch.zeros(rows, 7, 1), may_sort=True)
    return state


@pytest.mark.parametrize(
    ("guided", "samples", "texts"),
    [
        # The bank's rows: the call's own, three subprompts, three negatives.
        (True, ([0, 1, 2, 3], [1, 3]), ([0, 8, 4, 5], [1, 6])),
        (False, ([0, 1], [1]), ([2, 3], [4])),
    ],
)
def test_crops_of_a_size_and_a_length_of_text_are_one_batch(
    guided: bool, samples: tuple[list[int], ...], texts: tuple[list[int], ...]
) -> None:
    state = two_plans(guided)
    found = crop_batches(state, 1, torch.device("cpu"))
    assert crop_batches(state, 1, torch.device("cpu")) is found
    left, right = (0, 4, 0, 2), (0, 4, 2, 4)
    assert [[(piece.region, piece.pictures) for piece in one.pieces] for one in found] == [
        [(0, slice(0, 1)), (1, slice(1, 2))],
        [(2, slice(1, 2))],
    ]
    assert [[piece.crop for piece in one.pieces] for one in found] == [
        [Crop(0, *left), Crop(0, *left)], [Crop(1, *right)]
    ]  # fmt: skip
    shared = [piece.share for one in found for piece in one.pieces]
    torch.testing.assert_close(shared, [torch.full((4, 2), b) for b in (0.5, 0.8, 0.8)])
    assert [one.samples.tolist() for one in found] == list(samples)
    assert [one.selection.rows.tolist() for one in found] == list(texts)
    assert [one.selection.length for one in found] == [7, 9]  # the call's own text has seven tokens
    assert {(one.branches, one.pictures) for one in found} == {((0, 1) if guided else (0,), 2)}
