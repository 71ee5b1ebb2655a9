"""The messages of a request: recaption, plan, change a plan, or retry."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from rpg import prompts
from rpg.chat.answers import NoAnswerError, clean, read_answer
from rpg.chat.base import Message
from rpg.errors import SettingsError
from rpg.planners.llm.editing import plan_as_answer
from rpg.planners.llm.schema import DescribedEntity, EntityAnswer, PlanAnswer, RecaptionAnswer
from rpg.plans.plan import Plan

_MOST_QUOTED = 20_000  # letters of a bad answer that are said back


class Conversation:
    """Templates and examples, read once, and the messages made of them.

    Args:
        separate: Whether things are recaptioned in a call of their own.
        examples: How many worked examples go before the prompt; None for all.
        templates: The folder they are read from; None is the product's own.

    Raises:
        SettingsError: A template or an example cannot be read, or is not as it should be.
    """

    def __init__(self, separate: bool, examples: int | None, templates: Path | None) -> None:
        self._again, self._edit, self._plan, self._recaption = (
            prompts.load(name, where=templates) for name in ("again", "edit", "plan", "recaption")
        )
        self._separate = separate
        self._examples = _examples(templates)[:examples]

    def recaption(self, prompt: str) -> list[Message]:
        """Asks for the things in a prompt, each described."""
        return as_messages(self._recaption.render(prompt=prompt))

    def plan(self, prompt: str, recaption: str = "") -> list[Message]:
        """Asks for a plan of a prompt and of what recaptioning made of it."""
        turns = []
        for given, answer in self._examples:
            known = recaptioned(answer.entities) if self._separate else ""
            asked = self._plan.render(prompt=given, recaption=known)["user"]
            turns += [Message("user", asked), Message("assistant", _as_json(answer))]
        rendered = as_messages(self._plan.render(prompt=prompt, recaption=recaption))
        return [*rendered[:-1], *turns, rendered[-1]]

    def edit(self, prompt: str, previous: Plan, instruction: str) -> list[Message]:
        """Asks for a plan to be changed."""
        return as_messages(
            self._edit.render(prompt=prompt, plan=plan_as_answer(previous), instruction=instruction)
        )

    def again(
        self, asked: Sequence[Message], answer: str, problems: Sequence[str]
    ) -> list[Message]:
        """Asks the same once more, quoting what was wrong with the answer."""
        listed = "\n".join(f"- {clean(problem)}" for problem in problems)
        return [
            *asked,
            Message("assistant", clean(answer)[:_MOST_QUOTED]),
            *as_messages(self._again.render(problems=listed)),
        ]


def recaption_in(answer: str) -> str:
    """What the first of two calls found, for the second; prose is as good as JSON."""
    try:
        return recaptioned(read_answer(answer, RecaptionAnswer, "entities").entities)
    except NoAnswerError:
        return f"<recaption>\n{clean(answer)[:_MOST_QUOTED].strip()}\n</recaption>"


def recaptioned(entities: Sequence[EntityAnswer]) -> str:
    """Things as a list: number, name, attributes, description."""
    lines = [f"- {one.count} x {one.name}{_details(one)}" for one in entities]
    return "\n".join(["<recaption>", *lines, "</recaption>"])


def _details(entity: EntityAnswer) -> str:
    attributes = f" ({', '.join(entity.attributes)})" if entity.attributes else ""
    if isinstance(entity, DescribedEntity) and entity.description:
        return f"{attributes}: {entity.description}"
    return attributes


def as_messages(rendered: dict[str, str]) -> list[Message]:
    """A rendered template as the messages of a conversation."""
    system = [Message("system", rendered["system"])] if "system" in rendered else []
    return [*system, Message("user", rendered["user"])]


def _as_json(answer: PlanAnswer) -> str:
    return json.dumps(answer.model_dump(), ensure_ascii=False)


def _examples(templates: Path | None) -> list[tuple[str, PlanAnswer]]:
    examples: list[tuple[str, PlanAnswer]] = []
    for number, one in enumerate(prompts.examples("plan", where=templates), 1):
        examples.append(_example(one, number))
    return examples


def _example(one: dict[str, Any], number: int) -> tuple[str, PlanAnswer]:
    try:
        return str(one["prompt"]), PlanAnswer.model_validate(one["answer"])
    except (KeyError, ValidationError) as error:
        raise SettingsError(
            f"template plan.examples.json: example {number} needs a prompt and an answer ({error})"
        ) from None
