"""The language-model planner."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel

from rpg.chat.answers import MAX_ANSWER_CHARS, clean
from rpg.chat.base import ChatModel, Message
from rpg.errors import ChatError, PlanError
from rpg.events import Notice, Planned, Thinking
from rpg.planners.base import ModelNotes, checked_prompt
from rpg.planners.llm.cache import PlanCache
from rpg.planners.llm.conversation import (
    ASSUMED_CONTEXT,
    Conversation,
    Examples,
    recaption_in,
    tokens_of,
)
from rpg.planners.llm.drafts import Draft, PlanRequest, draft
from rpg.planners.llm.schema import EditAnswer, PlanAnswer, RecaptionAnswer, told_schema
from rpg.planners.llm.thoughts import Thoughts
from rpg.planners.rules import RulePlanner
from rpg.planners.weights import PlainRequest
from rpg.plans.plan import Plan

_VERSION = 2  # of how answers are read: another one forgets the plans kept so far

AnswerStream = Generator[Thinking, None, str]


class LLMPlanner:
    """Asks a language model what a picture holds and where it goes, as data.

    The answer obeys a schema in which the reasoning comes first and the scene before the regions.
    What is safe is mended: units of boxes, swapped and near edges, ids that occur twice, names in
    place of ids, a background listed last. What contradicts itself is told to the model, once, in
    exact words; then the better of its two plans is taken, and a notice tells what is still wrong.
    Only where nothing can be drawn the planner gives up. Whatever a prompt says, nothing but a
    scene, regions and their words follows from the answer.

    Args:
        chat: The model.
        recaption: "joint" recaptions and plans in one call, "separate" in two.
        fallback: "rules" lets the rule planner plan where the model gives no answer or none of use;
            the plan's `source` and `reasoning` say so. None raises.
        cache: Plans made before are not asked for again. True keeps them in the user's cache
            folder, False not at all.
        examples: How many worked examples are shown to the model; "auto" for as many as fit its
            context.
        templates: A folder of templates to use in place of the product's own.

    Raises:
        SettingsError: A template cannot be read.
    """

    def __init__(
        self,
        chat: ChatModel,
        *,
        recaption: Literal["joint", "separate"] = "joint",
        fallback: Literal["rules"] | None = None,
        cache: PlanCache | bool = True,
        examples: Examples = "auto",
        templates: str | os.PathLike[str] | None = None,
    ) -> None:
        """Read the templates; nobody is asked yet."""
        self.chat = chat
        self._separate = recaption == "separate"
        self._fallback = fallback
        self._notes: ModelNotes | None = None
        self._examples = examples
        self._cache = (PlanCache() if cache else None) if isinstance(cache, bool) else cache
        self._conversation = Conversation(
            self._separate, examples, Path(templates) if templates is not None else None
        )

    def noted(self, notes: ModelNotes) -> LLMPlanner:
        """The planner, for the model that these notes are of."""
        other = copy.copy(self)
        other._notes = notes
        return other

    def plan(
        self, prompt: str, *, previous: Plan | None = None, instruction: str | None = None
    ) -> Plan:
        """Plans a picture, or changes a plan; see `rpg.planners.base.Planner`.

        Raises:
            PromptError: The prompt or instruction is blank or over 8,000 characters; nobody is
                asked.
            PlanError: The model's answers make no plan; `answer` holds the last of them.
            ChatError: The model gave no answer.
        """
        with closing(self.stream(prompt, previous=previous, instruction=instruction)) as events:
            return next(event.plan for event in events if isinstance(event, Planned))

    def stream(
        self, prompt: str, *, previous: Plan | None = None, instruction: str | None = None
    ) -> Generator[Thinking | Notice | Planned, None, None]:
        """The same, with the model's reasoning as it comes; closing it ends the request.

        Yields:
            `Thinking`, without text where the model is busy with what is not for reading; a
            `Notice` of what is still wrong with the plan, or if the rule planner has to help out;
            `Planned`, once, at the end.
        """
        text, change, before = checked_prompt(prompt), "", None
        if instruction is not None:
            change = checked_prompt(instruction, "instruction")
            before = previous or (yield from self._initial_plan(text))
        asked = PlainRequest(text, before, change)
        request = PlanRequest(
            asked.prompt, self.chat.name, asked.previous, asked.instruction, self._known
        )
        key = self._key(request) if self._cache is not None else ""
        plan = self._cache.get(key) if self._cache is not None else None
        yield Planned(asked.weighted(plan or (yield from self._plan_or_fallback(request, key))))

    @property
    def _known(self) -> ModelNotes:
        return self._notes or ModelNotes(sizes=())

    def _initial_plan(self, prompt: str) -> Generator[Thinking | Notice, None, Plan]:
        """A plan to make a change to, where none is given."""
        for event in self.stream(prompt):
            if isinstance(event, Planned):
                return event.plan
            yield event
        raise AssertionError("a stream ends with its plan")

    def _plan_or_fallback(
        self, request: PlanRequest, key: str
    ) -> Generator[Thinking | Notice, None, Plan]:
        """The model's plan, which is kept, or the one that stands in for it."""
        try:
            plan = yield from self._ask(request)
        except (ChatError, PlanError) as error:
            if self._fallback is None:
                raise
            yield Notice(f"the rule planner stands in for {self.chat.name}: {error}")
            return _by_rules(request, error)
        if self._cache is not None:
            self._cache.put(key, plan)
        return plan

    def _key(self, request: PlanRequest) -> str:
        """Everything that the plan depends on, but for the examples that there was room for."""
        first = self._conversation.recaption(request.prompt) if self._separate else []
        return PlanCache.key(
            _VERSION,
            self.chat.name,
            getattr(self.chat, "base_url", None),  # a plan is as good as the server it came from
            self._schema(_kind(request)),
            self._examples,
            self._notes,
            [(message.role, message.content) for message in first],
            [(message.role, message.content) for message in self._messages(request)],
            request.previous.to_json() if request.previous is not None else None,
        )

    def _messages(
        self, request: PlanRequest, recaption: str = "", context: int | None = None
    ) -> list[Message]:
        conversation, notes = self._conversation, self._notes
        if request.previous is not None:
            asked = request.prompt, request.previous, request.instruction
            return conversation.edit(*asked, notes, context)
        return conversation.plan(request.prompt, recaption, notes, context)

    def _schema(self, kind: type[BaseModel]) -> dict[str, Any]:
        return told_schema(kind, self._known.sizes)

    def question(self, prompt: str) -> Question:
        """What a prompt is asked with: the template, the examples that fit, the schema."""
        kind = PlanAnswer
        context = self._room(kind)
        messages = self._conversation.plan(prompt, "", self._notes, context)
        tokens = tokens_of(message.content for message in messages) + self._schema_tokens(kind)
        examples = sum(message.role == "assistant" for message in messages)
        return Question(tokens, examples, context_of(self.chat))

    def _room(self, kind: type[BaseModel]) -> int | None:
        """Tokens that messages and answer may have together; None where nobody wants to know."""
        if self._examples != "auto":
            return None
        return (context_of(self.chat) or ASSUMED_CONTEXT) - self._schema_tokens(kind)

    def _schema_tokens(self, kind: type[BaseModel]) -> int:
        """Tokens of a schema that is told in words."""
        in_words = getattr(self.chat, "format", None) in ("words", "json_object")
        return tokens_of([json.dumps(self._schema(kind))]) if in_words else 0

    def _ask(self, request: PlanRequest) -> Generator[Thinking | Notice, None, Plan]:
        """The plan that the model makes, at the second try if need be."""
        recaption = ""
        if self._separate and request.previous is None:
            recaption_messages = self._conversation.recaption(request.prompt)
            recaption = recaption_in(
                (yield from self._complete(recaption_messages, RecaptionAnswer))
            )
        messages = self._messages(request, recaption, self._room(_kind(request)))
        answer = yield from self._complete(messages, _kind(request))
        result = draft(answer, request)
        if result.problems:
            result, answer = yield from self._retry(messages, answer, result, request)
        if result.noted is None:
            raise PlanError(
                f"{self.chat.name} gave no plan that can be drawn, though it was asked twice: "
                f"{result.problems[0]}; try again, another model or the rule planner",
                answer=answer,
            )
        if result.problems:
            more = f" (and {len(result.problems) - 1} more)" if len(result.problems) > 1 else ""
            yield Notice(f"the plan is taken as it is, though {result.problems[0]}{more}")
        return result.noted

    def _retry(
        self, messages: Sequence[Message], answer: str, first: Draft, request: PlanRequest
    ) -> Generator[Thinking, None, tuple[Draft, str]]:
        """The better of the first answer and a second one that knows what was wrong with it."""
        yield Thinking(f"Asked again: {'; '.join(first.problems)}.", restart=True)
        again = self._conversation.again(messages, answer, first.problems)
        try:
            repaired = yield from self._complete(again, _kind(request))
        except ChatError:
            if first.plan is None:
                raise
            return first, answer
        second = draft(repaired, request)
        if first.plan is not None and (
            second.plan is None or len(second.problems) > len(first.problems)
        ):
            return first, answer
        return second, repaired

    def _complete(self, messages: Sequence[Message], kind: type[BaseModel]) -> AnswerStream:
        """The answer, and what there is to read of it while it comes."""
        pieces: list[str] = []
        length, thoughts = 0, Thoughts()
        with closing(self.chat.stream(messages, schema=self._schema(kind))) as deltas:
            for delta in deltas:
                if delta.kind == "restart":
                    pieces.clear()
                    length = 0
                    thoughts.restart()
                    yield Thinking(clean(delta.text), restart=True)
                    continue
                if delta.kind == "answer":
                    pieces.append(delta.text)
                    length += len(delta.text)
                yield Thinking(thoughts.feed(delta))
                if length > MAX_ANSWER_CHARS:
                    break
        if rest := thoughts.end():
            yield Thinking(rest)
        return "".join(pieces)[:MAX_ANSWER_CHARS]


@dataclass(frozen=True, slots=True)
class Question:
    """How much a model has to read.

    Attributes:
        tokens: Of the question, as an estimate.
        examples: Worked examples in it.
        context: Tokens that question and answer may have together, where the model says so.
    """

    tokens: int
    examples: int
    context: int | None


def context_of(chat: ChatModel) -> int | None:
    """Tokens that a model reads and writes at once; None where it does not say."""
    asked = getattr(chat, "context", None)
    known = asked() if callable(asked) else asked
    return known if isinstance(known, int) and known > 0 else None


def _kind(request: PlanRequest) -> type[PlanAnswer] | type[EditAnswer]:
    return PlanAnswer if request.previous is None else EditAnswer


def _by_rules(request: PlanRequest, error: ChatError | PlanError) -> Plan:
    """The rule planner's plan, which says in whose place it stands and why."""
    result = RulePlanner().plan(
        request.prompt, previous=request.previous, instruction=request.instruction or None
    )
    why = f"The rule planner stands in for {request.source}: {error}\n"
    source = f"{result.source} instead of {request.source}"
    return Plan(**{**dict(result), "reasoning": why + result.reasoning, "source": source[:200]})
