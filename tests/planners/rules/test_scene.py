"""The scene of a rule plan: what a prompt says, as data; written down by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpg.defaults import ModelDefaults
from rpg.planners.base import ModelNotes, noted
from rpg.planners.rules import RulePlanner
from rpg.planners.rules.scene import scene_of_prompt
from rpg.plans.plan import Plan
from rpg.plans.scene import Scene
from rpg.plans.wording import worded
from tests.planners.rules.helpers import only, plan_of, stands

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


# Boxes of the things' own shape -------------------------------------------------------------------

NOTES = ModelNotes(sizes=((256, 256),), region_side=64, vocabulary="It draws stars.")
STARS = [f"a {colour} star" for colour in "red blue green pink teal gold orange purple".split()]


def shaped(prompt: str, notes: ModelNotes = NOTES) -> Plan:
    return noted(RulePlanner(shaped=True), notes).plan(prompt)


@pytest.mark.parametrize("count", [2, 3, 4, 5, 6, 8])
def test_boxes_are_square_in_the_middle_of_their_cells(count: int) -> None:
    prompt = ", ".join(STARS[:count])
    tiled, made = plan_of(prompt).layers(), shaped(prompt).layers()
    for cell, region in zip(tiled, made, strict=True):
        assert region.box.center == pytest.approx(cell.box.center)
        assert cell.box.intersection(region.box) == region.box
        assert region.box.width == pytest.approx(region.box.height)
        assert region.box.width >= 0.25 - 1e-9


@pytest.mark.parametrize("side", [64, 100, 128, 200])
@pytest.mark.parametrize("count", [1, 2, 3, 5, 8])
def test_the_canvas_stays_and_sides_are_long_enough(count: int, side: int) -> None:
    model = ModelDefaults(width=256, height=256, region_side=side)
    notes = ModelNotes(sizes=((256, 256),), region_side=side, vocabulary="It draws stars.")
    prompt = "from left to right " + ", ".join(STARS[:count])
    tiled = [region.box for region in plan_of(prompt).layers()]
    made = [region.box for region in shaped(prompt, notes).layers()]
    size = model.canvas(tiled)
    assert model.canvas(made) == size
    for cell, box in zip(tiled, made, strict=True):
        least = min(side, cell.width * size[0], cell.height * size[1])
        assert min(box.width * size[0], box.height * size[1]) >= least - 1e-6


def test_relations_hold_and_crowds_and_what_overlaps_keep_their_boxes() -> None:
    plan = shaped("a red cat above a blue dog and left of a green star")
    assert stands(only(plan, "cat"), "above", only(plan, "dog"))
    assert stands(only(plan, "cat"), "left", only(plan, "star"))
    for prompt in ("some birds and some fish", "a cat in front of a house", "a dog inside a box"):
        assert shaped(prompt) == plan_of(prompt)


def test_shapes_are_off_by_default_and_for_models_that_know_all_words() -> None:
    prompt = "a red star and a blue star"
    assert noted(RulePlanner(), NOTES).plan(prompt) == plan_of(prompt)
    assert shaped(prompt, ModelNotes(sizes=((1024, 1024),))) == plan_of(prompt)
    assert shaped(prompt) != plan_of(prompt)
