"""A chat model that answers from a script: the test double that ships."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rpg.chat.base import Delta, Message, Usage, answer_of
from rpg.errors import ChatError

if TYPE_CHECKING:
    from PIL.Image import Image

Answer = str | ChatError
Script = Iterable[Answer] | Callable[[Sequence[Message]], Answer]


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """One request as it arrived."""

    messages: tuple[Message, ...]
    schema: Mapping[str, Any] | None
    images: tuple[Image, ...]


class ScriptedChat:
    """Answers from a script, and keeps what it was asked.

    Args:
        script: The answers in order, or a function from the conversation to an answer. An answer
            that is a `ChatError` is raised.
        name: What it calls itself.
        reasoning: Thoughts streamed before every answer.

    Attributes:
        asked: Every request so far.
    """

    def __init__(self, script: Script, *, name: str = "scripted", reasoning: str = "") -> None:
        self.name = name
        self.asked: list[RecordedRequest] = []
        self._reasoning = reasoning
        self._next = script if callable(script) else _in_order(script)

    @property
    def usage(self) -> Usage:
        """The calls alone: a script has no tokens."""
        return Usage(calls=len(self.asked))

    def complete(
        self,
        messages: Sequence[Message],
        *,
        schema: Mapping[str, Any] | None = None,
        images: Sequence[Image] = (),
    ) -> str:
        """The next answer; see `ChatModel.complete`."""
        return answer_of(self.stream(messages, schema=schema, images=images))

    def stream(
        self,
        messages: Sequence[Message],
        *,
        schema: Mapping[str, Any] | None = None,
        images: Sequence[Image] = (),
    ) -> Generator[Delta, None, None]:
        """The next answer, word by word; see `ChatModel.stream`."""
        self.asked.append(RecordedRequest(tuple(messages), schema, tuple(images)))
        answer = self._next(messages)
        if isinstance(answer, ChatError):
            raise answer
        if self._reasoning:
            yield Delta(self._reasoning, "reasoning")
        for word in answer.splitlines(keepends=True):
            yield Delta(word)


def _in_order(script: Iterable[Answer]) -> Callable[[Sequence[Message]], Answer]:
    answers = iter(script)

    def following(messages: Sequence[Message]) -> Answer:
        try:
            return next(answers)
        except StopIteration:
            raise ChatError("the script has no answer left") from None

    return following
