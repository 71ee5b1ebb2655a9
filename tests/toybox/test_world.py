"""Vocabulary, scenes, pictures and captions of Toybox's world."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpg.toybox import COLOURS, PLACES, THINGS, describe_world, unknown_words
from rpg.toybox.captions import caption
from rpg.toybox.renderer import outline, render
from rpg.toybox.scene import SMALLEST_SIDE, Scene, Thing, random_scene
from rpg.toybox.vocabulary import known_words, plural

seeds = st.integers(0, 2**32)
sizes = st.sampled_from([(32, 32), (64, 32), (48, 48), (64, 64), (96, 64)])


@given(seeds, sizes, st.integers(1, 6))
def test_things_stand_apart_and_inside_the_canvas(
    seed: int, size: tuple[int, int], count: int
) -> None:
    scene = random_scene(random.Random(seed), *size, count)
    assert 1 <= len(scene.things) <= count
    for index, thing in enumerate(scene.things):
        assert thing.side >= SMALLEST_SIDE
        assert thing.side / 2 <= thing.x <= scene.width - thing.side / 2
        assert thing.side / 2 <= thing.y <= scene.height - thing.side / 2
        assert all(thing.clear_of(other) for other in scene.things[index + 1 :])


@given(seeds, sizes, st.integers(1, 3))
def test_captions_use_known_words_and_name_every_thing(
    seed: int, size: tuple[int, int], count: int
) -> None:
    rng = random.Random(seed)
    scene = random_scene(rng, *size, count)
    words = caption(scene, rng)
    assert unknown_words(words) == ()
    for thing in scene.things:
        assert any(f"{thing.colour} {name}" in words for name in (thing.name, plural(thing.name)))


@pytest.mark.parametrize(
    ("x", "y", "word"), [(12, 32, "left"), (52, 32, "right"), (32, 12, "above"), (32, 52, "below")]
)
def test_relations_in_captions_are_true(x: float, y: float, word: str) -> None:
    star = Thing("star", "red", x, y, 16)
    scene = Scene(64, 64, (star, Thing("moon", "blue", 32, 32, 16)))
    said = {caption(scene, random.Random(seed)) for seed in range(200)}
    opposite = {"left": "right", "right": "left", "above": "below", "below": "above"}[word]
    assert any(f"{word}" in text and text.index("star") < text.index("moon") for text in said)
    assert not any(
        f" {opposite} " in text and text.index("star") < text.index("moon") for text in said
    )


@pytest.mark.parametrize("name", THINGS)
def test_every_outline_fills_its_square(name: str) -> None:
    points = np.array(outline(name))
    assert np.abs(points).max() == pytest.approx(1)
    assert np.ptp(points, axis=0).max() == pytest.approx(2)


def test_a_picture_has_the_colours_of_its_scene() -> None:
    scene = Scene(64, 48, (Thing("square", "green", 30, 20, 20),), "at night")
    image = render(scene)
    assert image.size == (64, 48)
    assert image.getpixel((30, 20)) == COLOURS["green"]
    assert image.getpixel((60, 44)) == PLACES["at night"]


def test_the_same_seed_draws_the_same_scene() -> None:
    assert random_scene(random.Random(5), 64, 64, 3) == random_scene(random.Random(5), 64, 64, 3)


def test_unknown_words_are_listed_once_in_order() -> None:
    assert unknown_words("A red Dragon, a blue dragon and 7 stars") == ("dragon", "7")
    assert unknown_words("two red stars at night") == ()


def test_the_world_is_described_from_the_vocabulary() -> None:
    said = describe_world()
    assert all(word in said for word in (*map(plural, THINGS), *COLOURS, *PLACES))
    assert set(THINGS) | set(COLOURS) <= known_words()
