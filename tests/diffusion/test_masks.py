"""The mathematics of masks: whatever the plan, every cell is shared out to exactly one."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from rpg.diffusion.masks import coefficients, region_weights, to_level, wanted
from rpg.plans.geometry import FULL, Box
from rpg.plans.plan import Plan, Region, encode_mask
from tests.diffusion import naive
from tests.diffusion.helpers import halves, plan_of, shares

edges = st.floats(0, 1)
spans = st.tuples(edges, edges).filter(lambda ends: abs(ends[0] - ends[1]) > 1e-3).map(sorted)
boxes = st.builds(lambda x, y: Box(x[0], y[0], x[1], y[1]), spans, spans)
paintings = st.integers(0, 2**16 - 1).map(
    lambda bits: encode_mask(
        Image.fromarray(
            (np.array([bits >> i & 1 for i in range(16)]) * 255).astype(np.uint8).reshape(4, 4)
        )
    )
)
ratios = st.none() | st.floats(0, 1)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Nested, overlapping, painted regions."""
    count = draw(st.integers(1, 5))

    def region(name: str, children: tuple[Region, ...]) -> Region:
        return Region(
            id=name,
            prompt="a thing",
            box=draw(boxes),
            z=draw(st.integers(-2, 2)),
            base_ratio=draw(ratios),
            mask=draw(st.none() | paintings),
            children=children,
        )

    regions = []
    for index in range(count):
        inner = range(draw(st.integers(0, 2)))
        children = tuple(region(f"{index}.{child}", ()) for child in inner)
        regions.append(region(str(index), children))
    return plan_of(*regions)


