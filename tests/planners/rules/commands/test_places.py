"""Instructions that add, remove and move: where things end up, and what makes room."""

from __future__ import annotations

import pytest

from rpg.errors import PlanError
from rpg.language.positions import position_in_words
from rpg.plans.geometry import Box
from tests.planners.rules.commands.helpers import PLANS, box, disjoint, prompts, regions, told


@pytest.mark.parametrize(
    ("instruction", "where"),
    [
        ("add a moon top right", "top right"),
        ("put a moon in the top right corner", "top right"),
        ("add a moon in the upper left", "top left"),
        ("draw a moon at the bottom", "bottom"),
        ("insert a moon on the right", "right"),
        ("there should be a moon in the middle", "in the middle"),
        ("a moon in the bottom left corner", "bottom left"),
        ("add a moon to the top right", "top right"),
    ],
)
@pytest.mark.parametrize("name", ["pair", "village", "sky", "row"])
def test_an_added_thing_goes_where_it_should(name: str, instruction: str, where: str) -> None:
    plan = told(name, instruction)
    (new,) = regions(plan).keys() - regions(PLANS[name]).keys()
    assert position_in_words(box(plan, new)) == where
    assert disjoint(plan)
    assert regions(PLANS[name]).keys() < regions(plan).keys()
    assert "moon" in plan.effective_base_prompt


@pytest.mark.parametrize(
    ("relation", "dx", "dy"),
    [
        ("to the left of", -1, 0),
        ("left of", -1, 0),
        ("to the right of", 1, 0),
        ("above", 0, -1),
        ("on top of", 0, -1),
        ("below", 0, 1),
        ("under", 0, 1),
    ],
)
@pytest.mark.parametrize("verb", ["add a dog", "put a dog", "I want a dog", "move the tree"])
def test_relations_hold(verb: str, relation: str, dx: int, dy: int) -> None:
    plan = told("village", f"{verb} {relation} the house")
    name = "tree-1" if "tree" in verb else "dog-1"
    (x, y), (ox, oy) = box(plan, name).center, box(plan, "house-1").center
    assert (x - ox) * dx + (y - oy) * dy > 0.05
    assert disjoint(plan)


def test_between_in_front_behind_and_inside() -> None:
    between = told("village", "add a river between the house and the tree")
    order = sorted(regions(between), key=lambda name: box(between, name).x0)
    assert order == ["house-1", "river-1", "tree-1"]
    front = regions(told("village", "add a dog in front of the house"))
    assert front["dog-1"].z > front["house-1"].z
    assert front["house-1"].box.intersection(front["dog-1"].box) == front["dog-1"].box
    behind = regions(told("village", "move the tree behind the house"))
    assert behind["tree-1"].z < behind["house-1"].z
    inside = told("village", "add a cat inside the house")
    assert [child.id for child in inside.regions[0].children] == ["cat-1"]
    assert told("castle", "add a sea in the background").layers()[0].id == "sea-1"


def test_several_at_once() -> None:
    sides = told("village", "add trees on both sides of the house")
    x = [box(sides, name).center[0] for name in ("tree-2", "house-1", "tree-3")]
    assert x == sorted(x)
    corners = told("castle", "put a star in each corner")
    assert {position_in_words(box(corners, f"star-{n}")) for n in range(1, 5)} == {
        "top left", "top right", "bottom left", "bottom right"
    }  # fmt: skip
    row = told("village", "add three birds at the top")
    assert len({box(row, f"bird-{n}").y1 for n in range(1, 4)}) == 1
    two = told("village", "add a moon top right and a sun top left")
    assert position_in_words(box(two, "moon-1")) == "top right"
    assert position_in_words(box(two, "sun-1")) == "top left"
    held = told("village", "add a girl holding a red balloon on the left")
    assert [child.id for r in held.regions for child in r.children] == ["balloon-1"]


@pytest.mark.parametrize(
    ("instruction", "stars"),
    [
        ("two more stars", 5),
        ("add two more stars", 5),
        ("another star", 4),
        ("one more red star please", 4),
        ("one star less", 2),
        ("two fewer stars", 1),
        ("remove one star", 2),
        ("remove two of the stars", 1),
        ("remove the stars", 0),
        ("delete all the stars", 0),
        ("take away both red stars on the left", 1),
        ("no stars", 0),
        ("only two stars", 2),
        ("make it five stars", 5),
        ("duplicate the star at the bottom left", 4),
        ("clone the stars", 6),
        ("copy the star at the bottom left three times", 6),
        ("keep only the moon", 0),
        ("remove everything except the stars", 3),
    ],
)
def test_numbers(instruction: str, stars: int) -> None:
    plan = told("sky", instruction)
    found = [text for name, text in prompts(plan).items() if name.startswith("star")]
    assert found == ["a red star in a forest"] * stars
    assert ("star" in plan.prompt) == bool(stars)
    assert disjoint(plan)


def test_what_is_not_wanted_goes_into_the_negative_prompt_and_out_of_it_again() -> None:
    none = told("sky", "no stars")
    assert none.effective_negative == "stars"
    assert told("village", "no clouds").effective_negative == "clouds"
    assert told("village", "no clouds, then add a cloud top left").effective_negative == ""


