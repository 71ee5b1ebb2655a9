"""Plans of pictures that carry none."""

from __future__ import annotations

import json

import pytest
from PIL import Image

from rpg.chat import ScriptedChat
from rpg.errors import PlanError
from rpg.planners.llm.captioning import described

PICTURE = Image.new("RGB", (64, 48))
ANSWER = {
    "reasoning": "A star on the left.",
    "setting": "at night",
    "style": "",
    "things": [
        {"id": "star", "name": "star", "attributes": ["red"], "count": 1, "owner": "", "words": ""}
    ],
    "relations": [],
    "absent": [],
    "regions": [
        {
            "id": "star",
            "shows": ["star"],
            "prompt": "a red star",
            "box": {"left": 0, "top": 0, "right": 50, "bottom": 100},
            "parent": "",
        }
    ],
    "base_prompt": "one red star at night",
}


def test_a_model_that_sees_describes_a_picture() -> None:
    chat = ScriptedChat([json.dumps(ANSWER)])
    plan = described(PICTURE, chat)
    assert plan.prompt == "one red star at night" and plan.source == "scripted"
    assert plan.scene.setting == "at night"
    assert [thing.attributes for thing in plan.scene.things] == [("red",)]
    assert [(one.prompt, one.shows) for one in plan.regions] == [("a red star", ("star",))]
    assert chat.asked[0].images == (PICTURE,) and chat.asked[0].schema is not None
    assert "64 x 48" in chat.asked[0].messages[-1].content


def test_a_bad_answer_is_asked_for_once_more_with_what_was_wrong() -> None:
    nameless = json.dumps({**ANSWER, "base_prompt": "", "regions": []})
    chat = ScriptedChat([nameless, json.dumps(ANSWER)])
    assert described(PICTURE, chat).regions
    assert len(chat.asked) == 2 and chat.asked[1].images == (PICTURE,)
    with pytest.raises(PlanError, match="gave no plan of the picture") as caught:
        described(PICTURE, ScriptedChat([nameless, nameless]))
    assert caught.value.answer == nameless
