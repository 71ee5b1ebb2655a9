"""Boxes in whatever unit mean the same."""

from __future__ import annotations

import math
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpg.planners.llm.boxes import MIN_SIDE, fitted
from rpg.planners.llm.schema import Edges
from rpg.plans.geometry import FULL, Box, grid

THIRDS = [(0, 0, 33, 100), (33, 0, 67, 100), (67, 0, 100, 100)]


def boxes(*edges: Any) -> list[Box | str]:
    return fitted([Edges.model_validate(one) for one in edges])


def near(one: Box | str, other: Box, tolerance: float = 1e-9) -> bool:
    assert isinstance(one, Box), one
    pairs = zip(
        (one.x0, one.y0, one.x1, one.y1), (other.x0, other.y0, other.x1, other.y1), strict=True
    )
    return all(abs(a - b) <= tolerance for a, b in pairs)


@pytest.mark.parametrize(
    ("width", "height"),
    [(1, 1), (100, 100), (1000, 1000), (1024, 1024), (1024, 768), (512, 512), (768, 1344)],
)
def test_every_unit_gives_the_same_boxes(width: int, height: int) -> None:
    found = boxes(*[(a * width / 100, b * height / 100, c * width / 100, d * height / 100)
                    for a, b, c, d in THIRDS])  # fmt: skip
    assert all(near(one, other) for one, other in zip(found, grid(1, 3), strict=True))


def test_the_unit_is_that_of_the_whole_plan() -> None:
    assert boxes((0, 0, 1, 1)) == [FULL]
    first, _ = boxes((0, 0, 50, 50), (50, 50, 1000, 1000))
    assert near(first, Box(0, 0, 0.05, 0.05))


def test_pixels_of_no_usual_size() -> None:
    first, second = boxes((0, 0, 600, 1100), (600, 0, 1200, 1100))
    assert near(first, Box(0, 0, 600 / 1216, 1100 / 1216))
    assert isinstance(second, Box) and second.x0 == first.x1  # type: ignore[union-attr]


SPELLINGS: list[Any] = [
    [10, 20, 60, 90],
    {"x0": 10, "y0": 20, "x1": 60, "y1": 90},
    {"x1": 10, "y1": 20, "x2": 60, "y2": 90},
    {"xmin": 10, "ymin": 20, "xmax": 60, "ymax": 90},
    {"x": 10, "y": 20, "width": 50, "height": 70},
    {"x": 10, "y": 20, "w": 50, "h": 70},
    {"left": 10, "top": 20, "width": 50, "height": 70},
    {"left": "10%", "top": "20 %", "right": "60", "bottom": 90.0},
    {"left": 60, "top": 90, "right": 10, "bottom": 20},
    {"left": 10, "top": 20, "right": 60, "bottom": 90, "unit": "percent"},
]


@pytest.mark.parametrize("spelling", SPELLINGS, ids=str)
def test_other_spellings_are_understood(spelling: Any) -> None:
    assert near(boxes(spelling)[0], Box(0.1, 0.2, 0.6, 0.9))


def test_what_sticks_out_is_cut_off() -> None:
    assert boxes((-5, -5, 105, 50)) == [Box(0, 0, 1, 0.5)]
    assert boxes((0, 0, 1.02, 0.5)) == [Box(0, 0, 1, 0.5)]


def test_near_edges_meet_and_borders_are_reached() -> None:
    left, right = boxes((1, 0, 49, 99), (50, 0, 99, 100))
    assert (left, right) == grid(1, 2)


def test_thirds_that_overlap_by_a_percent() -> None:
    found = boxes((0, 0, 34, 100), (33, 0, 67, 100), (66, 0, 100, 100))
    assert found == list(grid(1, 3))


def test_meeting_edges_never_swallow_a_box() -> None:
    found = boxes(*[(2 * k, 0, 2 * k + 2, 100) for k in range(50)])
    assert all(isinstance(one, Box) and one.width > MIN_SIDE / 2 for one in found)


@pytest.mark.parametrize(
    ("edges", "complaint"),
    [
        ((math.nan, 0, 50, 50), "no number"),
        ((0, 0, math.inf, 50), "no number"),
        ((10, 10, 10, 90), "no area"),
        ((-50, 0, -10, 90), "no area"),
        ((0, 0, 100, 1), "thinner than 2%"),
    ],
)
def test_what_is_no_box_is_said_and_the_others_are_kept(edges: Any, complaint: str) -> None:
    bad, good = boxes(edges, (0, 0, 100, 100))
    assert isinstance(bad, str) and complaint in bad
    assert good == FULL


EDGE = st.one_of(
    st.floats(-2, 3), st.integers(-20, 1500), st.floats(), st.integers(-(10**9), 10**9)
)


@given(st.lists(st.tuples(EDGE, EDGE, EDGE, EDGE), max_size=12))
def test_any_numbers_give_valid_boxes_or_a_complaint(edges: list[tuple[float, ...]]) -> None:
    found = boxes(*edges)
    assert len(found) == len(edges)
    for one in found:
        assert isinstance(one, str) or min(one.width, one.height) >= MIN_SIDE - 1e-9


@given(
    st.integers(1, 6),
    st.integers(1, 6),
    st.sampled_from([(1.0, 4), (100.0, 0), (1000.0, 0), (1024.0, 0)]),
)
def test_rounding_never_opens_a_gap_in_a_grid(
    rows: int, columns: int, unit: tuple[float, int]
) -> None:
    scale, digits = unit
    found = boxes(
        *[
            [round(edge * scale, digits) for edge in (box.x0, box.y0, box.x1, box.y1)]
            for box in grid(rows, columns)
        ]
    )
    whole = [one for one in found if isinstance(one, Box)]
    assert sum(one.area for one in whole) == pytest.approx(1)
    assert all(one.intersection(other) is None for one, other in combinations(whole, 2))