@pytest.mark.parametrize(
    ("instruction", "gone"),
    [
        ("remove the tree", {"tree-1"}),
        ("delete the tree", {"tree-1"}),
        ("take the tree away", {"tree-1"}),
        ("get rid of the tree", {"tree-1"}),
        ("remove the tree and the house", {"tree-1", "house-1"}),
        ("the tree should go", {"tree-1"}),
        ("without the tree", {"tree-1"}),
        ("remove the one on the right", {"tree-1"}),
    ],
)
def test_removing(instruction: str, gone: set[str]) -> None:
    plan = told("village", instruction)
    assert regions(PLANS["village"]).keys() - regions(plan).keys() == gone
    assert "tree" not in plan.prompt + plan.effective_base_prompt
    assert all(box(plan, name) == box(PLANS["village"], name) for name in regions(plan))


def test_what_is_in_something_goes_with_it() -> None:
    assert set(prompts(told("nested", "remove the box"))) == {"house-1", "cat-1"}
    out = told("nested", "take the dog out of the box")
    assert [region.id for region in out.regions] == ["house-1", "cat-1", "box-1", "dog-1"]
    cat = box(told("nested", "move the house to the right"), "cat-1")
    assert cat == Box(0.6, 0.4, 0.9, 1.0)  # it stands in front of the house still


@pytest.mark.parametrize(
    ("instruction", "where"),
    [
        ("move the moon to the top left", "top left"),
        ("put the moon in the top left corner", "top left"),
        ("the moon should be on the left", "left"),
        ("move the moon to the middle", "in the middle"),
        ("shift the moon a bit left", "bottom"),
        ("raise the moon", "right"),
        ("the moon a bit higher", "right"),
        ("move it to the top, the moon", None),
    ],
)
def test_moving(instruction: str, where: str | None) -> None:
    if where is None:
        with pytest.raises(ValueError, match="could be"):
            told("sky", instruction)
        return
    plan = told("sky", instruction)
    assert position_in_words(box(plan, "moon-1")) == where or where in position_in_words(
        box(plan, "moon-1")
    )
    assert disjoint(plan)


@pytest.mark.parametrize(
    "instruction",
    [
        "swap the star and the circle",
        "swap the star with the circle",
        "exchange the positions of the star and the circle",
        "the star and the circle should swap places",
        "move the star to the right",
        "move the star to the right of the circle",
        "swap them",
    ],
)
def test_changing_places(instruction: str) -> None:
    before, plan = PLANS["pair"], told("pair", instruction)
    assert box(plan, "star-1") == box(before, "circle-1")
    assert box(plan, "circle-1") == box(before, "star-1")
    assert plan.prompt == "a red star to the right of a blue circle"


@pytest.mark.parametrize(
    ("instruction", "grows"),
    [
        ("make the star bigger", True),
        ("make the star much larger", True),
        ("enlarge the star", True),
        ("a bigger star", True),
        ("make the star wider", True),
        ("make the star twice as big", True),
        ("make the star huge", True),
        ("make the star smaller", False),
        ("shrink the star a bit", False),
        ("make the star half as big", False),
        ("make the star tiny", False),
    ],
)
def test_sizes(instruction: str, grows: bool) -> None:
    before, plan = PLANS["pair"], told("pair", instruction)
    assert (box(plan, "star-1").area > box(before, "star-1").area + 0.02) == grows
    assert (box(plan, "star-1").area < box(before, "star-1").area - 0.02) != grows
    assert disjoint(plan)


def test_what_moved_is_said() -> None:
    plan = told("village", "add a moon top right")
    assert "tree-1: now 50% x 65% of the canvas, from right to bottom right" in plan.reasoning
    assert "moon-1 is new" in plan.reasoning
    assert "house-1" not in plan.reasoning
    assert plan.source == "rules"


@pytest.mark.parametrize(
    "instruction",
    ["add a red hat to the dog", "add a red hat on the dog", "give the dog a red hat"],
)
def test_what_somebody_is_to_wear_takes_no_room_of_others(instruction: str) -> None:
    plan = told("row", instruction)
    assert prompts(plan)["dog-1"] == "a dog with a red hat"
    assert [one.box for one in plan.layers()] == [one.box for one in PLANS["row"].layers()]


def test_two_are_given_something_each() -> None:
    found = prompts(told("row", "give the cat a red hat and the dog a blue hat"))
    assert found["cat-1"] == "a cat with a red hat"
    assert found["dog-1"] == "a dog with a blue hat"


@pytest.mark.parametrize(
    ("name", "instruction", "gone", "come"),
    [
        ("row", "replace the dog by two birds", ["dog-1"], ["bird-2", "bird-3"]),
        ("row", "swap the dog for a cow and a pig", ["dog-1"], ["cow-1", "pig-1"]),
        ("sky", "replace the stars with two hearts", ["star-1", "star-2", "star-3"],
         ["heart-1", "heart-2"]),
        ("nested", "replace the dog with two birds", ["dog-1"], ["bird-1", "bird-2"]),
    ],
)  # fmt: skip
def test_several_share_the_places_of_what_they_replace(
    name: str, instruction: str, gone: list[str], come: list[str]
) -> None:
    before, plan = PLANS[name], told(name, instruction)
    there = regions(plan)
    assert there.keys() == regions(before).keys() - set(gone) | set(come)
    left = [box(before, each) for each in gone]
    for each in come:
        assert any(old.intersection(there[each].box) == there[each].box for old in left)
    if name != "nested":
        assert disjoint(plan)


def test_a_copy_goes_where_it_is_told() -> None:
    plan = told("pair", "copy the star to the bottom right")
    assert prompts(plan)["star-2"] == "a red star"
    assert position_in_words(box(plan, "star-2")) == "bottom right"
    with pytest.raises(PlanError, match="there is no 'the dog'"):
        told("pair", "duplicate the dog")
