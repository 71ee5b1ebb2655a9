"""Vocabulary, scenes, pictures and captions of Toybox's world."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpg.toybox import COLOURS, FILLS, PLACES, THINGS, describe_world, unknown_words
from rpg.toybox._paint import lab
from rpg.toybox.captions import caption
from rpg.toybox.renderer import render
from rpg.toybox.scene import SMALLEST_SIDE, Scene, Thing, random_scene
from rpg.toybox.scenery import ground
from rpg.toybox.shapes import parts
from rpg.toybox.sprites import PERIOD, silhouette, tile
from rpg.toybox.vocabulary import (
    DEFAULT_PLACE,
    PLACE_PHRASES,
    SYNONYMS,
    canonical,
    known_words,
    place_meant,
    plural,
)

seeds = st.integers(0, 2**32)
sizes = st.sampled_from([(128, 128), (160, 128), (192, 192), (128, 256), (256, 256)])


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
    said = [canonical(word.strip(",")) for word in words.replace("polka-", "").split()]
    for thing in scene.things:
        assert {thing.name, thing.colour} <= set(said)
    kinds = {thing.kind for thing in scene.things}
    assert len([word for word in said if word in THINGS]) in (len(kinds), len(scene.things))


@given(seeds)
def test_captions_say_the_fill_and_the_place(seed: int) -> None:
    rng = random.Random(seed)
    scene = random_scene(rng, 128, 128, 1)
    words, (thing,) = caption(scene, rng), scene.things
    stems = {"striped": "strip", "dotted": "dot", "checkered": "check"}
    if thing.fill != "plain":
        assert stems[thing.fill] in words.replace("spotted", "dotted")
    if scene.place != DEFAULT_PLACE:
        assert any(phrase in words for phrase in PLACE_PHRASES[scene.place])


@pytest.mark.parametrize(
    ("x", "y", "word"),
    [(60, 128, "left"), (200, 128, "right"), (128, 60, "above"), (128, 200, "below")],
)
def test_relations_in_captions_are_true(x: float, y: float, word: str) -> None:
    star = Thing("star", "red", x, y, 60)
    scene = Scene(256, 256, (star, Thing("heart", "blue", 128, 128, 60)))
    said = {caption(scene, random.Random(seed)) for seed in range(300)}
    said = {text for text in said if "left" not in text or "right" not in text}
    opposite = {"left": "right", "right": "left", "above": "below", "below": "above"}[word]
    first = {text for text in said if text.index("star") < text.index("heart")}
    assert any(f" {word}" in text for text in first)
    assert not any(f" {opposite} " in text for text in first)


def test_both_sides_in_captions_are_true() -> None:
    star, heart = Thing("star", "red", 60, 128, 60), Thing("heart", "blue", 190, 128, 60)
    said = {caption(Scene(256, 256, (star, heart)), random.Random(seed)) for seed in range(400)}
    both = {text for text in said if "left" in text and "right" in text}
    assert both
    assert all(text.index("star") < text.index("heart") for text in both)


@pytest.mark.parametrize("name", THINGS)
def test_every_drawing_fills_its_square(name: str) -> None:
    points = np.array([point for _, polygon in parts(name) for point in polygon])
    assert np.abs(points).max() == pytest.approx(1)
    assert np.ptp(points, axis=0).max() == pytest.approx(2)


def test_no_two_silhouettes_are_nearly_the_same() -> None:
    masks = {name: silhouette(name, 96) > 0 for name in THINGS}
    for first, second in itertools.combinations(THINGS, 2):
        a, b = masks[first], masks[second]
        assert (a & b).sum() / (a | b).sum() < 0.9, (first, second)


def test_colours_stand_out_from_each_other_and_from_every_ground() -> None:
    colours = lab(np.array(list(COLOURS.values()), np.uint8))
    grounds = lab(np.array(list(PLACES.values()), np.uint8))
    pairs = [np.linalg.norm(a - b) for a, b in itertools.combinations(colours, 2)]
    assert min(pairs) > 30
    assert min(np.linalg.norm(a - b) for a in colours for b in grounds) > 25
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(grounds, 2)) > 10


def test_a_picture_has_the_colours_of_its_scene() -> None:
    scene = Scene(160, 128, (Thing("square", "green", 60, 60, 80),), "at night")
    image = render(scene)
    assert image.size == (160, 128)
    assert image.getpixel((60, 60)) == pytest.approx(COLOURS["green"], abs=3)
    pixels = np.asarray(image)[:, 110:].reshape(-1, 3)
    assert tuple(np.median(pixels, axis=0)) == PLACES["at night"]


@pytest.mark.parametrize("fill", FILLS[1:])
def test_a_fill_shows_both_tones_and_lies_still(fill: str) -> None:
    assert tile(fill).shape == (PERIOD, PERIOD)
    assert 0.25 < tile(fill).mean() < 0.6
    one, moved = (
        np.asarray(render(Scene(192, 128, (Thing("square", "blue", x, 64, 80, fill),)))).astype(int)
        for x in (70, 86)
    )
    assert np.abs(one[40:90, 60:100] - moved[40:90, 60:100]).max() < 12  # the shading moves


def test_a_backdrop_is_the_same_on_every_canvas() -> None:
    small, large = ground("on the sea", 128, 96, 3), ground("on the sea", 600, 256, 3)
    assert np.array_equal(small, large[:96, :128])
    assert not np.array_equal(small, ground("on the sea", 128, 96, 4))


def test_things_may_reach_beyond_the_canvas() -> None:
    image = render(Scene(128, 128, (Thing("cat", "pink", 10, 128, 80),)))
    assert image.size == (128, 128)


def test_the_same_seed_draws_the_same_scene() -> None:
    assert random_scene(random.Random(5), 256, 256, 3) == random_scene(
        random.Random(5), 256, 256, 3
    )


def test_unknown_words_are_listed_once_in_order() -> None:
    assert unknown_words("A red Dragon, a blue dragon and 7 stars") == ("dragon", "7")
    assert unknown_words("two polka-dotted kittens at night") == ()


def test_other_words_mean_the_worlds_own() -> None:
    assert [canonical(word) for word in ("Kittens", "grey", "mug", "dragon")] == [
        *("cat", "gray", "cup", "dragon")
    ]
    assert set(SYNONYMS.values()) <= known_words()


@pytest.mark.parametrize("place", list(PLACES))
def test_every_phrase_names_its_place_and_no_other(place: str) -> None:
    assert {place_meant(f"a red star {phrase}") for phrase in PLACE_PHRASES[place]} == {place}
    assert place_meant("a red star") is None


def test_the_world_is_described_from_the_vocabulary() -> None:
    said = describe_world()
    assert all(word in said for word in (*map(plural, THINGS), *COLOURS, *FILLS, *PLACES))
    assert set(THINGS) | set(COLOURS) | set(FILLS) <= known_words()
