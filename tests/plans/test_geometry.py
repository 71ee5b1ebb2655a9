"""Boxes and grids: what is refused, and what holds for every box."""

from __future__ import annotations

import itertools
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpg.errors import LayoutError, PlanError
from rpg.plans.geometry import FULL, MAX_CELLS, Box, grid, rows_of

NAN, INF = math.nan, math.inf
EDGES = st.integers(0, 1000).map(lambda number: number / 1000)
SPANS = st.tuples(EDGES, EDGES).filter(lambda span: span[0] != span[1]).map(sorted)
BOXES = st.builds(lambda x, y: Box(x[0], y[0], x[1], y[1]), SPANS, SPANS)


@pytest.mark.parametrize(
    "edges",
    [
        (-0.1, 0, 1, 1),
        (0, -1e-9, 1, 1),
        (0, 0, 1.0001, 1),
        (0, 0, 1, 2),
        (0.5, 0, 0.5, 1),
        (0, 0.5, 1, 0.5),
        (0.6, 0, 0.4, 1),
        (0, 0.6, 1, 0.4),
        (NAN, 0, 1, 1),
        (0, 0, 1, NAN),
        (0, 0, INF, 1),
        (-INF, 0, 1, 1),
        ("0", 0, 1, 1),
        (None, 0, 1, 1),
    ],
)
def test_what_is_no_rectangle_on_the_canvas_is_refused(edges: tuple[float, ...]) -> None:
    with pytest.raises(LayoutError, match="box"):
        Box(*edges)


def test_a_layout_error_is_a_plan_error_and_a_value_error() -> None:
    with pytest.raises(PlanError) as caught:
        Box(0, 0, 0, 0)
    assert isinstance(caught.value, ValueError)
    assert caught.value.position is None


@pytest.mark.parametrize(
    ("edges", "box"),
    [
        ((-1, -1, 2, 2), FULL),
        ((0.8, 0.9, 0.2, 0.1), Box(0.2, 0.1, 0.8, 0.9)),
        ((0.5, 0.5, 7, 7), Box(0.5, 0.5, 1, 1)),
    ],
)
def test_clamped_swaps_and_cuts(edges: tuple[float, float, float, float], box: Box) -> None:
    assert Box.clamped(*edges) == box


@pytest.mark.parametrize("edges", [(2, 0, 3, 1), (-2, 0, -1, 1), (0, 1, 1, 2), (NAN, 0, 1, 1)])
def test_clamped_refuses_what_lies_outside(edges: tuple[float, float, float, float]) -> None:
    with pytest.raises(LayoutError, match="^box "):
        Box.clamped(*edges)


@given(st.tuples(*[st.floats(-3, 3)] * 4))
def test_clamped_gives_a_box_inside_the_rectangle_or_refuses(
    edges: tuple[float, float, float, float],
) -> None:
    try:
        box = Box.clamped(*edges)
    except LayoutError:
        return
    assert min(edges[0], edges[2]) <= box.x0 < box.x1 <= max(edges[0], edges[2])
    assert min(edges[1], edges[3]) <= box.y0 < box.y1 <= max(edges[1], edges[3])


def test_measures_of_a_box() -> None:
    box = Box(0.25, 0.5, 0.75, 0.625)
    assert (box.width, box.height, box.area, box.center) == (0.5, 0.125, 0.0625, (0.5, 0.5625))
    assert box.within(Box(0.5, 0, 1, 0.5)) == Box(0.625, 0.25, 0.875, 0.3125)
    assert box.iou(Box(0, 0.5, 0.5, 0.625)) == pytest.approx(1 / 3)
    assert box.to_pixels(10, 8) == (2, 4, 8, 5)
    assert Box(0.999, 0.999, 1, 1).to_pixels(10, 1) == (9, 0, 10, 1)


@given(BOXES)
def test_a_box_holds_its_middle_and_only_two_of_its_edges(box: Box) -> None:
    assert box.contains(*box.center)
    assert box.contains(box.x0, box.y0)
    assert not box.contains(box.x1, box.y0)
    assert not box.contains(box.x0, box.y1)
    assert box.iou(box) == pytest.approx(1)
    assert box.within(FULL) == box


@given(BOXES, BOXES)
def test_intersection_is_what_both_contain(one: Box, other: Box) -> None:
    common = one.intersection(other)
    assert common == other.intersection(one)
    assert one.iou(other) == pytest.approx(other.iou(one))
    if common is None:
        assert one.iou(other) == 0
        return
    assert common.intersection(one) == common == common.intersection(other)
    assert 0 < one.iou(other) <= 1 + 1e-9
    for x, y in itertools.product((common.x0, common.center[0]), (common.y0, common.center[1])):
        assert one.contains(x, y) and other.contains(x, y)


