"""The planner with a model in this process: even one that knows nothing obeys the schema."""

from __future__ import annotations

import json

from rpg.chat import LocalChat, Message
from rpg.planners import LLMPlanner
from rpg.planners.llm.schema import PlanAnswer, told_schema
from tests.chat.local_models import tiny_text_model, tiny_tokenizer


def test_a_model_of_random_weights_answers_in_the_form() -> None:
    tokenizer = tiny_tokenizer()
    model = tiny_text_model(tokenizer, max_position_embeddings=16_384)
    chat = LocalChat(model, tokenizer, name="tiny", max_new_tokens=160, seed=1)
    planner = LLMPlanner(chat, cache=False)
    plan = planner.plan("a red star above a blue circle")
    assert (plan.source, plan.prompt) == ("tiny", "a red star above a blue circle")
    assert planner.question("x").context == 16_384
    schema = told_schema(PlanAnswer, ((64, 64), (96, 64)))
    said = json.loads(chat.complete([Message("user", "plan")], schema=schema))
    assert list(said) == list(schema["properties"])
    assert said["canvas"] in ("64x64", "96x64")
