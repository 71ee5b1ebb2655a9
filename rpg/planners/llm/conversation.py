"""The messages of a request: recaption, plan, change a plan, or retry."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from rpg import prompts
from rpg.chat.answers import NoAnswerError, clean, read_answer
from rpg.chat.base import Message
from rpg.errors import SettingsError
from rpg.planners.base import ModelNotes
from rpg.planners.llm.editing import plan_as_answer
from rpg.planners.llm.schema import (
    DescribedEntity,
    EditAnswer,
    PlanAnswer,
    RecaptionAnswer,
    ThingAnswer,
)
from rpg.plans.plan import Plan

ASSUMED_CONTEXT = 8192  # tokens, of a model that does not say
_ANSWER = 1200  # tokens that a plan takes, reasoning included
_ANSWER_SHARE = 0.3  # of a context in which that is more
_LETTERS = 3.5  # of English or JSON in a token, on average
_WORDS = 0.75  # in a token
_TURN = 8  # tokens around a message
_MOST_QUOTED = 20_000  # letters of a bad answer that are said back
_WIDE = 1.25  # of a canvas's width over its height

Examples = int | Literal["auto"]


def tokens_of(texts: Iterable[str]) -> int:
    """About how many tokens texts are, each a message of its own."""
    return sum(_TURN + math.ceil(_letters(text) / _LETTERS) for text in texts)


def _letters(text: str) -> float:
    """Letters as English has them in a token: those of other scripts are tokens of their own."""
    ascii_letters = sum(letter.isascii() for letter in text)
    return ascii_letters + (len(text) - ascii_letters) * _LETTERS


def answer_room(context: int) -> int:
    """Tokens that are kept free for the answer."""
    return min(_ANSWER, round(context * _ANSWER_SHARE))


@dataclass(frozen=True, slots=True)
class _Example:
    """A worked example: its question's values, and the answer."""

    values: dict[str, str]
    things: Sequence[ThingAnswer]
    answer: dict[str, Any]
    wide: bool = False


class Conversation:
    """Templates and examples, read once, and the messages made of them.

    Args:
        separate: Whether things are recaptioned in a call of their own.
        examples: How many worked examples go before the prompt; "auto" for as many as fit.
        templates: The folder they are read from; None is the product's own.

    Raises:
        SettingsError: A template or an example cannot be read, or is not as it should be.
    """

    def __init__(
        self, separate: bool, examples: Examples = "auto", templates: Path | None = None
    ) -> None:
        self._again, self._edit, self._plan, self._recaption = (
            prompts.load(name, where=templates) for name in ("again", "edit", "plan", "recaption")
        )
        self._separate = separate
        self._examples = examples
        self._plans = _examples("plan", PlanAnswer, templates)
        self._edits = _examples("edit", EditAnswer, templates)

    def recaption(self, prompt: str) -> list[Message]:
        """Asks for the things in a prompt, each described."""
        return as_messages(self._recaption.render(prompt=prompt))

    def plan(
        self,
        prompt: str,
        recaption: str = "",
        notes: ModelNotes | None = None,
        context: int | None = None,
    ) -> list[Message]:
        """Asks for a plan.

        Args:
            prompt: What the picture should show.
            recaption: What recaptioning made of it.
            notes: Of the model that will draw.
            context: Tokens that question and answer may have together; None: any number.
        """
        sizes = notes.sizes if notes is not None else ()
        known = {"model": model_notes(notes), "canvas": _canvas_field(sizes)}
        rendered = self._plan.render(prompt=prompt, recaption=recaption, **known)
        turns = []
        for example in self._plans:
            answer = _with_canvas(example, sizes)
            if answer is None:
                continue
            made = recaptioned(example.things) if self._separate else ""
            asked = self._plan.render(**example.values, recaption=made, **known)["user"]
            turns.append((asked, answer))
        if notes is not None and notes.likes == "tags":
            turns.sort(key=lambda turn: turn[0].count(".") > 0 or turn[0].count(",") < _TAGS)
        return self._joined(rendered, turns, context)

    def edit(
        self,
        prompt: str,
        previous: Plan,
        instruction: str,
        notes: ModelNotes | None = None,
        context: int | None = None,
    ) -> list[Message]:
        """Asks for a plan to be changed; otherwise as `plan`."""
        told = model_notes(notes)
        rendered = self._edit.render(
            prompt=prompt, plan=plan_as_answer(previous), instruction=instruction, model=told
        )
        turns = [
            (self._edit.render(**one.values, model=told)["user"], one.answer) for one in self._edits
        ]
        return self._joined(rendered, turns, context)

    def _joined(
        self,
        rendered: dict[str, str],
        turns: Sequence[tuple[str, dict[str, Any]]],
        context: int | None,
    ) -> list[Message]:
        """The question behind the examples that there is room for, in their order."""
        if self._examples != "auto":
            turns, context = turns[: self._examples], None
        room = math.inf
        if context is not None:
            room = context - answer_room(context) - tokens_of(rendered.values())
        chosen = []
        for asked, answer in turns:
            told = json.dumps(answer, ensure_ascii=False)
            needs = tokens_of((asked, told))
            if needs <= room:
                room -= needs
                chosen += [Message("user", asked), Message("assistant", told)]
        *before, last = as_messages(rendered)
        return [*before, *chosen, last]

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


