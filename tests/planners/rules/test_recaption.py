"""Subprompts: attributes, deeds, scene and style; never too long, each region with its own id."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpg.language.scene_graph.graph import Entity
from rpg.language.scene_graph.parser import parse_prompt
from rpg.planners.rules.recaption import give_places, subprompt
from rpg.planners.rules.scene import common_setting
from rpg.plans.plan import MAX_PROMPT_CHARS
from rpg.plans.wording import worded
from tests.planners.rules.helpers import plan_of


def test_all_that_is_particular_to_a_thing_is_in_its_subprompt() -> None:
    star = Entity("the", ["red"], ["star"], post="of gold", actions=["shining"])
    assert subprompt(star) == "a red star of gold shining"
    cat = Entity("a", [], ["cat"], place="in a kitchen")
    assert subprompt(cat) == "a cat in a kitchen"


def test_setting_and_style_are_said_behind_it() -> None:
    plan = plan_of("oil painting of a cat in a kitchen and a dog in a garden at night")
    assert [region.prompt for region in plan.layers()] == [
        "a cat in a kitchen",
        "a dog in a garden",
    ]
    assert worded(plan).regions == (
        "a cat in a kitchen at night, oil painting",
        "a dog in a garden at night, oil painting",
    )
    assert worded(plan).leftover == ""  # the two of them cover the canvas


@given(st.integers(1, 4), st.integers(0, 10_000), st.integers(0, 10_000))
def test_a_subprompt_is_never_too_long(words: int, deeds: int, place: int) -> None:
    cat = Entity("a", ["red"] * words, ["cat"], actions=["run " * deeds], place="x" * place)
    made = subprompt(cat)
    assert "cat" in made and len(made) <= MAX_PROMPT_CHARS


@pytest.mark.parametrize(
    ("prompt", "scene"),
    [
        ("a cat and a dog on a beach", "on a beach"),
        ("a cat and a dog on a beach at night", "on a beach at night"),
        ("In a kitchen, a cat and a dog", "in a kitchen"),
        ("a cat and a dog", ""),
    ],
)
def test_one_scene_is_everything_s(prompt: str, scene: str) -> None:
    assert common_setting(parse_prompt(prompt)).lower() == scene


def test_several_scenes_are_each_their_own_things() -> None:
    graph = parse_prompt("a cat in a kitchen, a dog in a garden")
    give_places(graph)
    assert [entity.place for entity in graph.entities] == ["in a kitchen", "in a garden"]
    assert common_setting(graph) == ""


def test_ids_are_the_noun_and_a_number() -> None:
    plan = plan_of("two red stars, a blue star and a coffee table")
    assert {region.id for region in plan.layers()} == {"star-1", "star-2", "star-3", "table-1"}


@pytest.mark.parametrize("text", ["a Café", "a 1970s car", "a 'thing'", "一", "a snow-white cat"])
def test_ids_are_plain(text: str) -> None:
    for region in plan_of(text).layers():
        assert region.id.isascii() and region.id.replace("-", "").isalnum()


def test_the_base_prompt_is_the_prompt() -> None:
    plan = plan_of("  a cat and a dog on a beach ")
    assert plan.prompt == plan.effective_base_prompt == "a cat and a dog on a beach"
    assert plan.source == "rules"
