"""Instructions that change what things look like, or what they are, and the scene."""

from __future__ import annotations

import pytest

from rpg.planners import RulePlanner
from rpg.planners.rules.commands.text.attribute_kinds import changed
from rpg.planners.rules.commands.text.setting_phrases import settings_of, with_setting
from rpg.planners.rules.commands.text.style_phrases import style_of, with_style
from tests.planners.rules.commands.helpers import PLANS, box, follows, prompts, told


@pytest.mark.parametrize(
    "instruction",
    [
        "make the star green",
        "Make the star green.",
        "please turn the star green",
        "paint the red star green",
        "colour the star green",
        "change the colour of the star to green",
        "change the star's color to green",
        "the star should be green",
        "I'd like the star to be green",
        "can you make the star green, please?",
        "make the left one green",
        "make the star on the left green",
        "make the one left of the circle green",
        "make star-1 green",
    ],
)
def test_a_colour_takes_the_place_of_the_old_one(instruction: str) -> None:
    plan = told("pair", instruction)
    assert prompts(plan) == {"star-1": "a green star", "circle-1": "a blue circle"}
    assert plan.prompt == plan.effective_base_prompt == "a green star left of a blue circle"


@pytest.mark.parametrize(
    ("old", "new", "result"),
    [
        ("red", "blue", "blue"),
        ("small red", "blue", "small blue"),
        ("red", "wooden", "red wooden"),
        ("wooden", "green", "green wooden"),
        ("red", "huge", "huge red"),
        ("big shiny", "small", "small shiny"),
        ("light blue", "red", "red"),
        ("blue", "dark green", "dark green"),
        ("black and white", "orange", "orange"),
        ("striped", "spotted", "spotted"),
        ("old", "new", "new"),
        ("old wooden", "stone", "old stone"),
        ("", "blue", "blue"),
        ("red", "red", "red"),
    ],
)
def test_an_attribute_replaces_those_of_its_kind(old: str, new: str, result: str) -> None:
    assert changed(old.split(), new.split()) == result.split()


@pytest.mark.parametrize(
    ("instruction", "prompt"),
    [
        ("make the house wooden", "a wooden house"),
        ("make the house old and blue", "an old blue house"),
        ("make the house made of gold", "a house made of gold"),
        ("turn the house into a castle", "a castle"),
        ("make the house a red castle", "a red castle"),
        ("replace the house with a castle", "a castle"),
        ("a castle instead of the house", "a castle"),
        ("put a castle instead of the house", "a castle"),
        ("swap the house for a castle", "a castle"),
        ("use an igloo in place of the house", "an igloo"),
        ("give the house a red roof", "a house with a red roof"),
        ("make the house look older", "an old house"),
    ],
)
def test_things_become_other_things_and_keep_their_id(instruction: str, prompt: str) -> None:
    plan = told("village", instruction)
    assert prompts(plan) == {"house-1": prompt, "tree-1": "a tree"}
    assert plan.effective_base_prompt == f"{prompt} and a tree"
    assert box(plan, "house-1") == box(PLANS["village"], "house-1")


def test_made_into_something_keeps_the_attributes_but_a_replacement_does_not() -> None:
    assert prompts(told("pair", "make the star a heart"))["star-1"] == "a red heart"
    assert prompts(told("pair", "replace the star with a heart"))["star-1"] == "a heart"


@pytest.mark.parametrize(
    ("instruction", "man"),
    [
        ("make the hat green", "a man with a green hat"),
        ("give the man a blue hat", "a man with a blue hat"),
        ("give the man a beard", "a man with a beard and a red hat"),
        ("make the man dance", "a man with a red hat dancing"),
        ("the man should wear a coat", "a man with a red hat wearing a coat"),
    ],
)
def test_parts_and_deeds(instruction: str, man: str) -> None:
    plan = told("beach", instruction)
    assert prompts(plan) == {"man-1": f"{man} on the beach", "woman-1": "a woman on the beach"}


def test_one_verb_serves_for_several() -> None:
    plan = told("painting", "make the fox white and the rabbit black")
    assert plan.prompt == (
        "an oil painting of a white fox and a black rabbit in a garden at sunset"
    )
    both = told("painting", "make the fox and the rabbit white")
    assert [text.split()[1] for text in prompts(both).values()] == ["white", "white"]


