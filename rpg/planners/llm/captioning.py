"""A plan of a picture without metadata, by a vision-language model."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from rpg import prompts
from rpg.chat.answers import NoAnswerError, read_answer
from rpg.chat.base import ChatModel
from rpg.errors import PlanError
from rpg.planners.llm.conversation import Conversation, as_messages
from rpg.planners.llm.drafts import Draft, PlanRequest, draft
from rpg.planners.llm.schema import PlanAnswer, told_schema
from rpg.plans.plan import Plan

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["described"]


def described(
    image: Image, chat: ChatModel, *, templates: str | os.PathLike[str] | None = None
) -> Plan:
    """What a picture shows, as a plan that edits can begin with.

    Args:
        image: The picture.
        chat: A model that can look at pictures.
        templates: A folder of templates to use in place of the product's own.

    Raises:
        ChatImageError: The model cannot look at pictures.
        ChatError: It gave no answer.
        PlanError: Two of its answers make no plan.
    """
    where = Path(templates) if templates is not None else None
    asked = as_messages(
        prompts.load("caption", where=where).render(size=f"{image.width} x {image.height}")
    )
    schema = told_schema(PlanAnswer)
    answer = chat.complete(asked, schema=schema, images=[image])
    result = _read(answer, chat.name)
    if result.problems:
        again = Conversation(False, templates=where).again(asked, answer, result.problems)
        answer = chat.complete(again, schema=schema, images=[image])
        second = _read(answer, chat.name)
        result = second if second.plan is not None or result.plan is None else result
    if result.noted is None:
        raise PlanError(
            f"{chat.name} gave no plan of the picture: {'; '.join(result.problems)[:500]}",
            answer=answer,
        )
    return result.noted


def _read(answer: str, name: str) -> Draft:
    """The plan in an answer; its prompt is the whole picture in a sentence."""
    try:
        parsed = read_answer(answer, PlanAnswer, "regions")
    except NoAnswerError as error:
        return Draft(None, error.problems)
    prompt = parsed.base_prompt or ", ".join(part.prompt for part in parsed.regions)
    if not prompt.strip():
        return Draft(None, ('"base_prompt" is empty: say what the whole picture shows',))
    return draft(answer, PlanRequest(prompt, name))
