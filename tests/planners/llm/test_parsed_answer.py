"""JSON among other text, and the official form."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rpg.chat.answers import NoAnswerError, read_answer
from rpg.errors import PlanError
from rpg.planners.base import ModelNotes
from rpg.planners.llm.schema import PlanAnswer
from rpg.planners.llm.things import kind_of
from rpg.plans.geometry import grid
from rpg.plans.plan import Plan
from rpg.plans.scene import Relation
from rpg.plans.split_ratio import parse_split_ratio
from tests.planners.llm.helpers import (
    PROMPT,
    answer,
    box,
    planner,
    region,
    relation,
    said,
    thing,
)

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
    "trailing commas": GOOD.replace("}]", "},\n]").replace("]}", "],}"),
    "a literal newline": GOOD.replace("above the circle: two", "above\nthe circle:\n\ntwo"),
    "wide punctuation": GOOD.replace('", "', '"\uff0c"').replace('": ', '"\uff1a'),
    "wide quotes": GOOD.replace('"star-1"', "\u201cstar-1\u201d").replace(
        '"id": ', "\u201cid\u201d: "
    ),
    "wide braces": GOOD.replace("{", "\uff5b").replace("}", "\uff5d"),
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


def test_words_in_wide_quotes_may_hold_what_json_has_meanings_for() -> None:
    prompt = 'a sign "A\uff0c B", in {red}'
    text = GOOD.replace('"a red star"', f"\u201c{prompt}\u201d")
    assert planner([text])[0].plan(PROMPT).regions[0].prompt == prompt


LENIENT: dict[str, dict[str, Any]] = {
    "null for nothing": {"style": None, "absent": None, "negative": None},
    "a string for lists": {
        "things": [
            {**thing("star"), "attributes": "red"},
            {**thing("circle"), "attributes": "blue"},
        ],
        "regions": [
            {**region("star-1", "a red star", box(0, 0, 100, 50)), "shows": "star"},
            {**region("circle-1", "a blue circle", box(0, 50, 100, 100)), "shows": "circle"},
        ],
        "relations": [{"subject": "star", "kind": "above", "objects": "circle"}],
    },
    "a list for a string": {
        "setting": ["in a plain sky"],
        "base_prompt": [answer()["base_prompt"]],
    },
    "one object for a list": {"relations": relation("star", "above", "circle")},
    "things by id": {
        "things": {
            "star": {"name": "star", "attributes": ["red"]},
            "circle": {"name": "circle", "attributes": ["blue"]},
        }
    },
    "attributes by kind": {
        "things": [{**thing("star"), "attributes": {"colour": "red"}}, thing("circle", "blue")]
    },
    "counts in words": {
        "things": [
            {**thing("star", "red"), "count": "one"},
            {**thing("circle", "blue"), "count": "1"},
        ]
    },
    "without ids": {
        "things": [{**thing("star", "red"), "id": ""}, {**thing("circle", "blue"), "id": None}]
    },
    "names for ids": {
        "things": [thing("star", "red"), thing("t2", "blue", name="circle")],
        "regions": [
            region("star-1", "a red star", box(0, 0, 100, 50), "The red star"),
            region("circle-1", "a blue circle", box(0, 50, 100, 100), "Circles"),
        ],
        "relations": [relation("Star", "above", "blue circle")],
    },
    "another word for a kind": {"relations": [relation("star", "directly above", "circle")]},
    "a relation in a row": {"relations": [["star", "above", "circle"]]},
    "region ids for things": {"relations": [relation("star-1", "above", "circle-1")]},
    "pixels of the canvas": {
        "regions": [
            region("star-1", "a red star", [0, 0, 896, 576], "star"),
            region("circle-1", "a blue circle", [0, 576, 896, 1152], "circle"),
        ]
    },
}


@pytest.mark.parametrize("changes", LENIENT.values(), ids=LENIENT.keys())
def test_an_answer_that_means_one_thing_is_read(changes: dict[str, Any]) -> None:
    made, chat = planner([said(**changes)])
    plan = made.noted(ModelNotes(sizes=((896, 1152),))).plan(PROMPT)
    assert len(chat.asked) == 1
    star, circle = plan.scene.things
    assert [(one.name, one.attributes, one.count) for one in (star, circle)] == [
        ("star", ("red",), 1),
        ("circle", ("blue",), 1),
    ]
    assert [one.shows for one in plan.regions] == [(star.id,), (circle.id,)]
    assert plan.scene.relations == (Relation(subject=star.id, kind="above", objects=(circle.id,)),)
    assert plan.scene.setting == "in a plain sky"
    assert tuple(one.box for one in plan.regions) == grid(2, 1)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("to the left of", "left of"),
        ("is to the right of", "right of"),
        ("left_of", "left of"),
        ("on the left of", "left of"),
        ("in-front-of", "in front of"),
        ("within", "inside"),
        ("bigger than", "larger than"),
        ("Between", "between"),
        ("facing", "facing"),
        ("on", "on"),
        ("standing behind", "behind"),
        ("next to", "beside"),
        ("underneath", "below"),
    ],
)
def test_kinds_of_relations_are_said_in_the_words_of_plans(text: str, kind: str) -> None:
    assert kind_of(text) == kind


@pytest.mark.parametrize(
    ("given", "count"),
    [
        ("three", 3),
        ("a dozen", 12),
        ("two dozen", 24),
        ("one hundred", 100),
        ("a hundred", 100),
        ("twenty-one", 21),
        ("more than one", None),
        ("two or three", None),
        ("some", None),
        (None, None),
        (2.0, 2),
        ("a pair", 2),
        ("many", None),
        (-3, None),
        (True, None),
        ("17", 17),
        ("about twenty", None),
    ],
)
def test_counts(given: Any, count: int | None) -> None:
    things = [{**thing("bird"), "count": given}]
    assert (
        planner([said(things=things, regions=[], relations=[])])[0]
        .plan("birds")
        .scene.things[0]
        .count
        == count
    )


def test_a_count_of_zero_is_absent() -> None:
    things = [thing("star", "red"), thing("circle", "blue"), thing("dog", count=0)]
    assert planner([said(things=things)])[0].plan(PROMPT).scene.absent == ("dog",)


def test_owners_and_parents_are_known_by_name() -> None:
    things = [thing("w1", name="woman"), thing("hat", "red", owner="Woman")]
    regions = [region("body", "a woman", box(20, 0, 80, 100), "woman"),
               region("head", "a red hat", box(30, 0, 70, 30), "hat", parent="body")]  # fmt: skip
    plan = planner([said(things=things, regions=regions, relations=[])])[0].plan("a woman")
    assert plan.scene.things[1].owner == "w1"
    assert [one.id for one in plan.regions[0].children] == ["head"]


def test_answers_of_version_1_are_read() -> None:
    old = {
        "reasoning": "Two.",
        "entities": [
            {"name": "star", "count": 1, "attributes": ["red"]},
            {"name": "circle", "count": 1, "attributes": ["blue"]},
        ],
        "regions": [
            {"id": "s", "shows": ["star"], "prompt": "a red star", "box": box(0, 0, 100, 50)},
            {
                "id": "c",
                "shows": ["circle"],
                "prompt": "a blue circle",
                "box": box(0, 50, 100, 100),
            },
        ],
        "base_prompt": "both",
        "base_ratio": 0.3,
        "negative": "clouds",
    }
    made, chat = planner([json.dumps(old)])
    plan = made.plan(PROMPT)
    assert len(chat.asked) == 1
    assert [one.id for one in plan.scene.things] == ["star", "circle"]
    assert (plan.base_ratio, plan.negative, plan.base_prompt) == (0.3, "clouds", "both")


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
    "a BREAK behind the last": "Final split ratio: 1,1\nRegional Prompt: a red star BREAK a blue "
    "circle BREAK",
    "a numbered list without BREAK": "Final split ratio: 1,1\nRegional Prompt:\n1. a red star\n"
    "2. a blue circle",
    "a numbered list with gaps": "Final split ratio: 1,1\nRegional Prompt:\n\n1. a red star\n\n"
    "2. a blue circle\n\nEnjoy!",
    "a bulleted list": "Final split ratio: 1,1\nRegional Prompt:\n- a red star\n- a blue circle",
    "a numbered list in a line": "Final split ratio: 1,1\nRegional Prompt: 1. a red star 2. a blue "
    "circle",
    "a line each": "Final split ratio: 1,1\nRegional Prompt:\na red star\na blue circle",
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
    assert (plan.source, plan.effective_base_prompt) == ("scripted", "a red star and a blue circle")
    assert len(chat.asked) == 1


def test_rows_and_columns_of_the_paper() -> None:
    text = (
        "Final split ratio: 1,1,1; 2,2,3\nRegional Prompt: a fox BREAK an owl at BREAKFAST BREAK "
        "a toad BREAK a newt"
    )
    plan = planner([text])[0].plan("a fox, an owl, a toad and a newt")
    assert [region.prompt for region in plan.regions] == [
        "a fox",
        "an owl at BREAKFAST",
        "a toad",
        "a newt",
    ]
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
