"""A plan changed by an instruction: what stays is exactly what it was."""

from __future__ import annotations

import json
from typing import Any

import pytest
from PIL import Image

from rpg.errors import ChatError, PromptError
from rpg.plans.edits import diff, touched
from rpg.plans.geometry import Box
from rpg.plans.plan import Plan, Region, encode_mask
from tests.planners.llm.helpers import PROMPT, answer, box, planner, region, said

MASK = encode_mask(Image.new("L", (8, 8), 255))
THIRD = Box(0.0, 0.0, 1 / 3, 1.0)


def before(**changes: Any) -> Plan:
    regions = (
        Region(id="sky", prompt="a sky", box=Box(0, 0, 1, 1), z=-2, negative="birds"),
        Region(id="star", prompt="a red star", box=THIRD, z=1, mask=MASK, base_ratio=0.1),
        Region(id="circle", prompt="a blue circle", box=Box(0.5, 0.123, 1, 0.6), z=1),
    )
    return Plan(**{"prompt": PROMPT, "regions": regions, "base_prompt": "both", **changes})


def changed(*regions: dict[str, Any], previous: Plan | None = None, **more: Any) -> Plan:
    whole = answer(entities=[], regions=list(regions), **{"base_prompt": "both", **more})
    made, chat = planner([json.dumps(whole)])
    plan = made.plan(PROMPT, previous=previous or before(), instruction="do it")
    assert len(chat.asked) == 1
    return plan


SAME: dict[str, Any] = {"base_ratio": None, "prompt": PROMPT}
SKY = region("sky", "a sky", box(0, 0, 100, 100))
STAR = region("star", "a red star", box(0, 0, 33, 100))
CIRCLE = region("circle", "a blue circle", box(50, 12, 100, 60))


def test_an_answer_that_changes_nothing_changes_nothing() -> None:
    same = changed(SKY, STAR, CIRCLE, **SAME)
    assert same.regions == before().regions
    assert diff(before(), same) == ()


def test_a_new_word_touches_its_own_region_alone() -> None:
    after = changed(SKY, {**STAR, "prompt": "a green star"}, CIRCLE, **SAME)
    found = touched(before(), diff(before(), after))
    assert found.ids == ("star",)
    star = after.regions[1]
    assert (star.prompt, star.mask, star.box, star.base_ratio) == ("a green star", MASK, THIRD, 0.1)


def test_a_moved_region_leaves_its_painted_mask_behind() -> None:
    star = changed(SKY, {**STAR, "box": box(60, 0, 93, 100)}, CIRCLE).regions[1]
    assert (star.box.x0, star.mask, star.z, star.base_ratio) == (0.6, None, 1, 0.1)


def test_a_region_added_between_is_painted_between() -> None:
    moon = region("moon", "a moon", box(30, 30, 70, 70))
    for place in range(4):
        order = [SKY, STAR, CIRCLE]
        order.insert(place, moon if place else {**moon, "box": box(0, 0, 100, 99)})
        if place == 0:  # behind the sky it could not be seen
            continue
        after = changed(*order)
        assert [one.id for one in after.layers()] == [one["id"] for one in order]
        kept = {one.id: one.z for one in after.regions if one.id != "moon"}
        assert kept == {"sky": -2, "star": 1, "circle": 1}


def test_removing_a_region() -> None:
    after = changed(SKY, CIRCLE, **SAME)
    assert touched(before(), diff(before(), after)).ids == ("star",)


def test_nested_regions_stay_nested() -> None:
    window = Region(id="window", prompt="a window", box=Box(0.1, 0.1, 0.2, 0.2))
    house = Region(id="house", prompt="a house", box=Box(0, 0, 0.5, 1), children=(window,))
    nested = before(regions=(house, Region(id="tree", prompt="a tree", box=Box(0.5, 0, 1, 1))))
    layers = [
        region("house", "a house", box(0, 0, 50, 100)),
        region("window", "a round window", box(10, 10, 20, 20)),
        region("tree", "a tree", box(50, 0, 100, 100)),
    ]
    after = changed(*layers, previous=nested, **SAME)
    assert touched(nested, diff(nested, after)).ids == ("window",)
    assert after.regions[0].children[0].prompt == "a round window"
    layers[1] = {**layers[1], "box": box(60, 60, 80, 80)}
    flat = changed(*layers, previous=nested)
    assert [one.id for one in flat.regions] == ["house", "tree", "window"]


