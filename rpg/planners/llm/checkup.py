"""Whether a model can be asked for a plan: the real question, of a long prompt, put to it once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rpg.chat.checkup import CheckResult
from rpg.errors import ChatError, PlanError
from rpg.planners.llm.conversation import ASSUMED_CONTEXT, Examples, answer_room
from rpg.planners.llm.planner import LLMPlanner

if TYPE_CHECKING:
    from rpg.chat.base import ChatModel

LONG_PROMPT = (
    "A wide view of a harbour market at first light. On the left an old fisherman in a yellow "
    "oilskin mends a green net; beside him a small white dog sleeps on a coil of rope. In the "
    "middle a woman with a red headscarf sells silver fish from a wooden stall with a sign that "
    'says "FRESH", three copper scales hang above her. To the right two children, a boy in a blue '
    "jersey and a girl with a straw hat, share an orange. Behind them fishing boats rock at the "
    "quay, gulls circle, and a striped lighthouse stands at the end of the pier. Nobody else is "
    "about. Oil on canvas, loose brushwork, warm light against cool shadows, in the manner of a "
    "nineteenth-century sketch."
)


def planning_checkup(chat: ChatModel, examples: Examples = "auto") -> Iterator[CheckResult]:
    """Says whether the real question fits the model's context, then asks it.

    Args:
        chat: The model.
        examples: How many worked examples go with the question.

    Raises:
        ChatAccessError: Key or address are wrong.
    """
    planner = LLMPlanner(chat, cache=False, examples=examples)
    question = planner.question(LONG_PROMPT)
    context = question.context or ASSUMED_CONTEXT
    known = "" if question.context else ", which it does not tell: assumed"
    needed = question.tokens + answer_room(context)
    words = (
        f"about {question.tokens:,} tokens with {question.examples} examples, and some "
        f"{answer_room(context):,} for the answer, of {context:,}{known}"
    )
    yield CheckResult("question", needed <= context, words)
    begun = time.monotonic()
    try:
        plan = planner.plan(LONG_PROMPT)
    except (ChatError, PlanError) as error:
        yield CheckResult("plan", False, str(error))
        return
    took = time.monotonic() - begun
    shows = f"{len(plan.scene.things)} things in {len(plan.regions)} regions"
    yield CheckResult("plan", True, f"{shows}, in {took:.1f} s")