@pytest.mark.parametrize(
    ("instruction", "tail"),
    [
        ("make it night", "in a garden at night"),
        ("set it at night", "in a garden at night"),
        ("turn the background into night", "in a garden at night"),
        ("change sunset to dawn", "in a garden at dawn"),
        ("it should be night", "in a garden at night"),
        ("night", "in a garden at night"),
        ("set it in the snow", "in a garden at sunset in the snow"),
        ("make it rainy", "in a garden at sunset in the rain"),
        ("add fog", "in a garden at sunset in the fog"),
        ("put it on the beach", "at sunset on the beach"),
        ("change the background to a snowy forest", "at sunset in a snowy forest"),
        ("make the garden a desert", "at sunset in a desert"),
        ("make the background plain white", "at sunset on a plain white background"),
        ("set the scene in a city at night", "in a city at night"),
        ("make the garden snowy", "in a snowy garden at sunset"),
    ],
)
def test_a_scene_changes_once_in_every_prompt(instruction: str, tail: str) -> None:
    plan = told("painting", instruction)
    assert prompts(plan) == {
        "fox-1": f"a fox {tail}, oil painting",
        "rabbit-1": f"a rabbit {tail}, oil painting",
    }
    assert (
        plan.prompt == plan.effective_base_prompt == f"an oil painting of a fox and a rabbit {tail}"
    )


def test_the_same_scene_again_changes_nothing() -> None:
    for scene in ("at night", "in the snow", "on the beach"):
        once = with_setting("in a garden at dusk", scene)
        assert with_setting(once, scene) == once
    assert with_setting("", "at night") == "at night"
    assert with_setting("snowy pass, late evening, drifting fog", "at noon") == (
        "snowy pass, drifting fog at noon"
    )


@pytest.mark.parametrize("words", ["a circle", "blue", "the dog", "", "bigger", "three stars"])
def test_other_words_are_no_scene(words: str) -> None:
    assert settings_of(words) == ()


def test_what_is_inside_a_building_stays_there_when_the_scene_changes() -> None:
    plan = told("village", "add a dog inside the house, then turn the background into a city")
    assert plan.prompt == "a dog inside a house to the left of a tree in a city"


@pytest.mark.parametrize(
    ("instruction", "style"),
    [
        ("make it a watercolor", "watercolor"),
        ("paint it in watercolors", "watercolor"),
        ("use a watercolor style", "watercolor"),
        ("change the oil painting to a watercolor", "watercolor"),
        ("Change the Oil Painting to a watercolor", "watercolor"),
        ("turn it into a pencil sketch", "pencil sketch"),
        ("draw it as a comic", "comic style"),
        ("make the picture pixel art", "pixel art"),
        ("make everything low poly", "low-poly"),
        ("turn it into a photo", "realistic photo"),
        ("give it an anime look", "anime"),
        ("in the style of Van Gogh", "in the style of Van Gogh"),
        ("change the style to ukiyo-e style", "ukiyo-e style"),
        ("make the picture black and white", "in black and white"),
        ("make it in black and white", "in black and white"),
        ("make it a glass look", "glass style"),
    ],
)
def test_a_style_takes_the_place_of_another_in_every_prompt(instruction: str, style: str) -> None:
    plan, tail = told("painting", instruction), f"{', ' * (style[:3] != 'in ') or ' '}{style}"
    assert prompts(plan) == {
        "fox-1": f"a fox in a garden at sunset{tail}",
        "rabbit-1": f"a rabbit in a garden at sunset{tail}",
    }
    assert plan.scene.style == style
    assert plan.prompt == f"a fox and a rabbit in a garden at sunset{tail}"
    assert plan.effective_base_prompt == plan.prompt
    assert follows(plan, f"change the style to {style}") == plan
    assert prompts(follows(plan, "make it an oil painting"))["fox-1"].endswith(", oil painting")


def test_a_style_leaves_words_of_quality_and_serves_beside_other_wishes() -> None:
    assert with_style("oil painting, highly detailed", "watercolor") == (
        "highly detailed, watercolor"
    )
    plan = told("pair", "make it watercolor and night, and make the star green")
    assert prompts(plan) == {
        "star-1": "a green star at night, watercolor",
        "circle-1": "a blue circle at night, watercolor",
    }
    assert plan.prompt == "a green star left of a blue circle at night, watercolor"


def test_black_and_white_is_the_colour_of_one_thing_or_of_the_picture() -> None:
    cat = RulePlanner().plan("a cat")
    assert prompts(follows(cat, "make it black and white")) == {"cat-1": "a black and white cat"}
    assert prompts(follows(cat, "make the image black and white")) == {
        "cat-1": "a cat in black and white"
    }


@pytest.mark.parametrize("words", ["blue", "a circle", "the dog", "night", "bigger", "a house", ""])
def test_other_words_are_no_style(words: str) -> None:
    assert style_of(words) is None
