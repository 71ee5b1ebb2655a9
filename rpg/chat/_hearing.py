"""One attempt: sends a draft and takes apart what comes, at once or piece by piece."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import openai

from rpg.chat._drafts import Draft
from rpg.chat._failures import Failure, Place, nonsense, spoken
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
class Heard:
    """What one attempt brought.

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
    failure: Failure | None = None
    repeats: bool = False


async def listen(
    asked: openai.AsyncOpenAI, draft: Draft, place: Place, say: Callable[[Delta], None]
) -> Heard:
    """Asks once and says what comes.

    Raises:
        openai.OpenAIError: What the library failed with.
        ValueError: What came is no JSON.
    """
    ear = _Ear(place, say)
    reply: Any = await asked.chat.completions.create(**draft.body())
    if not draft.streams:
        ear.take_whole(reply)
        return ear.done()
    async with reply:
        ear.heard.failure = _not_a_stream(reply.response.headers.get("content-type", ""), place)
        if ear.heard.failure is None:
            async for chunk in reply:  # to its end: the library leaves a half-read stream open
                ear.take(chunk)
                if ear.heard.failure is not None:
                    break
    return ear.done()


def _not_a_stream(kind: str, place: Place) -> Failure | None:
    if "html" in kind:
        return _web_page(place)
    if "application/json" in kind:
        return Failure(ChatError(f"{place.who} does not stream"), "drop", "stream")
    return None


def _web_page(place: Place) -> Failure:
    path = place.draft.endpoint.path
    return Failure(
        ChatAccessError(f"{place.base_url} is a web page and no API: it should end in {path}")
    )


class _Ear:
    """Takes messages or their pieces, defensively: servers differ in what they leave out."""

    def __init__(self, place: Place, say: Callable[[Delta], None]) -> None:
        self.heard = Heard()
        self._place = place
        self._say = say
        self._splitter = ThoughtSplitter()
        self._told: list[Delta] = []
        self._chars = self._chunks = 0
        self._repetition = Repetition()

    def take_whole(self, completion: Any) -> None:
        """A completion that came at once."""
        if isinstance(completion, str):
            page = completion.lstrip().startswith("<")
            self.heard.failure = _web_page(self._place) if page else nonsense(self._place)
        elif error := getattr(completion, "error", None):
            self.heard.failure = spoken({"error": error}, self._place)
        else:
            self.take(completion)
            self.heard.counted = True  # it came whole, counted or not

    def take(self, chunk: Any) -> None:
        """A completion, or a piece of one; nothing more once it has failed."""
        self._chunks += 1
        if self._chunks > _MAX_CHUNKS:
            self._no_end(f"over {_MAX_CHUNKS:,} pieces")
        if self.heard.failure is not None:
            return
        for choice in (getattr(chunk, "choices", None) or [])[:1]:
            part = getattr(choice, "delta", None) or getattr(choice, "message", None)
            self._take_part(part)
            self._take_finish(getattr(choice, "finish_reason", None))
        if usage := getattr(chunk, "usage", None):
            self._take_usage(usage)

    def done(self) -> Heard:
        """Everything that was heard."""
        self._tell(self._splitter.end())
        self.heard.answer = answer_of(self._told)
        self.heard.repeats = self._repetition.likely
        return self.heard

    def _take_part(self, part: Any) -> None:
        thought = _text(part, "reasoning_content") or _text(part, "reasoning")
        if thought:
            self._tell(iter([Delta(thought, "reasoning")]))
        content = _text(part, "content")
        self._tell(self._splitter.feed(content))
        self.heard.refusal += _text(part, "refusal")
        self._chars += len(thought) + len(content)
        self._repetition.feed(thought + content)
        if self._repetition.evident:
            words = "repeats itself and does not stop: try a larger model, or ask for less"
            self.heard.failure = Failure(ChatLengthError(f"{self._place.who} {words}"))
        elif self._chars > _MAX_CHARS:
            self._no_end(f"over {_MAX_CHARS:,} letters")

    def _no_end(self, how_much: str) -> None:
        error = ChatError(f"{self._place.who} does not stop: {how_much}; try another model")
        self.heard.failure = Failure(error)

    def _take_finish(self, finish: object) -> None:
        if not isinstance(finish, str):
            return
        self.heard.finish = _FINISHES.get(finish.lower(), finish.lower())
        if self.heard.finish == "error":
            error = ChatError(f"{self._place.who} failed in the middle of its answer; try again")
            self.heard.failure = Failure(error, "wait")

    def _take_usage(self, usage: Any) -> None:
        self.heard.counted = True
        self.heard.prompt_tokens = _count(usage, "prompt_tokens")
        self.heard.completion_tokens = _count(usage, "completion_tokens")
        cost = getattr(usage, "cost", None)
        self.heard.cost = float(cost) if isinstance(cost, (int, float)) else None

    def _tell(self, deltas: Iterator[Delta]) -> None:
        for delta in deltas:
            self._told.append(delta)
            self._say(delta)


def _text(part: Any, name: str) -> str:
    value = getattr(part, name, None)
    return value if isinstance(value, str) else ""


def _count(usage: Any, name: str) -> int:
    value = getattr(usage, name, None)
    return value if isinstance(value, int) and value > 0 else 0
