"""The planner with a model in this process: even one that knows nothing obeys the schema."""

from __future__ import annotations

import json

import pytest

from rpg.chat import LocalChat
from rpg.chat.answers import json_schema
from rpg.errors import PlanError
from rpg.planners import LLMPlanner
from rpg.planners.llm.schema import PlanAnswer
from tests.chat.local_models import tiny_text_model, tiny_tokenizer


def test_a_model_of_random_weights_answers_in_the_form_and_is_found_out() -> None:
    tokenizer = tiny_tokenizer()
    model = tiny_text_model(tokenizer, max_position_embeddings=16_384)
    chat = LocalChat(model, tokenizer, name="tiny", max_new_tokens=160, seed=1)
    with pytest.raises(PlanError, match="tiny gave no plan") as caught:
        LLMPlanner(chat, examples=1, cache=False).plan("a red star above a blue circle")
    assert caught.value.answer is not None
    said = json.loads(caught.value.answer)
    assert list(said) == list(json_schema(PlanAnswer)["properties"])
    assert len(said["regions"]) >= 1
