"""One of a group by its number or its place."""

from __future__ import annotations

import pytest

from tests.planners.rules.helpers import only, ordered, plan_of, prompts_of, stands

TOLD = {
    "two cats. The first cat is sleeping, the second cat is playing.": [
        "a cat sleeping", "a cat playing",
    ],
    "two dogs: the first one is black, the second is white": ["a black dog", "a white dog"],
    "two cats, the first red and the second blue": ["a red cat", "a blue cat"],
    "two fluffy cats, the last one black": ["a fluffy cat", "a fluffy and black cat"],
    "two cats, the left one red, the right one blue": ["a red cat", "a blue cat"],
    "two cats, the right one is red, the left one is blue": ["a blue cat", "a red cat"],
    "two cats, the one on the left is red, the one on the right is blue": [
        "a red cat", "a blue cat",
    ],
    "two cats, one on the left is red, one on the right is blue": ["a red cat", "a blue cat"],
    "three dogs. The dog in the middle wears a red hat.": [
        "a dog", "a dog wearing a red hat", "a dog",
    ],
    "two boxes, the top one is red and the bottom one is blue": ["a red box", "a blue box"],
    "five cups in a row, the last one is green": ["a cup"] * 4 + ["a green cup"],
    "two knights, the left knight has a red shield, the right knight has a blue shield": [
        "a knight with a red shield", "a knight with a blue shield",
    ],
    "three kids, the kid in the middle opens the door": [
        "a kid", "a kid opening the door", "a kid",
    ],
    "two men; the first and the second are old": ["an old man", "an old man"],
}  # fmt: skip


@pytest.mark.parametrize("prompt", TOLD)
def test_each_is_what_is_said_of_it(prompt: str) -> None:
    assert ordered(prompt) == TOLD[prompt]


def test_a_place_in_a_group_is_a_place_in_its_row() -> None:
    plan = plan_of("three houses, the right one is green, the left one is red")
    red, green = only(plan, "red house"), only(plan, "green house")
    plain = next(region for region in plan.layers() if region.prompt == "a house")
    assert stands(red, "left", plain) and stands(plain, "left", green)
    assert len({region.box.center[1] for region in plan.layers()}) == 1


def test_what_is_told_of_a_member_relates_to_it_alone() -> None:
    plan = plan_of("two houses, a red bird above the first house")
    bird, houses = only(plan, "bird"), [r for r in plan.layers() if r.prompt == "a house"]
    assert len(houses) == 2
    assert sum(stands(bird, "above", house) for house in houses) >= 1


def test_what_was_told_of_the_group_holds_for_every_member() -> None:
    plan = plan_of("two birds on a branch, the first is red, the second is blue")
    red, blue, branch = (only(plan, word) for word in ("red bird", "blue bird", "branch"))
    assert stands(red, "above", branch) and stands(blue, "above", branch)
    plan = plan_of("a cat under two clouds; the first cloud is pink")
    clouds = [region for region in plan.layers() if "cloud" in region.prompt]
    assert [stands(only(plan, "cat"), "below", cloud) for cloud in clouds] == [True, True]


def test_a_member_named_again_is_the_same() -> None:
    said = "two cats. The first cat is red. The first red cat sleeps."
    assert prompts_of(said) == ["a red cat sleeping", "a cat"]


def test_a_member_that_is_not_there_is_no_new_thing() -> None:
    assert prompts_of("two cats, the first is red") == ["a red cat", "a cat"]
    plan = plan_of("two cats, the third one is red")
    assert [region.prompt for region in plan.layers()] == ["a cat", "a cat"]
    assert '"the third cat" names nothing that could be placed' in plan.reasoning


@pytest.mark.parametrize(
    "prompt",
    ["a cat in the first snow", "two cats and the last leaf", "two dogs near the left bank"],
)
def test_other_first_and_left_things_stay_things(prompt: str) -> None:
    said = " ".join(prompts_of(prompt))
    assert any(word in said for word in ("snow", "leaf", "bank"))
