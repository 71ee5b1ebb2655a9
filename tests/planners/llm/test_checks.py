"""Whether a plan shows what the prompt names."""

from __future__ import annotations

import pytest

from rpg import prompts
from rpg.planners.llm.checks import Shown, contradictions, hidden, left_out
from rpg.planners.llm.drafts import PlanRequest, draft
from rpg.planners.llm.schema import EntityAnswer
from rpg.plans.geometry import FULL, Box, grid
from tests.planners.llm.helpers import said


def shown(*prompts_: str) -> list[Shown]:
    return [Shown((), one) for one in prompts_]


def entity(name: str, count: int = 1) -> EntityAnswer:
    return EntityAnswer(name=name, count=count)


def test_our_own_examples_leave_nothing_to_be_desired() -> None:
    """No problem, nothing mended: what the model is shown is what we want to read."""
    for example in prompts.examples("plan"):
        made = draft(said(**example["answer"]), PlanRequest(example["prompt"], "us"))
        assert made.problems == ()
        assert made.plan is not None
        given = example["answer"]["regions"]
        assert [region.id for region in made.plan.layers()] == [one["id"] for one in given]
        for region, one in zip(made.plan.layers(), given, strict=True):
            assert region.prompt == one["prompt"]
            assert abs(100 * region.box.x0 - one["box"]["left"]) < 0.5
            assert abs(100 * region.box.y1 - one["box"]["bottom"]) < 0.5


@pytest.mark.parametrize(
    ("name", "region"),
    [
        ("hot air balloon", Shown(["hot air balloons"], "a red one")),
        ("The Dog", Shown(["dog"], "it barks")),
        ("wolves", Shown([], "a grey wolf in snow")),
        ("red star", Shown([], "two stars")),
        ("\u732b", Shown([], "\u4e00\u53ea\u732b\u5728\u770b\u4e66")),
        ("!", Shown([], "anything")),
    ],
)
def test_a_region_shows_what_it_names_or_describes(name: str, region: Shown) -> None:
    assert region.has(name)


def test_a_region_does_not_show_what_only_sounds_like_it() -> None:
    assert not Shown(["star"], "a starfish").has("fish")
    assert not Shown([], "a hotdog").has("dog")


@pytest.mark.parametrize("prompt", ["a car with four tires", "a spider with eight legs", ""])
def test_numbers_of_the_prompt_bind_only_what_the_model_calls_a_thing(prompt: str) -> None:
    regions = shown("a car with four tires on a spider with eight legs")
    assert contradictions([entity("car"), entity("spider")], regions, prompt) == []


def test_a_number_in_the_prompt_binds() -> None:
    (problem,) = contradictions([entity("tire", 1)], shown("a tire"), "four tires")
    assert problem.startswith('there should be 4 x "tire", but only 1')


@pytest.mark.parametrize("prompt", ["a couple dancing at golden hour", "autumn in the city"])
def test_loose_words_are_not_missed(prompt: str) -> None:
    assert left_out([], shown("a man and a woman in warm light"), prompt) == []


def test_what_is_left_out() -> None:
    prompt = "a knight with a lance, two dragons and a spoon"
    assert left_out([], shown("a knight", "a dragon"), prompt) == ["lance", "spoon"]
    spoken = EntityAnswer(name="knight", count=1, attributes=["lance", "spoon"])
    assert left_out([spoken], shown("a knight", "a dragon"), prompt) == []


def test_hidden_boxes() -> None:
    left, right = grid(1, 2)
    assert hidden([left, right]) == []
    assert hidden([FULL, left]) == []
    assert hidden([left, FULL]) == [0]
    assert hidden([FULL, left, right]) == [0]
    assert hidden([FULL, left, Box(0.5, 0, 0.99, 1)]) == []
    assert hidden([left, left]) == [0]
    assert hidden([]) == []