_TAGS = 4  # commas in a prompt that is a list of tags


def model_notes(notes: ModelNotes | None) -> str:
    """What a planner is told of the model that will draw, in sentences; nothing without notes."""
    if notes is None:
        return "Make no region narrower or lower than 8."
    told = list[str]()
    if len(notes.sizes) == 1:
        told.append(f"The canvas has {notes.sizes[0][0]} x {notes.sizes[0][1]} pixels.")
    if notes.sizes and notes.region_side:
        width, height = (
            min(100, math.ceil(100 * notes.region_side / side)) for side in notes.sizes[0]
        )
        told.append(
            f"A region under {notes.region_side} pixels ({width} wide, {height} high"
            f"{' on the usual canvas' if len(notes.sizes) > 1 else ''}) comes out badly: go below "
            "only where a thing is small, and never below half."
        )
    if notes.tokens:
        words = int(notes.tokens * _WORDS)
        told.append(
            f"The model reads about {words} words at once: prompt, setting and style of a region "
            "together stay below."
        )
    if notes.likes == "tags":
        told.append(
            "It was taught with lists of tags: write prompts, the base prompt, setting and style "
            "as short tags, separated by commas."
        )
    if notes.vocabulary:
        told.append(f"Use no words in texts that the model does not know. {notes.vocabulary}")
    return " ".join(told)


def _canvas_field(sizes: Sequence[tuple[int, int]]) -> str:
    if len(sizes) < 2:
        return ""
    offered = ", ".join(f'"{width}x{height}"' for width, height in sizes)
    return (
        f'"canvas": width and height in pixels, one of {offered}: the shape that suits the '
        "picture; the first is the usual one.\n"
    )


def _with_canvas(example: _Example, sizes: Sequence[tuple[int, int]]) -> dict[str, Any] | None:
    """The example's answer with a canvas where one is asked for; None where it fits none."""
    if len(sizes) < 2:
        return None if example.wide else example.answer
    size = sizes[0]
    if example.wide:
        size = max(sizes, key=lambda one: one[0] / one[1])
        if size[0] / size[1] < _WIDE:
            return None
    answer = {}
    for name, value in example.answer.items():
        if name == "regions":
            answer["canvas"] = f"{size[0]}x{size[1]}"
        answer[name] = value
    return answer


def recaption_in(answer: str) -> str:
    """What the first of two calls found, for the second; prose is as good as JSON."""
    try:
        return recaptioned(read_answer(answer, RecaptionAnswer, "entities").entities)
    except NoAnswerError:
        return f"<recaption>\n{clean(answer)[:_MOST_QUOTED].strip()}\n</recaption>"


def recaptioned(entities: Sequence[ThingAnswer]) -> str:
    """Things as a list: number, name, attributes, description."""
    lines = [f"- {one.count or 'some'} x {one.name}{_details(one)}" for one in entities]
    return "\n".join(["<recaption>", *lines, "</recaption>"])


def _details(entity: ThingAnswer) -> str:
    attributes = f" ({', '.join(entity.attributes)})" if entity.attributes else ""
    if isinstance(entity, DescribedEntity) and entity.description:
        return f"{attributes}: {entity.description}"
    return attributes


def as_messages(rendered: dict[str, str]) -> list[Message]:
    """A rendered template as the messages of a conversation."""
    system = [Message("system", rendered["system"])] if "system" in rendered else []
    return [*system, Message("user", rendered["user"])]


def _examples(
    name: str, kind: type[PlanAnswer] | type[EditAnswer], templates: Path | None
) -> list[_Example]:
    found = prompts.examples(name, where=templates)
    return [
        _example(f"{name}.examples.json", number, one, kind) for number, one in enumerate(found, 1)
    ]


def _example(
    file: str, number: int, one: dict[str, Any], kind: type[PlanAnswer] | type[EditAnswer]
) -> _Example:
    values = {
        key: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for key, value in one.items()
        if key not in ("answer", "canvas")
    }
    try:
        answer = kind.model_validate(one["answer"])
        if set(values) != set(_ASKED[kind]):
            raise KeyError("prompt")
    except (KeyError, ValidationError) as error:
        raise SettingsError(
            f"template {file}: example {number} needs {', '.join(_ASKED[kind])} and answer "
            f"({error})"
        ) from None
    told = {key: one["answer"][key] for key in one["answer"]}
    return _Example(values, answer.things, told, one.get("canvas") == "wide")


_ASKED: dict[Any, tuple[str, ...]] = {
    PlanAnswer: ("prompt",),
    EditAnswer: ("prompt", "plan", "instruction"),
}