@settings(max_examples=60)
@given(plan=plans(), feather=st.floats(0, 0.5), height=st.integers(2, 20), width=st.integers(2, 20))
def test_shares_sum_to_one_at_every_level(
    plan: Plan, feather: float, height: int, width: int
) -> None:
    layers = plan.layers()
    weights = region_weights(layers, height, width, feather)
    b = [0.3 if region.base_ratio is None else region.base_ratio for region in layers]
    while True:
        layout = coefficients(to_level(weights, height, width), b)
        total = layout.base + layout.regions.sum(dim=0)
        torch.testing.assert_close(total, torch.ones(height, width))
        assert float(layout.base.min()) >= 0 and float(layout.regions.min()) >= 0
        if max(height, width) == 1:
            break
        height, width = -(-height // 2), -(-width // 2)


@settings(max_examples=30)
@given(plan=plans(), feather=st.floats(0, 0.5))
def test_weights_equal_those_painted_cell_by_cell(plan: Plan, feather: float) -> None:
    fine = region_weights(plan.layers(), 12, 9, feather)
    expected = naive.weights(plan, 12, 9, feather)
    np.testing.assert_allclose(fine.numpy(), expected, atol=1e-5)
    np.testing.assert_allclose(
        to_level(fine, 6, 5).numpy(), naive.pooled(expected, 6, 5), atol=1e-5
    )


def test_shares_of_the_base_ratio_by_hand() -> None:
    weights = torch.tensor([[[0.5, 1.0]], [[0.25, 0.0]], [[0.25, 0.0]]])
    layout = coefficients(weights, [0.2, 1.0])
    torch.testing.assert_close(layout.regions, torch.tensor([[[0.4, 0.8]], [[0.0, 0.0]]]))
    torch.testing.assert_close(layout.base, torch.tensor([[0.6, 0.2]]))  # .25 + .2 x .5 + .25


def test_painted_forms_cut_their_box_by_the_mean_of_what_a_cell_holds() -> None:
    form = Image.new("L", (4, 4))
    form.paste(204, (0, 0, 1, 4))
    form.paste(51, (2, 0, 4, 2))
    painted = plan_of(Region(id="p", prompt="a", box=Box(0, 0, 1, 0.5), mask=encode_mask(form)))
    region, rest = region_weights(painted.layers(), 2, 2, 0)
    torch.testing.assert_close(region, torch.tensor([[0.4, 0.2], [0.0, 0.0]]))
    torch.testing.assert_close(rest, 1 - region)


def test_coarser_levels_take_the_largest_share_and_then_share_out_anew() -> None:
    weights = torch.zeros(3, 2, 4)
    weights[0, 0, 0] = 1
    weights[1] = 1 - weights[0]
    coarse = to_level(weights, 1, 2)
    assert coarse.tolist() == [[[0.5, 0]], [[0.5, 1]], [[0, 0]]]
    assert to_level(weights, 2, 4) is weights


def spot(*cells: tuple[int, int], share: float = 1.0) -> torch.Tensor:
    """Rows and columns of a 4 x 6 canvas that have a share."""
    found = torch.zeros(4, 6)
    for row, column in cells:
        found[row, column] = share
    return found


def test_a_regions_support_holds_all_of_its_share() -> None:
    here = spot((1, 2), (1, 4), (2, 3))
    some = [here, spot((3, 5)), spot(), spot((0, 0), share=1e-6), spot((0, 0), share=2e-6)]
    layout = shares(spot((0, 0), share=1e-6), *some)
    supports = [layout.support(index) for index in range(5)]
    assert supports == [(1, 3, 2, 5), (3, 4, 5, 6), None, None, (0, 1, 0, 1)]
    assert not layout.needs_base
    assert shares(spot((3, 1), share=2e-6), *some).needs_base


@pytest.mark.parametrize(
    ("cell", "regions", "base"),
    [((0, 0), [True, False, False], False), ((2, 3), [True, True, False], False),
     ((3, 5), [False, False, False], True), ((1, 1), [False, False, False], False)],
)  # fmt: skip
def test_what_has_no_share_where_it_counts_is_left_out_whole(
    cell: tuple[int, int], regions: list[bool], base: bool
) -> None:
    some = spot((0, 0), (2, 3), share=0.5), spot((2, 3), (2, 4)), spot((0, 0), share=1e-6)
    layout = shares(spot((3, 5)) + spot((0, 0), share=1e-6), *some)
    found = wanted(layout, spot(cell).bool())
    assert torch.equal(found.base, layout.base * base)
    for had, has, stays in zip(layout.regions, found.regions, regions, strict=True):
        assert torch.equal(has, had * stays)


def test_a_higher_region_hides_what_it_covers() -> None:
    plan = plan_of(
        Region(id="above", prompt="a", box=Box(0, 0, 0.5, 1), z=1),
        Region(id="below", prompt="b", box=FULL),
    )
    below, above, rest = region_weights(plan.layers(), 4, 4, 0)
    assert above.tolist() == [[1, 1, 0, 0]] * 4
    assert below.tolist() == [[0, 0, 1, 1]] * 4
    assert not rest.any()


def test_a_child_lies_over_its_parent() -> None:
    child = Region(id="child", prompt="b", box=Box(0, 0, 1, 0.5))
    parent = Region(id="parent", prompt="a", box=FULL, children=(child,))
    below, above, _ = region_weights(plan_of(parent).layers(), 4, 4, 0)
    assert above[:2].all() and not above[2:].any()
    assert below[2:].all() and not below[:2].any()


@pytest.mark.parametrize("feather", [0.0, 0.1])
def test_small_regions_survive_the_coarse_levels(feather: float) -> None:
    speck = Region(id="speck", prompt="a bird", box=Box(0.5, 0.5, 0.51, 0.51), z=1)
    plan = plan_of(speck, Region(id="sky", prompt="sky", box=FULL))
    weights = region_weights(plan.layers(), 64, 64, feather)
    for size in (64, 32, 16, 8, 4, 2):
        share = coefficients(to_level(weights, size, size), [0.2, 0.2]).regions[1]
        assert float(share.max()) >= (0.35 if feather == 0 else 0.01)


def test_feather_blends_over_its_width_and_nowhere_else() -> None:
    left, right, _ = region_weights(halves().layers(), 32, 32, 0.25)
    row = left[16]
    assert (row[:12] == 1).all() and (row[20:] == 0).all()
    assert (row[12:20] > 0).all() and (row[12:20] < 1).all()
    assert (row[:-1] >= row[1:]).all()
    torch.testing.assert_close(left + right, torch.ones(32, 32))


def test_a_blend_is_the_mean_of_the_cells_around_on_the_canvas() -> None:
    left, right, _ = region_weights(halves().layers(), 8, 8, 0.5)  # of two cells to each side
    across = torch.tensor([1, 1, 0.8, 0.6, 0.4, 0.2, 0, 0])
    torch.testing.assert_close(left, across.expand(8, 8))
    torch.testing.assert_close(right, 1 - left)
    top = Region(id="top", prompt="a", box=Box(0, 0, 1, 0.5))
    over, rest = region_weights(plan_of(top).layers(), 4, 16, 0.5)  # of one, by the shorter side
    down = torch.tensor([1, 2 / 3, 1 / 3, 0])
    torch.testing.assert_close(over, down[:, None].expand(4, 16))
    torch.testing.assert_close(rest, 1 - over)


def test_boxes_that_share_an_edge_leave_no_gap() -> None:
    for width in range(3, 40):
        *_, rest = region_weights(halves().layers(), 5, width, 0)
        assert not rest.any()
