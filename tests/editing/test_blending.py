"""The measure of patches: on painted pictures, whose differences are known."""

from __future__ import annotations

import pytest
from PIL import Image

from benchmarks.blending import difference
from rpg.plans.geometry import FULL, Box
from rpg.toybox.detector import detect
from rpg.toybox.vocabulary import COLOURS, PLACES

MEADOW = PLACES["in the meadow"]
BOX = Box(0.5, 0.25, 1, 0.75)


def picture(patch: tuple[int, int, int] = MEADOW) -> Image.Image:
    """A red square in a box of a meadow."""
    image = Image.new("RGB", (256, 256), MEADOW)
    image.paste(patch, BOX.to_pixels(256, 256))
    image.paste(COLOURS["red"], (160, 96, 224, 160))
    return image


def test_ground_of_one_colour_is_no_patch_whatever_stands_on_it() -> None:
    image = picture()
    assert len(detect(image)) == 1
    assert difference(image, BOX, detect(image)) < 0.1
    assert difference(image, BOX, []) > 10  # the thing itself, were it taken for ground


def test_a_patch_of_grey_is_as_far_off_as_it_is_lighter() -> None:
    image = Image.new("RGB", (64, 64), (119, 119, 119))  # L* 50 in CIELAB
    image.paste((145, 145, 145), BOX.to_pixels(64, 64))  # L* 60
    assert difference(image, BOX, []) == pytest.approx(10, abs=0.3)


def test_no_ground_at_all_is_the_farthest() -> None:
    assert difference(picture(), FULL, []) == 100