def test_boxes_that_share_an_edge_share_no_area() -> None:
    assert Box(0, 0, 0.5, 1).intersection(Box(0.5, 0, 1, 1)) is None


def test_iou_of_slivers_without_a_measurable_area_is_nought() -> None:
    sliver = Box(0, 0, 1e-200, 1e-200)
    assert sliver.iou(sliver) == 0


@given(BOXES, BOXES)
def test_within_stays_within(inner: Box, outer: Box) -> None:
    box = inner.within(outer)
    assert outer.x0 <= box.x0 < box.x1 <= outer.x1
    assert outer.y0 <= box.y0 < box.y1 <= outer.y1
    assert box.area == pytest.approx(inner.area * outer.area)


@given(BOXES, st.integers(1, 2000), st.integers(1, 2000))
def test_pixels_lie_on_the_canvas_and_are_never_none(box: Box, width: int, height: int) -> None:
    left, top, right, bottom = box.to_pixels(width, height)
    assert 0 <= left < right <= width
    assert 0 <= top < bottom <= height


@given(st.integers(1, 8), st.integers(1, 8), st.integers(16, 300), st.integers(16, 300))
def test_grids_tile_the_canvas_in_pixels_too(
    rows: int, columns: int, width: int, height: int
) -> None:
    boxes = grid(rows, columns)
    assert len(boxes) == rows * columns
    assert math.isclose(sum(box.area for box in boxes), 1)
    painted = [0] * (width * height)
    for box in boxes:
        left, top, right, bottom = box.to_pixels(width, height)
        for y in range(top, bottom):
            for x in range(left, right):
                painted[y * width + x] += 1
    assert set(painted) == {1}


def test_a_grid_reads_from_left_to_right_then_down() -> None:
    assert grid(2, 2) == (
        Box(0, 0, 0.5, 0.5),
        Box(0.5, 0, 1, 0.5),
        Box(0, 0.5, 0.5, 1),
        Box(0.5, 0.5, 1, 1),
    )


@pytest.mark.parametrize(("rows", "columns"), [(0, 1), (1, 0), (-1, -1), (9, 8), (1, 65)])
def test_grids_of_no_or_too_many_cells_are_refused(rows: int, columns: int) -> None:
    with pytest.raises(LayoutError, match=str(MAX_CELLS)):
        grid(rows, columns)


@given(st.integers(1, 8), st.integers(1, 8), st.randoms(use_true_random=False))
def test_rows_are_found_in_any_order(rows: int, columns: int, shuffled: random.Random) -> None:
    boxes = list(grid(rows, columns))
    shuffled.shuffle(boxes)
    found = rows_of(boxes)
    assert [box for row in found for box in row] == list(grid(rows, columns))
    assert [len(row) for row in found] == [columns] * rows


def test_edges_rounded_by_hand_still_make_rows() -> None:
    third = 0.3333333
    boxes = [Box(0, 0, third, 1), Box(third, 0, 0.6666667, 1), Box(0.6666666, 0, 0.9999999, 1)]
    assert rows_of(boxes) == [boxes]


@pytest.mark.parametrize("off", [1e-6, 2e-6])
def test_edges_may_be_a_millionth_apart_and_no_more(off: float) -> None:
    for boxes in (
        [Box(off, 0, 1, 1)],
        [Box(0, off, 1, 1)],
        [Box(0, 0, 0.5, 1), Box(0.5, off, 1, 1)],
    ):
        if off > 1e-6:
            with pytest.raises(LayoutError, match="fill the canvas"):
                rows_of(boxes)
        else:
            assert rows_of(boxes) == [boxes]


@pytest.mark.parametrize(
    "boxes",
    [
        [],
        [Box(0, 0, 0.5, 1)],
        [Box(0, 0, 0.5, 1), Box(0.6, 0, 1, 1)],
        [Box(0, 0, 0.6, 1), Box(0.5, 0, 1, 1)],
        [Box(0, 0, 1, 0.5), Box(0, 0.6, 1, 1)],
        [FULL, FULL],
        [FULL, Box(0.2, 0.2, 0.4, 0.4)],
        [Box(0, 0, 0.5, 1), Box(0.5, 0, 1, 0.5), Box(0.5, 0.5, 1, 1)],  # columns of rows
        [Box(0, 0, 0.5, 0.5), Box(0.5, 0, 1, 0.4), Box(0, 0.5, 1, 1)],
        [*grid(2, 2)[:3]],
    ],
)
def test_what_is_no_rows_of_columns_is_refused(boxes: list[Box]) -> None:
    with pytest.raises(LayoutError, match="JSON"):
        rows_of(boxes)
