"""The detector against the renderer: what was drawn is what is found."""

from __future__ import annotations

import random

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from benchmarks.detector import SIZES, share_named
from rpg.toybox import COLOURS, FILLS, PLACES, THINGS, _forms
from rpg.toybox._paint import lab
from rpg.toybox.detector import detect, place_of
from rpg.toybox.renderer import render
from rpg.toybox.scene import Scene, Thing, random_scene
from rpg.toybox.sprites import silhouette


@pytest.mark.parametrize("size", SIZES)
def test_it_names_99_of_100_things_in_fresh_scenes(size: tuple[int, int]) -> None:
    shares = share_named(size, 36, seed=1)
    assert shares["all"] >= 0.99
    assert shares["place"] == 1
    assert shares["number"] >= 0.97


def test_it_names_things_in_softened_pictures() -> None:
    def softened(image: Image.Image) -> Image.Image:
        return image.filter(ImageFilter.GaussianBlur(1.2))

    assert share_named((256, 256), 36, seed=2, through=softened)["all"] >= 0.98


@pytest.mark.parametrize("name", THINGS)
def test_it_knows_every_thing_in_every_fill(name: str) -> None:
    for number, fill in enumerate(FILLS):
        colour, place = list(COLOURS)[number], list(PLACES)[number]
        thing = Thing(name, colour, 64 + 2 * number, 64, 80 + 8 * number, fill)
        (found,) = detect(render(Scene(128, 128, (thing,), place, number)))
        assert (found.name, found.colour, found.fill) == (name, colour, fill)


@pytest.mark.parametrize("place", list(PLACES))
def test_an_empty_place_holds_nothing(place: str) -> None:
    for backdrop in range(4):
        image = render(Scene(256, 192, (), place, backdrop))
        assert detect(image) == []
        assert place_of(image) == place


def test_box_and_contour_fit_the_thing() -> None:
    (found,) = detect(render(Scene(128, 128, (Thing("square", "red", 70, 54, 80),))))
    assert found.box == (30, 14, 110, 94)
    assert found.contour.min(axis=0).tolist() == [30, 14]
    assert found.contour.max(axis=0).tolist() == [109, 93]
    assert found.centre == (70, 54)
    assert found.overlap > 0.95


def test_touching_things_of_two_colours_are_two() -> None:
    things = (Thing("square", "red", 60, 64, 80), Thing("circle", "blue", 139, 64, 80))
    found = detect(render(Scene(192, 128, things)))
    assert [(d.colour, d.name) for d in found] == [("red", "square"), ("blue", "circle")]


@pytest.mark.parametrize("name", THINGS)
def test_it_knows_things_that_are_drawn_too_wide(name: str) -> None:
    image = render(Scene(128, 128, (Thing(name, "blue", 64, 64, 90, "striped"),)))
    (found,) = detect(image.resize((147, 128)))
    assert found.name == name


@pytest.mark.parametrize("name", ["house", "flower", "mushroom", "boat", "car", "cup"])
def test_the_tones_within_speak_for_a_form(name: str) -> None:
    part, lightness = _alone(name)
    bare, both = _forms.best(part), _forms.best(part, lightness)
    assert bare.name == both.name == name
    assert both.lead > bare.lead + 0.02


def test_the_tones_of_a_plain_form_say_nothing() -> None:
    part, lightness = _alone("circle")
    assert _forms.best(part, lightness).overlap == _forms.best(part).overlap
    assert _forms.best(part, np.full_like(lightness, 50.0)) == _forms.best(part)


def _alone(name: str) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    """Where the thing covers a picture, and the picture's lightness."""
    pixels = np.array(render(Scene(128, 128, (Thing(name, "blue", 64, 64, 90),))))
    covered = np.zeros((128, 128), bool)
    covered[19:109, 19:109] = silhouette(name, 90) > 0
    return covered, lab(pixels)[..., 0]


def test_a_shapeless_blot_has_a_colour_but_no_name() -> None:
    pixels = np.array(render(Scene(128, 128, ())))
    pixels[40:56, 8:120] = COLOURS["red"]
    (found,) = detect(Image.fromarray(pixels))
    assert (found.name, found.colour) == (None, "red")


def test_a_colour_outside_the_palette_has_no_name() -> None:
    pixels = np.array(render(Scene(128, 128, ())))
    pixels[30:90, 30:90] = (0, 255, 0)
    (found,) = detect(Image.fromarray(pixels))
    assert (found.name, found.colour, found.fill) == ("square", None, None)


def test_noise_on_the_picture_does_not_matter() -> None:
    scene = random_scene(random.Random(3), 256, 256, 3)
    noise = np.random.default_rng(0).normal(0, 4, (256, 256, 3))
    noisy = np.clip(np.asarray(render(scene)) + noise, 0, 255).astype(np.uint8)
    expected = sorted(thing.kind for thing in scene.things)
    found = detect(Image.fromarray(noisy))
    assert sorted((str(d.fill), str(d.colour), str(d.name)) for d in found) == expected
