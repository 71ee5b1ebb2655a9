"""The budget of a loop: the ranges, and what holds where nothing is said."""

from __future__ import annotations

from typing import Any

import pytest

from rpg.errors import SettingsError
from rpg.refinement.budget import Budget


def test_four_rounds_of_one_picture_unless_more_is_asked_for() -> None:
    assert Budget().model_dump() == {
        "rounds": 4, "seconds": None, "calls": None, "candidates": 1, "look_ahead": 0
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [("rounds", 0, 100), ("calls", 1, 10**9), ("candidates", 1, 64), ("look_ahead", 0, 1000)],
)
def test_whole_numbers_have_their_range(name: str, least: int, most: int) -> None:
    for value in (least, most):
        assert getattr(Budget(**{name: value}), name) == value
    wrong: list[Any] = [least - 1, least + 0.5, "x"] + ([most + 1] if most < 10**9 else [])
    for value in wrong:
        with pytest.raises(SettingsError, match=f"^{name}: .*, not "):
            Budget(**{name: value})


@pytest.mark.parametrize("value", [0, -1.0, float("nan"), float("inf")])
def test_seconds_are_more_than_none(value: float) -> None:
    with pytest.raises(SettingsError, match="^seconds: "):
        Budget(seconds=value)
    assert Budget(seconds=1e-3).seconds == 1e-3


def test_what_is_no_part_of_it_is_refused_by_name() -> None:
    with pytest.raises(SettingsError, match="^round: is not a setting$"):
        Budget(round=3)