def test_the_plan_is_shown_as_it_will_be_answered() -> None:
    made, chat = planner([json.dumps(answer(entities=[], regions=[SKY]))])
    made.plan(PROMPT, previous=before(), instruction="only the ${sky}")
    text = chat.asked[0].messages[-1].content
    shown = json.loads(text.split("<plan>")[1].split("</plan>")[0])
    assert [one["id"] for one in shown["regions"]] == ["sky", "star", "circle"]
    assert shown["regions"][1]["box"] == box(0, 0, 33, 100)
    assert "<instruction>\nonly the ${sky}\n</instruction>" in text
    assert [message.role for message in chat.asked[0].messages] == ["system", "user"]


def test_a_prompt_that_is_no_longer_true_is_not_held_against_the_plan() -> None:
    assert [one.id for one in changed(SKY).regions] == ["sky"]


def test_ids_that_are_all_new_are_asked_about() -> None:
    new = answer(entities=[], regions=[{**SKY, "id": "a"}, {**STAR, "id": "b"}])
    kept = answer(entities=[], regions=[SKY, STAR])
    made, chat = planner([json.dumps(new), json.dumps(kept)])
    plan = made.plan(PROMPT, previous=before(), instruction="no circle")
    assert [one.id for one in plan.regions] == ["sky", "star"]
    assert "keep the ids" in chat.asked[1].messages[-1].content


def test_the_official_form_takes_the_ids_that_fit() -> None:
    halves = (
        Region(id="star", prompt="a red star", box=Box(0, 0, 0.5, 1)),
        Region(id="circle", prompt="a blue circle", box=Box(0.5, 0, 1, 1)),
    )
    text = "Final split ratio: 1,1\nRegional Prompt: a red star BREAK a green circle"
    plan = planner([text])[0].plan(
        PROMPT, previous=before(regions=halves), instruction="a green circle"
    )
    assert [(one.id, one.prompt) for one in plan.regions] == [
        ("star", "a red star"),
        ("circle", "a green circle"),
    ]


@pytest.mark.parametrize("instruction", ["", "  ", "x" * 8001])
def test_an_instruction_that_cannot_be(instruction: str) -> None:
    made, chat = planner([])
    with pytest.raises(PromptError, match="the instruction"):
        made.plan(PROMPT, previous=before(), instruction=instruction)
    assert chat.asked == []


def test_a_plan_without_an_instruction_is_made_anew() -> None:
    made, chat = planner([said()])
    assert made.plan(PROMPT, previous=before()).regions[0].id == "star-1"
    assert "<plan>" not in chat.asked[0].messages[-1].content


def test_an_instruction_without_a_plan_makes_one_first() -> None:
    made, chat = planner([said(), json.dumps(answer(entities=[], regions=[STAR]))])
    made.plan(PROMPT, instruction="no circle")
    first, second = (asked.messages[-1].content for asked in chat.asked[:2])
    assert "<instruction>" not in first
    assert '"star-1"' in second and "no circle" in second


def test_the_prompt_says_what_the_picture_is_to_show_after_the_change() -> None:
    """Else whoever compares the two would undo the change."""
    new = "a red star above a green circle"
    assert changed(SKY, STAR, CIRCLE, prompt=f" {new} ").prompt == new
    assert changed(SKY, STAR, CIRCLE).prompt == f"{PROMPT}; do it"
    asked = planner([json.dumps(answer(entities=[], regions=[SKY]))])
    asked[0].plan(PROMPT, previous=before(), instruction="x")
    assert "prompt" in (asked[1].asked[0].schema or {})["properties"]


def test_the_rules_stand_in_for_a_change_too() -> None:
    halves = (
        Region(id="star", prompt="a red star", box=Box(0, 0, 0.5, 1)),
        Region(id="circle", prompt="a blue circle", box=Box(0.5, 0, 1, 1)),
    )
    plan = planner([ChatError("gone")], fallback="rules")[0].plan(
        PROMPT, previous=before(regions=halves), instruction="make the star green"
    )
    assert [one.prompt for one in plan.regions] == ["a green star", "a blue circle"]
    assert plan.source == "rules instead of scripted"
