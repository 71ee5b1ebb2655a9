"""Planners read plain words, and what they plan has the weights of the words that were asked."""

from __future__ import annotations

import json

import pytest

from rpg.critics import compile_checks
from rpg.critics._answers import Change
from rpg.critics._proposals import accepted
from rpg.critique import Finding
from rpg.planners import RulePlanner
from rpg.planners.rules.lifting import lifted
from rpg.planners.rules.scene import scene_of_prompt
from rpg.planners.rules.typed import typed_words
from rpg.plans.edits import ModifyRegion, SetScene
from rpg.plans.geometry import FULL, Box
from rpg.plans.plan import Plan, Region
from rpg.plans.wording import worded
from tests.planners.llm.helpers import box, planner, region, said

PLAIN = "a red star above a blue circle, at night"
WEIGHTED = "a (red:1.4) star above a [blue] circle, (at night:1.2)"
RULES = RulePlanner()


def prompts(plan: Plan) -> list[str]:
    return [one.prompt for one in plan.layers()]


def test_rules_plan_the_plain_words_and_give_the_weights_back() -> None:
    plan, plain = RULES.plan(WEIGHTED), RULES.plan(PLAIN)
    assert plan.prompt == WEIGHTED
    assert prompts(plan) == ["a (red:1.4) star", "a (blue:0.9091) circle"]
    assert plan.scene.setting == "(at night:1.2)"
    assert plan.unweighted().model_copy(update={"prompt": PLAIN}) == plain
    assert RULES.plan(PLAIN) == plain.unweighted()


@pytest.mark.parametrize(
    ("instruction", "expected"),
    [
        ("make the star bigger", ["a (red:1.4) star", "a (blue:0.9091) circle"]),
        ("make the circle (green:1.5)", ["a (red:1.4) star", "a (green:1.5) circle"]),
        ("make the star yellow", ["a yellow star", "a (blue:0.9091) circle"]),
        ("remove the circle", ["a (red:1.4) star"]),
    ],
)
def test_an_edit_keeps_the_weights_of_what_it_does_not_change(
    instruction: str, expected: list[str]
) -> None:
    before = RULES.plan(WEIGHTED)
    after = RULES.plan(WEIGHTED, previous=before, instruction=instruction)
    assert prompts(after) == expected
    assert after.scene.setting == "(at night:1.2)"
    assert "(red:1.4)" in after.prompt or "yellow" in instruction


def test_a_weight_that_was_taken_out_of_a_region_stays_out() -> None:
    before = RULES.plan(WEIGHTED)
    regions = tuple(one.model_copy(update={"prompt": "a red star"}) for one in before.regions[:1])
    before = before.model_copy(update={"regions": (*regions, *before.regions[1:])})
    after = RULES.plan(WEIGHTED, previous=before, instruction="make the star bigger")
    assert prompts(after)[0] == "a red star"


def test_a_language_model_reads_and_writes_plain_words() -> None:
    made, chat = planner([said()])
    plan = made.plan(WEIGHTED)
    question = chat.asked[0].messages[-1].content
    assert PLAIN in question and "1.4" not in question
    assert prompts(plan) == ["a (red:1.4) star", "a (blue:0.9091) circle"]
    assert plan.prompt == WEIGHTED


def test_what_a_language_model_writes_is_no_weight() -> None:
    star = region("star-1", "a (red:9) star", box(0, 0, 100, 50), "star")
    circle = region("circle-1", "a blue circle", box(0, 50, 100, 100), "circle")
    made, _ = planner([said(regions=[star, circle])] * 2)
    plan = made.plan(PLAIN)
    assert prompts(plan)[0] == r"a \(red:9\) star"
    assert worded(plan).regions[0].startswith(r"a \(red:9\) star")


def test_a_language_model_is_shown_a_plan_in_plain_words() -> None:
    nothing = json.dumps({"reasoning": "", "edits": []})
    made, chat = planner([nothing, nothing])
    before = RULES.plan(WEIGHTED)
    after = made.plan(WEIGHTED, previous=before, instruction="keep it (all:1.3)")
    question = chat.asked[0].messages[-1].content
    assert "a red star" in question and "keep it all" in question
    assert "1.4" not in question and "1.3" not in question
    assert prompts(after) == prompts(before)


def test_checks_are_those_of_the_plain_words() -> None:
    assert compile_checks(RULES.plan(WEIGHTED)) == compile_checks(RULES.plan(PLAIN))
    by_hand = (Region(id="a", prompt="a (red:1.4) star", box=FULL),)
    plain = (Region(id="a", prompt="a red star", box=FULL),)
    one, other = (Plan(prompt="p", regions=regions) for regions in (by_hand, plain))
    assert compile_checks(one) == compile_checks(other)
    assert compile_checks(Plan(prompt=WEIGHTED)) == compile_checks(Plan(prompt=PLAIN))


def test_a_proposal_of_a_critic_keeps_the_regions_weights() -> None:
    plan = RULES.plan(WEIGHTED)
    star = plan.layers()[0].id
    check = next(one for one in compile_checks(plan) if star in one.regions)
    change = Change(action="modify", region=star, prompt="a big red (9:9) star")
    (edit,) = accepted(plan, [change], [Finding(check=check, score=0, seen="no star")])
    assert edit == ModifyRegion(id=star, prompt=r"a big (red:1.4) \(9:9\) star")


def test_plans_without_a_scene_keep_their_letters() -> None:
    boxes = Box(0, 0, 0.5, 1), Box(0.5, 0, 1, 1)
    texts = "a (red:1.4) star (at night:1.2)", "a moon (at night:1.2)"
    regions = (
        Region(id=str(at), prompt=text, box=box)
        for at, (text, box) in enumerate(zip(texts, boxes, strict=True))
    )
    plan = Plan(prompt="two things", regions=tuple(regions))
    made = lifted(plan)
    assert worded(made).regions == texts
    assert [one.name for one in made.scene.things] == ["star", "moon"]


def test_what_is_typed_names_its_things_in_plain_words() -> None:
    plan = RULES.plan(PLAIN)
    told, shown = typed_words(plan, plan.layers()[0], "a (big red:1.3) moon")
    assert isinstance(told, SetScene) and isinstance(shown, ModifyRegion)
    assert told.things is not None
    assert [(one.name, one.attributes) for one in told.things if one.name == "moon"] == [
        ("moon", ("big", "red"))
    ]
    assert shown.prompt == "a (big red:1.3) moon"
    assert scene_of_prompt(WEIGHTED).setting == "(at night:1.2)"
