"""One attempt: sends a request and parses the response, whole or streamed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import openai

from rpg.chat._drafts import RequestDraft
from rpg.chat._failures import AttemptFailure, RequestContext, not_a_completion, reported_error
from rpg.chat._loops import Repetition
from rpg.chat.base import Delta, answer_of
from rpg.chat.thoughts import ThoughtSplitter
from rpg.errors import ChatAccessError, ChatError, ChatLengthError

_MAX_CHARS = 1_000_000  # of an answer with its thoughts: more is a server gone wild
_MAX_CHUNKS = 250_000
_FINISHES = {
    "max_tokens": "length",
    "max_output_tokens": "length",
    "safety": "content_filter",
    "prohibited_content": "content_filter",
    "blocklist": "content_filter",
    "refusal": "content_filter",
}


@dataclass
class ChatResponse:
    """The response to one attempt.

    Attributes:
        answer: The answer without thoughts.
        refusal: What the model says where it refuses; "" where it does not.
        finish: Why it stopped: "stop", "length", "content_filter", ...; None: it did not say.
        counted: Whether the endpoint counted the tokens, which it does at the very end.
        prompt_tokens: Tokens read.
        completion_tokens: Tokens written.
        cost: US dollars, where the endpoint says so itself.
        failure: What made the attempt useless, where that is known already.
        repeats: Whether it ends in one piece again and again.
    """

    answer: str = ""
    refusal: str = ""
    finish: str | None = None
    counted: bool = False
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float | None = None
    failure: AttemptFailure | None = None
    repeats: bool = False


async def receive(
    client: openai.AsyncOpenAI,
    draft: RequestDraft,
    context: RequestContext,
    emit: Callable[[Delta], None],
) -> ChatResponse:
    """Sends the request once and emits what arrives.

    Raises:
        openai.OpenAIError: What the library failed with.
        ValueError: What came is no JSON.
    """
    reader = _ResponseReader(context, emit)
    reply: Any = await client.chat.completions.create(**draft.body())
    if not draft.streams:
        reader.take_whole(reply)
        return reader.done()
    async with reply:
        reader.response.failure = _not_a_stream(
            reply.response.headers.get("content-type", ""), context
        )
        if reader.response.failure is None:
            async for chunk in reply:  # to its end: the library leaves a half-read stream open
                reader.take(chunk)
                if reader.response.failure is not None:
                    break
    return reader.done()


def _not_a_stream(kind: str, context: RequestContext) -> AttemptFailure | None:
    if "html" in kind:
        return _web_page(context)
    if "application/json" in kind:
        return AttemptFailure(ChatError(f"{context.who} does not stream"), "drop", "stream")
    return None


def _web_page(context: RequestContext) -> AttemptFailure:
    path = context.draft.endpoint.path
    return AttemptFailure(
        ChatAccessError(f"{context.base_url} is a web page and no API: it should end in {path}")
    )


class _ResponseReader:
    """Reads a completion or its chunks, defensively: servers differ in what they leave out."""

    def __init__(self, context: RequestContext, emit: Callable[[Delta], None]) -> None:
        self.response = ChatResponse()
        self._context = context
        self._emit = emit
        self._splitter = ThoughtSplitter()
        self._emitted: list[Delta] = []
        self._chars = self._chunks = 0
        self._repetition = Repetition()

    def take_whole(self, completion: Any) -> None:
        """A completion that came at once."""
        if isinstance(completion, str):
            page = completion.lstrip().startswith("<")
            self.response.failure = (
                _web_page(self._context) if page else not_a_completion(self._context)
            )
        elif error := getattr(completion, "error", None):
            self.response.failure = reported_error({"error": error}, self._context)
        else:
            self.take(completion)
            self.response.counted = True  # it came whole, counted or not

    def take(self, chunk: Any) -> None:
        """A completion, or a piece of one; nothing more once it has failed."""
        self._chunks += 1
        if self._chunks > _MAX_CHUNKS:
            self._no_end(f"over {_MAX_CHUNKS:,} pieces")
        if self.response.failure is not None:
            return
        for choice in (getattr(chunk, "choices", None) or [])[:1]:
            part = getattr(choice, "delta", None) or getattr(choice, "message", None)
            self._take_part(part)
            self._take_finish(getattr(choice, "finish_reason", None))
        if usage := getattr(chunk, "usage", None):
            self._take_usage(usage)

    def done(self) -> ChatResponse:
        """The whole response."""
        self._emit_all(self._splitter.end())
        self.response.answer = answer_of(self._emitted)
        self.response.repeats = self._repetition.likely
        return self.response

    def _take_part(self, part: Any) -> None:
        thought = _text(part, "reasoning_content") or _text(part, "reasoning")
        if thought:
            self._emit_all(iter([Delta(thought, "reasoning")]))
        content = _text(part, "content")
        self._emit_all(self._splitter.feed(content))
        self.response.refusal += _text(part, "refusal")
        self._chars += len(thought) + len(content)
        self._repetition.feed(thought + content)
        if self._repetition.evident:
            words = "repeats itself and does not stop: try a larger model, or ask for less"
            self.response.failure = AttemptFailure(ChatLengthError(f"{self._context.who} {words}"))
        elif self._chars > _MAX_CHARS:
            self._no_end(f"over {_MAX_CHARS:,} letters")

    def _no_end(self, how_much: str) -> None:
        error = ChatError(f"{self._context.who} does not stop: {how_much}; try another model")
        self.response.failure = AttemptFailure(error)

    def _take_finish(self, finish: object) -> None:
        if not isinstance(finish, str):
            return
        self.response.finish = _FINISHES.get(finish.lower(), finish.lower())
        if self.response.finish == "error":
            error = ChatError(f"{self._context.who} failed in the middle of its answer; try again")
            self.response.failure = AttemptFailure(error, "wait")

    def _take_usage(self, usage: Any) -> None:
        self.response.counted = True
        self.response.prompt_tokens = _count(usage, "prompt_tokens")
        self.response.completion_tokens = _count(usage, "completion_tokens")
        cost = getattr(usage, "cost", None)
        self.response.cost = float(cost) if isinstance(cost, (int, float)) else None

    def _emit_all(self, deltas: Iterator[Delta]) -> None:
        for delta in deltas:
            self._emitted.append(delta)
            self._emit(delta)


def _text(part: Any, name: str) -> str:
    value = getattr(part, name, None)
    return value if isinstance(value, str) else ""


def _count(usage: Any, name: str) -> int:
    value = getattr(usage, name, None)
    return value if isinstance(value, int) and value > 0 else 0
