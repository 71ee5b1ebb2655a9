"""The reasoning says what was found, where it is, and what could not be kept or placed."""

from __future__ import annotations

import pytest

from tests.planners.rules.helpers import plan_of


def said(prompt: str, beginning: str) -> list[str]:
    return [line for line in plan_of(prompt).reasoning.splitlines() if line.startswith(beginning)]


def test_things_relations_scene_style_and_places_are_told() -> None:
    reasoning = plan_of("an oil painting of two red stars above a cat on a beach").reasoning
    entities, relations, scene, style, *placed = reasoning.splitlines()
    assert entities == "Things: 2 x a red star; a cat."
    assert relations == "Relations: 2 x a red star above a cat."
    assert scene == "Setting, said in every region: on a beach."
    assert style == "Style, said with every text: oil painting."
    assert [line.split(",")[0] for line in placed] == ["Placed: a red star"] * 2 + ["Placed: a cat"]


@pytest.mark.parametrize(
    ("prompt", "lost"),
    [
        ("a cat left of a dog, the dog left of the cat", "a dog left of a cat"),
        ("a star left of a circle and the circle left of the star", "a circle left of a star"),
        ("a cat above a dog. The dog is above the cat.", "a dog above a cat"),
        ("a cat above a dog. The cat is below the dog.", "a dog above a cat"),
        ("a cat in front of a dog. The dog is in front of the cat.", "a dog in front of a cat"),
        ("a cat left of a dog, which is left of a pig. The pig is left of the cat.",
         "a pig left of a cat"),
        ("a cat is inside a box. The box is inside the cat.", "a box inside a cat"),
        ("a cat inside a box. The cat is inside a bag.", "a cat inside a bag"),
        ("a circle surrounded by four stars. The stars are surrounded by six moons.",
         "surrounded by a moon"),
    ],
)  # fmt: skip
def test_contradictions_are_owned_up_to(prompt: str, lost: str) -> None:
    (line,) = said(prompt, "Not ")
    assert "contradicts the rest" in line
    assert lost in line


@pytest.mark.parametrize(
    ("prompt", "left"),
    [
        ("a tree to the north of a house", "north of a house"),
        ("thirteen cats", "13 cats"),
        ("a cat not on a mat", "not on a mat"),
        ("The big book was a treasure.", "a treasure"),
        ("The dog and the car cluttered the shelf.", "the shelf"),
        ("a bead in a cup in a box in a bag in a car in a ship", "no room"),
        ("un chat et un chien", "English"),
    ],
)
def test_what_cannot_be_placed_is_said(prompt: str, left: str) -> None:
    assert any(left in line for line in said(prompt, "Not placed: "))


@pytest.mark.parametrize(
    "prompt",
    ["a cat", "a cat left of a dog", "three cats on a beach at night", "a star in each corner"],
)
def test_nothing_is_said_to_be_lost_where_nothing_is(prompt: str) -> None:
    assert said(prompt, "Not ") == []


def test_too_many_regions_are_merged_and_that_is_said() -> None:
    prompt = ", ".join(f"12 {noun}" for noun in ("cats", "dogs", "pigs", "cows", "foxes", "owls"))
    plan = plan_of(prompt)
    assert len(list(plan.layers())) <= 64
    assert len(said(prompt, "Not placed: ")) == 1
    many = " and ".join(f"a {first}{last}ot" for first in "bcdfghjk" for last in "bcdfghjklm")
    assert len(list(plan_of(many).layers())) == 64
    assert len(said(many, "Not placed: ")) == 16
