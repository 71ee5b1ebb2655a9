"""What a model is told and shown: of the model that draws, and as many examples as fit."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rpg.chat import ScriptedChat
from rpg.defaults import ModelDefaults
from rpg.pipeline import RPGPipeline
from rpg.planners import LLMPlanner, RulePlanner
from rpg.planners.base import ModelNotes, noted
from rpg.planners.llm.conversation import Conversation, model_notes, tokens_of
from rpg.planners.llm.schema import PlanAnswer, told_schema
from tests.planners.llm.helpers import PROMPT, answer, planner, said
from tests.tiny import tiny_sdxl

SDXL = ModelNotes(sizes=((1024, 1024), (1344, 768), (768, 1344)), region_side=256)
TOYBOX = ModelNotes(sizes=((64, 64),), region_side=32, tokens=0, vocabulary="It knows stars.")


class Reads(ScriptedChat):
    """A model that says how many tokens it reads."""

    def __init__(self, context: int | None) -> None:
        super().__init__([said()])
        self.context = context


def asked(made: LLMPlanner) -> Any:
    made.plan(PROMPT)
    (request,) = made.chat.asked  # type: ignore[attr-defined]
    return request


@pytest.mark.parametrize(
    ("context", "fewest", "most"), [(2048, 0, 2), (4096, 3, 5), (8192, 6, 6), (None, 6, 6)]
)
def test_as_many_examples_as_the_context_has_room_for(
    context: int | None, fewest: int, most: int
) -> None:
    request = asked(LLMPlanner(Reads(context), cache=False))
    shown = sum(message.role == "assistant" for message in request.messages)
    assert fewest <= shown <= most
    told = tokens_of(message.content for message in request.messages)
    assert told + 600 <= (context or 8192)


def test_a_number_of_examples_is_kept_to() -> None:
    for number in (0, 1, 3):
        made = LLMPlanner(Reads(100), cache=False, examples=number)
        assert len(asked(made).messages) == 2 + 2 * number


def test_the_model_that_draws_is_told_of() -> None:
    request = asked(noted(LLMPlanner(Reads(None), cache=False), SDXL))  # type: ignore[arg-type]
    system = request.messages[0].content
    assert '"1024x1024", "1344x768", "768x1344"' in system
    assert "under 256 pixels (25 wide, 25 high" in system and "about 56 words" in system
    fields = request.schema["properties"]
    assert fields["canvas"]["enum"] == ["1024x1024", "1344x768", "768x1344"]
    shapes = {
        json.loads(one.content)["canvas"] for one in request.messages if one.role == "assistant"
    }
    assert shapes == {"1024x1024", "1344x768"}  # one example is of a wide picture


def test_of_one_size_none_is_chosen() -> None:
    request = asked(noted(LLMPlanner(Reads(None), cache=False), TOYBOX))  # type: ignore[arg-type]
    system = request.messages[0].content
    assert (
        "64 x 64 pixels" in system and "It knows stars." in system and "words at once" not in system
    )
    assert "canvas" not in request.schema["properties"]
    assert request.schema["required"] == list(request.schema["properties"])
    assert '"canvas":' not in " ".join(message.content for message in request.messages)


@pytest.mark.parametrize(
    ("canvas", "aspect"),
    [("1344x768", 1.75), ("768 x 1344", 768 / 1344), ("16:9", 1.75), ("", None), ("huge", None)],
)
def test_the_canvas_that_the_model_chooses_is_the_plans(canvas: str, aspect: float | None) -> None:
    made, _ = planner([json.dumps({**answer(), "canvas": canvas})])
    assert noted(made, SDXL).plan(PROMPT).aspect == aspect


TAGGED = ModelNotes(sizes=((1024, 1024),), likes="tags")


@pytest.mark.parametrize("context", [None, 2048, 3000])
def test_a_model_of_tags_is_shown_tags_first_in_whatever_room_there_is(
    context: int | None,
) -> None:
    request = asked(noted(LLMPlanner(Reads(context), cache=False), TAGGED))  # type: ignore[arg-type]
    rules, *shown, question = [message.content for message in request.messages]
    assert "taught with lists of tags" in rules and "separated by commas" in rules
    first, answered = shown[0], json.loads(shown[1])
    assert "1girl, silver hair" in first and PROMPT in question
    for text in (*(one["prompt"] for one in answered["regions"]), answered["base_prompt"]):
        assert "," in text and "." not in text


def test_a_change_for_a_model_of_tags_asks_for_tags_and_sentences_are_not_asked_of_others() -> None:
    conversation, plan = Conversation(False), RulePlanner().plan(PROMPT)
    tags = conversation.edit(PROMPT, plan, "make it night", TAGGED)[0].content
    others = conversation.edit(PROMPT, plan, "make it night", SDXL)[0].content
    assert "lists of tags" in tags and "lists of tags" not in others
    assert "1girl" not in conversation.plan("x", notes=SDXL)[1].content


def test_what_a_models_own_file_says_it_likes_is_what_planners_are_told() -> None:
    defaults = ModelDefaults(likes="tags")
    notes = RPGPipeline(tiny_sdxl(), model_defaults=defaults).notes()
    assert notes.likes == "tags" and "lists of tags" in model_notes(notes)


def test_notes_do_not_change_the_planner_that_they_are_given_to() -> None:
    made, chat = planner([said(), said()])
    made.noted(TOYBOX).plan(PROMPT)
    made.plan(PROMPT)
    first, second = (one.messages[0].content for one in chat.asked)
    assert "64 x 64" in first and "64 x 64" not in second


def test_the_schema_told_is_not_the_one_kept() -> None:
    assert "canvas" not in told_schema(PlanAnswer, ((1, 1),))["properties"]
    assert "canvas" in told_schema(PlanAnswer, ((1, 1), (2, 1)))["properties"]
