"""Cards, fields and texts of a plan, and what is written there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpg.errors import PlanError
from rpg.planners import RulePlanner
from rpg.plans.edits import SetScene, apply
from rpg.plans.geometry import Box
from rpg.plans.plan import Plan, Region
from rpg.plans.wording import worded
from rpg.toybox.vocabulary import unknown_words
from ui.examples import RICH, TOYBOX, examples
from ui.plan_boxes import region_named
from ui.plan_forms import (
    Base,
    Form,
    Written,
    added,
    as_text,
    base_edits,
    card_edits,
    cards,
    from_text,
    kept,
    staleness,
)

THIRD = 1 / 3


@pytest.fixture
def plan() -> Plan:
    """Two regions, in thirds."""
    return Plan(
        prompt="two things",
        base_prompt="two things",
        negative="text",
        regions=(
            Region(id="a", prompt="a star", box=Box(0.0, 0.0, THIRD, 1.0), base_ratio=0.3),
            Region(id="b", prompt="a heart", box=Box(THIRD, 0.0, 1.0, 1.0), z=2),
        ),
    )


def write(plan: Plan, name: str, **fields: Any) -> Plan:
    """The plan after that was written on a card."""
    card = next(card for card in cards(plan) if card.id == name)
    region = region_named(plan, name)
    assert region
    return apply(plan, card_edits(plan, region, card.fields, replace(card.fields, **fields)))


def test_cards_show_every_region_rounded(plan: Plan) -> None:
    a, b = cards(plan)
    assert (a.id, a.number, b.id, b.number) == ("a", 1, "b", 2)
    assert a.fields == Written("a star", "", "0.3", 0, 0.0, 0.0, 33.3, 100.0)
    assert b.fields == Written("a heart", "", "", 2, 33.3, 0.0, 66.7, 100.0)


def test_a_card_that_nobody_changed_is_no_edit(plan: Plan) -> None:
    for card in cards(plan):
        region = region_named(plan, card.id)
        assert region and card_edits(plan, region, card.fields, card.fields) == ()


def test_what_is_said_on_a_card(plan: Plan) -> None:
    region = region_named(write(plan, "a", prompt="a moon", negative="clouds", base_ratio=""), "a")
    assert region
    assert (region.prompt, region.negative, region.base_ratio) == ("a moon", "clouds", None)
    assert region.box == Box(0.0, 0.0, THIRD, 1.0)


def test_a_new_place_keeps_the_size_and_a_new_size_the_place(plan: Plan) -> None:
    region = region_named(write(plan, "a", left=50.0), "a")
    assert region
    assert (region.box.x0, region.box.y0, region.box.y1) == (0.5, 0.0, 1.0)
    assert region.box.width == pytest.approx(THIRD)
    region = region_named(write(plan, "b", width=20.0), "b")
    assert region
    assert region.box.x0 == THIRD
    assert region.box.width == pytest.approx(0.2)


@given(*[st.floats(0, 100) for _ in range(2)], *[st.floats(0.5, 100) for _ in range(2)])
def test_whatever_numbers_a_card_takes_the_region_is_on_the_canvas(
    left: float, top: float, width: float, height: float
) -> None:
    plan = Plan(
        prompt="p", regions=(Region(id="r", prompt="a star", box=Box(0.9, 0.05, 0.95, 1.0)),)
    )
    region = region_named(write(plan, "r", left=left, top=top, width=width, height=height), "r")
    assert region and region.box.width > 0.004 and region.box.height > 0.004


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"left": None}, "Left"),
        ({"width": 0.0}, "Width"),
        ({"top": float("nan")}, "Top"),
        ({"height": 101.0}, "Height"),
        ({"base_ratio": "much"}, "Base ratio"),
        ({"base_ratio": "1.5"}, "Base ratio"),
        ({"z": 5000}, "Order"),
        ({"prompt": " "}, "subprompt"),
    ],
)
def test_what_a_card_cannot_mean_is_named(plan: Plan, fields: dict[str, Any], named: str) -> None:
    with pytest.raises(PlanError, match=named):
        write(plan, "a", **fields)


def test_a_decimal_comma_is_understood(plan: Plan) -> None:
    region = region_named(write(plan, "a", base_ratio="0,5"), "a")
    assert region and region.base_ratio == 0.5


def test_the_plans_own_fields(plan: Plan) -> None:
    was = Base.of(plan)
    assert base_edits(was, was) == ()
    edits = base_edits(was, Base(prompt="a wall", ratio="0.4"))
    result = apply(plan, edits)
    assert (result.base_prompt, result.base_ratio, result.negative) == ("a wall", 0.4, "")
    assert result.regions == plan.regions
    with pytest.raises(PlanError, match="Base ratio"):
        base_edits(was, Base(ratio="-1"))


def test_what_is_absent_is_written_and_erased_with_the_negative(plan: Plan) -> None:
    start = apply(plan, [SetScene(absent=("people", "fog"), setting="at sea")])
    was = Base.of(start)
    assert was.negative == "text, people, fog"
    kept = apply(start, base_edits(was, replace(was, style="ink")))
    assert kept.scene.absent == ("people", "fog") and kept.scene.style == "ink"
    fewer = apply(start, base_edits(was, replace(was, negative="fog")))
    assert fewer.effective_negative == "fog" and fewer.scene.setting == "at sea"


def test_the_official_form_takes_the_scene_of_the_plan_so_far(plan: Plan) -> None:
    start = apply(plan, [SetScene(setting="at sea", style="ink")])
    text = "Final split ratio: 1,1\nRegional Prompt: a cat BREAK a dog"
    pasted = from_text(text, "rpg", prompt=start.prompt, now=start)
    assert (pasted.scene.setting, pasted.scene.style) == ("at sea", "ink")
    assert worded(pasted).regions == ("a cat at sea, ink", "a dog at sea, ink")


def test_a_region_is_added_where_there_is_room(plan: Plan) -> None:
    corner = Region(id="region-1", prompt="a star", box=Box(0.0, 0.0, 1.0, 0.6))
    busy = Plan(prompt="p", regions=(corner,))
    edit = added(busy, "a moon")
    assert edit.region.id != "region-1"
    assert corner.box.intersection(edit.region.box) is None
    assert apply(busy, [edit]).layers()[-1].prompt == "a moon"
    with pytest.raises(PlanError, match="what the new region shows"):
        added(plan, "  ")


def test_a_plan_for_another_prompt_is_said_to_be_and_can_be_kept(plan: Plan) -> None:
    assert staleness(plan, " two things ") == staleness(None, "x") == staleness(plan, " ") == ""
    assert "earlier prompt" in staleness(plan, "three things")
    other = kept(plan, "three things")
    assert staleness(other, "three things") == ""
    assert other.base_prompt == "three things"
    assert other.regions == plan.regions


@pytest.mark.parametrize("form", ["json", "rpg"])
def test_texts_are_read_back(plan: Plan, form: Any) -> None:
    bare = Plan(
        prompt=plan.prompt,
        base_ratio=0.4,
        negative="text",
        regions=tuple(Region(id=r.id, prompt=r.prompt, box=r.box) for r in plan.regions),
    )
    text, why = as_text(bare, form)
    assert why == ""
    read = from_text(text, form, prompt=plan.prompt, now=bare)
    boxes = [(region.prompt, region.box) for region in read.regions]
    assert boxes == [(region.prompt, region.box) for region in plan.regions]
    assert (read.prompt, read.base_ratio, read.negative) == (bare.prompt, 0.4, "text")


def test_what_the_official_form_cannot_say_is_said(plan: Plan) -> None:
    text, why = as_text(plan, "rpg")
    assert text == ""
    assert "base ratio" in why
    assert as_text(None, "json")[0] == ""


@pytest.mark.parametrize(
    ("text", "form", "prompt", "named"),
    [
        ("", "json", "p", "no text"),
        ("{", "json", "p", "plan"),
        ('{"prompt": "p", "regions": [{"id": "r"}]}', "json", "p", "'r' at prompt"),
        ("Final split ratio: 1,1\nRegional Prompt: a", "rpg", "p", "2 regions"),
        ("Final split ratio: 1\nRegional Prompt: a", "rpg", " ", "prompt first"),
    ],
)
def test_texts_that_are_no_plans(text: str, form: Any, prompt: str, named: str) -> None:
    with pytest.raises(PlanError, match=named):
        from_text(text, form, prompt=prompt, now=None)


@pytest.mark.parametrize("prompt", TOYBOX)
def test_toyboxs_examples_are_in_its_words_and_planned(prompt: str) -> None:
    assert unknown_words(prompt) == ()
    plan = RulePlanner().plan(prompt)
    assert len(plan.regions) >= 2
    assert all(unknown_words(region.prompt) == () for region in plan.layers())


def test_examples_suit_the_model() -> None:
    assert examples("toybox") == TOYBOX
    assert examples("stabilityai/stable-diffusion-xl-base-1.0") == RICH
    for prompt in RICH:
        assert len(RulePlanner().plan(prompt).regions) >= 2


def test_what_is_written_on_a_card_reaches_the_scene() -> None:
    start = RulePlanner().plan("a red star and a blue cup at night")
    after = write(start, "star-1", prompt="a green heart")
    assert {(one.name, one.attributes) for one in after.scene.things} == {
        ("heart", ("green",)),
        ("cup", ("blue",)),
    }
    more = apply(after, [added(after, "two pink fish")])
    assert [(one.name, one.count) for one in more.scene.things][-1] == ("fish", 2)
    assert worded(more).regions[-1] == "two pink fish at night"


@pytest.mark.parametrize("form", ["flux", "ideogram"])
def test_forms_for_other_models_are_shown_and_not_taken_back(plan: Plan, form: Form) -> None:
    text, why = as_text(plan, form)
    assert "a star" in text and why == ""
    with pytest.raises(PlanError, match="JSON or official text"):
        from_text(text, form, prompt="p", now=plan)


@pytest.mark.parametrize("form", ["comfyui", "regional-prompter", "forge-couple"])
def test_other_tools_words_are_shown_and_taken_back(form: Form) -> None:
    plan = RulePlanner().plan("a red star to the left of a blue circle")
    text, lost = as_text(plan, form)
    assert "a red star" in text
    read = from_text(text, form, prompt="", now=None)
    assert [one.prompt for one in read.layers()] == ["a red star", "a blue circle"]
    first = plan.regions[0].model_copy(update={"negative": "fog"})
    other = plan.model_copy(update={"regions": (first, *plan.regions[1:])})
    assert lost == "" and as_text(other, form)[1]  # its negative is lost, and that is said
