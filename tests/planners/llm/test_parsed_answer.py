"""JSON among other text, and the official form."""

from __future__ import annotations

import json

import pytest

from rpg.chat.answers import NoAnswerError, read_answer
from rpg.errors import PlanError
from rpg.planners.llm.schema import PlanAnswer
from rpg.plans.geometry import grid
from rpg.plans.plan import Plan
from rpg.plans.split_ratio import parse_split_ratio
from tests.planners.llm.helpers import PROMPT, answer, planner, said

GOOD = said()
DRAFT = said(base_prompt="a draft")
AROUND = {
    "alone": GOOD,
    "white space": f"\n\n  {GOOD}  \n",
    "prose": f"Here is the plan {{as asked}}:\n{GOOD}\nI hope {{you}} like it.",
    "a fence": f"```json\n{GOOD}\n```",
    "a fence in prose": f"Sure!\n\n```JSON\n{json.dumps(answer(), indent=2)}\n```\nEnjoy.",
    "thoughts": f"<think>{{red}} star... {DRAFT[:200]}</think>{GOOD}",
    "thoughts with a whole draft": f"<think>\n{DRAFT}\nno, better:</think>\n{GOOD}",
    "two drafts": f"{DRAFT}\nBetter:\n{DRAFT}\nBest:\n{GOOD}",
    "wrapped": json.dumps({"plan": answer()}),
    "wrapped in a list": f"[{GOOD}]",
    "other objects": f'{{"status": "ok"}}\n{GOOD}\n{{"tokens": 812}}',
    "more fields": json.dumps({"title": "x", **answer(), "notes": {"a": [1]}}),
    "a byte order mark": f"\ufeff{GOOD}",
}


@pytest.mark.parametrize("text", AROUND.values(), ids=AROUND.keys())
def test_whatever_stands_around_it(text: str) -> None:
    made, chat = planner([text])
    plan = made.plan(PROMPT)
    assert plan.base_prompt == answer()["base_prompt"]
    assert [region.id for region in plan.regions] == ["star-1", "circle-1"]
    assert len(chat.asked) == 1


@pytest.mark.parametrize("cut", range(1, len(GOOD), 7))
def test_an_answer_cut_anywhere_is_no_answer(cut: int) -> None:
    with pytest.raises(NoAnswerError):
        read_answer(GOOD[:cut], PlanAnswer, "regions")


@pytest.mark.parametrize("cut", range(GOOD.index('"regions"') + 11, len(GOOD), 7))
def test_a_draft_never_stands_for_an_answer_that_was_cut(cut: int) -> None:
    with pytest.raises(NoAnswerError, match="no whole JSON object"):
        read_answer(f"{DRAFT}\nBetter:\n{GOOD[:cut]}", PlanAnswer, "regions")


def test_pathological_texts_are_read_in_no_time() -> None:
    for text in ("{" * 200_000, '{"a":' * 40_000, '{"regions":[' * 16_000, '{"a":"' * 30_000,
                 '{"a":' + "1" * 9_000 + "}", "[" * 200_000):  # fmt: skip
        with pytest.raises(NoAnswerError):
            read_answer(text, PlanAnswer, "regions")


def test_every_fault_is_named() -> None:
    regions = answer()["regions"]
    regions[0]["box"]["left"] = "far"
    del regions[1]["prompt"]
    with pytest.raises(NoAnswerError) as caught:
        read_answer(said(regions=regions), PlanAnswer, "regions")
    assert [one.split(":")[0] for one in caught.value.problems] == [
        "regions.0.box.left",
        "regions.1.prompt",
    ]


# The official form: what a model writes that was tuned for it

HALVES = {
    "as printed": "Final split ratio: 1,1\nRegional Prompt: a red star BREAK a blue circle",
    "in bold": "**Final split ratio:** 1,1\n**Regional Prompt:** a red star BREAK a blue circle",
    "in bold, a colon outside": "**Final split ratio**: **1,1**\n**Regional Prompt**: a red star "
    "**BREAK** a blue circle",
    "in capitals": "FINAL SPLIT RATIO: 1,1\nREGIONAL PROMPT: a red star BREAK a blue circle",
    "a space, a full stop": "Final split ratio: 1, 1.\nRegional Prompt: a red star BREAK a blue "
    "circle",
    "blank lines": "Final split ratio:\n\n1,1\n\nRegional Prompt:\n\na red star BREAK\n\n"
    "a blue circle",
    "headings": "### Final split ratio\n1,1\n\n### Regional Prompt\na red star BREAK a blue circle",
    "after a draft in braces": '{"draft": 1} Final split ratio: 1,1\nRegional Prompt: a red star '
    "BREAK a blue circle",
}


@pytest.mark.parametrize("text", HALVES.values(), ids=HALVES.keys())
def test_the_official_form_is_read_as_a_person_would(text: str) -> None:
    made, chat = planner([f"Key phrases: a star, a circle.\n{text}"])
    plan = made.plan("a red star and a blue circle")
    assert [region.prompt for region in plan.regions] == ["a red star", "a blue circle"]
    assert tuple(region.box for region in plan.regions) == grid(1, 2)
    assert plan.reasoning.startswith("Key phrases: a star, a circle.")
    assert (plan.source, plan.base_prompt) == ("scripted", "a red star and a blue circle")
    assert len(chat.asked) == 1


def test_rows_and_columns_of_the_paper() -> None:
    text = (
        "Final split ratio: 1,1,1; 2,2,3\nRegional Prompt: a fox BREAK an owl at BREAKFAST BREAK "
        "a toad BREAK a newt"
    )
    plan = planner([text])[0].plan("a fox, an owl, a toad and a newt")
    assert [region.prompt for region in plan.regions] == [
        "a fox", "an owl at BREAKFAST", "a toad", "a newt"
    ]  # fmt: skip
    assert tuple(region.box for region in plan.regions) == parse_split_ratio("1,1,1;2,2,3")
    assert Plan.from_rpg_text(plan.to_rpg_text(), prompt="x").regions == tuple(
        region.model_copy(update={"id": f"r{number}"})
        for number, region in enumerate(plan.regions, 1)
    )


REFUSED = {
    "a subprompt too many": ("1,1", "a BREAK b BREAK c", "makes 2 regions"),
    "a subprompt too few": ("1,1,1", "a BREAK b", "makes 3 regions"),
    "BREAKFAST is no BREAK": ("1,1", "a BREAKFAST b", "makes 2 regions"),
    "an empty one": ("1,1", "a BREAK", "subprompt 2 of 2 is empty"),
    "a zero": ("1,0,1", "a BREAK b BREAK c", "0"),
    "words": ("one to one", "a BREAK b", "split ratio"),
}


@pytest.mark.parametrize(("ratio", "words", "complaint"), REFUSED.values(), ids=REFUSED.keys())
def test_what_would_have_to_be_guessed_is_asked_about_and_refused(
    ratio: str, words: str, complaint: str
) -> None:
    text = f"Final split ratio: {ratio}\nRegional Prompt: {words}"
    made, chat = planner([text, text])
    with pytest.raises(PlanError, match="gave no plan") as caught:
        made.plan("two things")
    assert caught.value.answer == text
    assert complaint in chat.asked[1].messages[-1].content


def test_json_is_preferred_to_the_official_form() -> None:
    text = f"Final split ratio: 1,1\nRegional Prompt: a BREAK b\n\n{GOOD}"
    assert planner([text])[0].plan(PROMPT).regions[0].id == "star-1"
