"""Positions of boxes in words."""

from __future__ import annotations

import pytest

from rpg.language.positions import position_in_words
from rpg.plans.geometry import Box


@pytest.mark.parametrize(
    ("box", "words"),
    [
        (Box(0, 0, 1, 1), "the whole canvas"),
        (Box(0, 0, 0.5, 0.5), "top left"),
        (Box(0.5, 0.5, 1, 1), "bottom right"),
        (Box(0.3, 0.3, 0.7, 0.7), "in the middle"),
        (Box(0, 0, 1, 0.3), "top"),
        (Box(0.6, 0, 1, 1), "right"),
    ],
)
def test_where_things_are(box: Box, words: str) -> None:
    assert position_in_words(box) == words
