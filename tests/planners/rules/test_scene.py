"""The scene of a rule plan: what a prompt says, as data; written down by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpg.planners.rules.scene import scene_of_prompt
from rpg.plans.scene import Scene
from rpg.plans.wording import worded
from tests.planners.rules.helpers import plan_of

Named = tuple[str, tuple[str, ...], int | None, str]


def things(prompt: str) -> list[Named]:
    """Name, attributes, number and owner's name of every thing."""
    scene = plan_of(prompt).scene
    owners = {thing.id: thing.name for thing in scene.things} | {"": ""}
    return [(one.name, one.attributes, one.count, owners[one.owner]) for one in scene.things]


def relations(prompt: str) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(one.subject, one.kind, one.objects) for one in plan_of(prompt).scene.relations]


@pytest.mark.parametrize(
    ("prompt", "wanted"),
    [
        ("three red stars", [("star", ("red",), 3, "")]),
        ("a red star and a blue star", [("star", ("red",), 1, ""), ("star", ("blue",), 1, "")]),
        ("some birds over grass", [("bird", (), None, "")]),
        ("20 sheep", [("sheep", (), 20, "")]),
        ("a pair of scissors", [("scissors", (), 1, "")]),
        ("a black and white cat", [("cat", ("black and white",), 1, "")]),
        ("a light blue coffee table", [("coffee table", ("light blue",), 1, "")]),
        ("a small, rusty car parked", [("car", ("small", "rusty", "parked"), 1, "")]),
        ("a vase of tulips", [("vase", ("of tulips",), 1, "")]),
        ("a man with a red hat", [("man", ("with a red hat",), 1, "")]),
        ("a dog inside a box", [("dog", (), 1, "box"), ("box", (), 1, "")]),
        ("a dog between two cats", [("dog", (), 1, ""), ("cat", (), 2, "")]),
        ("a star on the left and a star on the right", [("star", (), 2, "")]),
        ("the dog's house", [("house", (), 1, "")]),
    ],
)
def test_things_have_their_looks_numbers_and_owners(prompt: str, wanted: list[Named]) -> None:
    assert things(prompt) == wanted


@pytest.mark.parametrize(
    ("prompt", "wanted"),
    [
        ("a cat left of a dog", [("cat", "left of", ("dog",))]),
        ("a cat between a dog and a pig", [("cat", "between", ("dog", "pig"))]),
        ("a dog between two cats", [("dog", "between", ("cat",))]),
        ("a red star above a blue star", [("star", "above", ("star-2",))]),
        ("a cat and a dog", []),
    ],
)
def test_relations_are_those_of_the_prompt(
    prompt: str, wanted: list[tuple[str, str, tuple[str, ...]]]
) -> None:
    assert relations(prompt) == wanted


def test_every_one_of_a_kind_shows_the_one_thing() -> None:
    plan = plan_of("two cats on both sides of a dog in the snow")
    assert [region.prompt for region in plan.shown_by("cat")] == ["a cat", "a cat"]
    assert [region.prompt for region in plan.shown_by("dog")] == ["a dog"]
    assert plan.scene.setting == "in the snow"


def test_what_is_not_there_is_absent_and_in_no_text() -> None:
    plan = plan_of("a beach at dusk, no people")
    assert (plan.negative, plan.scene.absent, plan.effective_negative) == (
        "",
        ("people",),
        "people",
    )
    assert not any("people" in text for text in worded(plan).regions)


def test_a_prompt_typed_for_hand_drawn_boxes_gives_the_frame_alone() -> None:
    prompt = "an oil painting of a fox and a rabbit in a garden at sunset, no birds"
    assert scene_of_prompt(prompt) == Scene(
        setting="in a garden at sunset", style="oil painting", absent=("birds",)
    )
    assert scene_of_prompt("un chat") == Scene()


@given(st.text(max_size=80))
def test_any_words_have_a_scene(prompt: str) -> None:
    assert scene_of_prompt(prompt).things == ()
