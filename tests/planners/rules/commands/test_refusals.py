"""What is not understood or not there, and that nothing else than a PlanError comes of it."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rpg.errors import PlanError, PromptError
from rpg.planners import RulePlanner
from rpg.planners.rules.commands.interpreter import follow
from rpg.plans.edits import diff
from rpg.plans.geometry import Box
from rpg.plans.plan import MAX_REGIONS, Plan, Region
from tests.planners.rules.commands.helpers import PLANS, PROMPTS, follows, prompts, regions, told


@pytest.mark.parametrize(
    ("name", "instruction", "says"),
    [
        (
            "pair",
            "make the dog blue",
            "no 'the dog' in the plan; it has: a red star (star-1, left)",
        ),
        ("pair", "remove the dog", "no 'the dog'"),
        ("pair", "move the dog to the left", "no 'the dog'"),
        ("pair", "add a moon above the dog", "no 'the dog'"),
        ("pair", "swap the star and the dog", "no 'the dog'"),
        ("pair", "one dog less", "no 'dog'"),
        ("sky", "make the star blue", "'the star' could be a red star (star-1, top left)"),
        ("sky", "move the star to the left", "star-3, bottom left): say which"),
        ("sky", "remove it", "'it' could be"),
        ("sky", "remove four stars", "only 3"),
        ("pair", "move the star left", "at that edge already"),
        ("castle", "make the castle bigger", "fills all the room"),
        ("pair", "move the star above the star", "cannot stand by itself"),
        ("pair", "frobnicate everything", "did not understand 'frobnicate everything'"),
        ("pair", "make the star not blue", "make the house blue"),
        ("pair", "put it in a box", "did not understand"),
        ("pair", "and", "did not understand"),
        ("pair", " . ", "the instruction is empty"),
        ("row", "give the dog , & column other", "did not understand"),
        ("pair", "x" * 9000, "9,000 characters"),
        ("pair", "make the star " + "very " * 99 + "blue", "at most 300"),
        ("pair", "make it night. " * 41, "at most 40"),
        ("pair", f"give the star a hat of {'very ' * 45}gold", "at most 200"),
    ],
)
def test_refusals_are_one_line_that_says_what_to_do(name: str, instruction: str, says: str) -> None:
    with pytest.raises(PlanError) as caught:
        told(name, instruction)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_prompt_is_needed_all_the_same() -> None:
    with pytest.raises(PromptError):
        RulePlanner().plan(" ", previous=PLANS["pair"], instruction="make it night")


def test_without_a_plan_the_prompt_is_planned_first() -> None:
    prompt = PROMPTS["pair"]
    made = RulePlanner().plan(prompt, instruction="make the star green")
    assert made == told("pair", "make the star green")


def test_the_number_of_regions_stays_within_bounds() -> None:
    stars = tuple(
        Region(id=f"s{n}", prompt="a star", box=Box(n % 8 / 8, n // 8 / 8, (n % 8 + 1) / 8,
               (n // 8 + 1) / 8)) for n in range(MAX_REGIONS)
    )  # fmt: skip
    with pytest.raises(PlanError, match="at most 64"):
        follow(Plan(prompt="stars", regions=stars), "another star")


# A plan by somebody else -------------------------------------------------------------------------

CABIN = Plan(
    prompt="A cozy winter scene, highly detailed",
    base_prompt="A wooden cabin in a pine forest at dusk, with tall pines, highly detailed",
    regions=(
        Region(
            id="0",
            prompt="A rustic wooden cabin with light in its windows and a stone chimney",
            box=Box(0, 0, 0.5, 1),
        ),
        Region(
            id="group",
            prompt="",
            box=Box(0.5, 0, 1, 1),
            children=(Region(id="2", prompt="Tall snowy pines", box=Box(0.5, 0, 1, 1)),),
        ),
    ),
    source="a model",
)


def test_anothers_words_are_changed_in_their_place() -> None:
    plan = follows(CABIN, "make the cabin red and the chimney black")
    assert prompts(plan)["0"] == (
        "A rustic red wooden cabin with light in its windows and a black stone chimney"
    )
    assert plan.base_prompt.startswith("A rustic red wooden cabin in a pine forest at dusk")
    assert plan.prompt == CABIN.prompt  # it told of neither
    assert prompts(follows(CABIN, "make the pines green"))["2"] == "Tall green snowy pines"


def test_a_group_goes_with_the_last_of_it() -> None:
    plan = follows(CABIN, "remove the pines")
    assert [region.id for region in plan.regions] == ["0"]
    assert plan.base_prompt.endswith("on the left in a pine forest at dusk, highly detailed")
    out = follows(CABIN, "move the pines to the left of the cabin")
    assert [region.id for region in out.regions] == ["0", "2"]


# Laws --------------------------------------------------------------------------------------------

WORDS = st.lists(
    st.sampled_from(
        """make add remove move swap the a star moon house red blue bigger to left right top of and
        , then no two more it above night in replace with one less . all other & ( 3""".split()
    ),
    max_size=9,
)


@given(name=st.sampled_from(sorted(PLANS)), words=WORDS)
@settings(max_examples=150)
def test_whatever_is_said_there_is_a_plan_or_a_plan_error(name: str, words: list[str]) -> None:
    plan = PLANS[name]
    try:
        done = follow(plan, " ".join(words))
    except PlanError as error:
        assert "\n" not in str(error)
        return
    made = follows(plan, " ".join(words))
    assert diff(plan, made) == done.edits
    assert Plan.from_json(made.to_json()) == made


def _order(rng: random.Random, plan: Plan) -> str:
    nouns = [name.rsplit("-", 1)[0] for name in regions(plan)]
    x, y = rng.choice(nouns), rng.choice(nouns)
    place = rng.choice(["top right", "on the left", f"above the {x}", f"next to the {x}", ""])
    new = rng.choice(["moon", "dog", "robot"])
    return rng.choice(
        [
            f"make the {x} {rng.choice(['green', 'wooden', 'huge', 'bigger', 'much smaller'])}",
            f"replace the {x} with a {new}",
            f"add {rng.choice(['a', 'two'])} {new} {place}",
            f"remove one {x}",
            f"move the {x} {rng.choice(['up', 'a bit right', 'to the bottom', place or 'down'])}",
            f"swap the {x} and the {y}",
            f"make it {rng.choice(['night', 'winter', 'rainy'])}",
            f"two more {x}s",
        ]
    )


@pytest.mark.parametrize("seed", range(40))
def test_a_chain_of_instructions_keeps_plans_sound(seed: int) -> None:
    rng = random.Random(seed)
    plan = PLANS[rng.choice(["pair", "village", "sky", "row", "painting"])]
    for _ in range(5):
        if not plan.regions:
            return
        try:
            after = follows(plan, _order(rng, plan))
        except PlanError:
            continue
        _check(after)
        plan = after


def _check(plan: Plan) -> None:
    flat = [region for region in plan.regions if region.z == 0]
    for at, one in enumerate(flat):
        assert min(one.box.width, one.box.height) > 0.02
        for other in flat[at + 1 :]:
            common = one.box.intersection(other.box)
            assert not common or min(common.width, common.height) < 1e-6
    for text in prompts(plan).values():
        assert text.count(" at night") <= 1
        assert text.count("in the rain") <= 1
