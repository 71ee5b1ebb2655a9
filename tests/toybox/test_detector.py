"""The detector against the renderer: what was drawn is what is found."""

from __future__ import annotations

import random

import numpy as np
import pytest
from PIL import Image

from benchmarks.detector import SIZES, share_named
from rpg.toybox import PLACES
from rpg.toybox.detector import detect, place_of
from rpg.toybox.renderer import render
from rpg.toybox.scene import Scene, Thing, random_scene


@pytest.mark.parametrize("size", SIZES)
def test_it_names_99_of_100_things_in_fresh_scenes(size: tuple[int, int]) -> None:
    assert share_named(size, 120, seed=1) >= 0.99


@pytest.mark.parametrize("size", SIZES)
def test_it_finds_no_more_than_was_drawn(size: tuple[int, int]) -> None:
    rng = random.Random(str(size))
    for number in range(40):
        scene = random_scene(rng, *size, 1 + number % 6)
        assert len(detect(render(scene))) <= len(scene.things)


@pytest.mark.parametrize("place", list(PLACES))
def test_an_empty_place_holds_nothing(place: str) -> None:
    image = render(Scene(64, 64, (), place))
    assert detect(image) == []
    assert place_of(image) == place


def test_box_and_contour_fit_the_thing() -> None:
    (found,) = detect(render(Scene(64, 64, (Thing("square", "red", 30, 24, 20),))))
    assert found.box == (20, 14, 40, 34)
    assert found.contour.min(axis=0).tolist() == [20, 14]
    assert found.contour.max(axis=0).tolist() == [39, 33]
    assert found.centre == (30, 24)
    assert found.overlap > 0.95


def test_touching_things_of_two_colours_are_two() -> None:
    things = (Thing("square", "red", 20, 32, 20), Thing("circle", "blue", 40, 32, 20))
    found = detect(render(Scene(64, 64, things)))
    assert [(d.colour, d.name) for d in found] == [("red", "square"), ("blue", "circle")]


def test_a_shapeless_blot_has_a_colour_but_no_name() -> None:
    pixels = np.array(render(Scene(64, 64, ())))
    pixels[10:14, 8:56] = (222, 40, 48)
    (found,) = detect(Image.fromarray(pixels))
    assert (found.name, found.colour) == (None, "red")


def test_a_colour_outside_the_palette_has_no_name() -> None:
    pixels = np.array(render(Scene(64, 64, ())))
    pixels[20:40, 20:40] = (0, 255, 255)
    (found,) = detect(Image.fromarray(pixels))
    assert (found.name, found.colour) == ("square", None)


def test_noise_on_the_picture_does_not_matter() -> None:
    scene = random_scene(random.Random(3), 64, 64, 3)
    noise = np.random.default_rng(0).normal(0, 4, (64, 64, 3))
    noisy = np.clip(np.asarray(render(scene)) + noise, 0, 255).astype(np.uint8)
    expected = sorted((t.colour, t.name) for t in scene.things)
    assert sorted((d.colour, d.name) for d in detect(Image.fromarray(noisy))) == expected
