"""Capabilities of a hosted model, probed with three small requests."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rpg.chat import schemas
from rpg.chat.base import Message
from rpg.errors import ChatAccessError, ChatError, ChatImageError

if TYPE_CHECKING:
    from rpg.chat.hosted import OpenAIChat

_COUNT = "Count from one to ten in words, separated by commas. Nothing else."
_SQUARE = "Describe a red square of side 3."
_COLOUR = "Which colour is this picture? Answer with one word."
_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "shape": {"type": "string"},
        "colour": {"type": "string"},
        "side": {"type": "integer"},
    },
    "required": ["shape", "colour", "side"],
    "additionalProperties": False,
}
_FORMATS = {
    "json_schema": "obeyed; the endpoint is given it",
    "json_object": "obeyed; JSON is asked for, the schema told in words",
    "words": "obeyed; asked for in words alone",
}


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One thing that a model can do (`ok`), or cannot, in plain words."""

    name: str
    ok: bool
    words: str


def checkup(chat: OpenAIChat) -> Iterator[CheckResult]:
    """Probes the model, and yields each result as it comes.

    Raises:
        ChatError: The model gives no answer at all: the message says what to do.
    """
    yield from _talking(chat)
    yield _obeying(chat)
    yield _seeing(chat)
    yield _counting(chat)


def _talking(chat: OpenAIChat) -> Iterator[CheckResult]:
    begun, first = time.monotonic(), 0.0
    pieces = thoughts = 0
    with closing(chat.stream([Message("user", _COUNT)])) as deltas:
        for delta in deltas:
            first = first or time.monotonic() - begun
            pieces = 0 if delta.kind == "restart" else pieces + (delta.kind == "answer")
            thoughts += len(delta.text) * (delta.kind == "reasoning")
    took = time.monotonic() - begun
    yield CheckResult("answers", True, f"in {took:.1f} s")
    streams = chat.streams and pieces > 1
    came = f"{pieces} pieces, the first after {first:.1f} s" if streams else "comes in one piece"
    yield CheckResult("streaming", streams, came)
    apart = f"{thoughts} letters, kept apart from the answer" if thoughts else "none seen"
    yield CheckResult("thoughts", bool(thoughts), apart)


def _obeying(chat: OpenAIChat) -> CheckResult:
    try:
        answer = chat.complete([Message("user", _SQUARE)], schema=_SCHEMA)
    except ChatAccessError:
        raise
    except ChatError as error:
        return CheckResult("schema", False, str(error))
    if chat.format is None or not schemas.heeds(answer, _SCHEMA):
        return CheckResult("schema", False, f"not obeyed; it said {answer[:60]!r}")
    return CheckResult("schema", True, _FORMATS[chat.format])


def _seeing(chat: OpenAIChat) -> CheckResult:
    from PIL import Image

    red = Image.new("RGB", (64, 64), "red")
    try:
        answer = chat.complete([Message("user", _COLOUR)], images=[red])
    except ChatImageError:
        return CheckResult("images", False, "takes no pictures")
    except ChatError as error:
        return CheckResult("images", False, str(error))
    if "red" in answer.lower():
        return CheckResult("images", True, "sees that a red picture is red")
    return CheckResult("images", False, f"takes a red picture, but calls it {answer[:40]!r}")


def _counting(chat: OpenAIChat) -> CheckResult:
    used = chat.usage
    counted = used.prompt_tokens > 0
    words = f"{used.prompt_tokens} read, {used.completion_tokens} written in {used.calls} answers"
    cost = "price not known" if used.cost is None else f"${used.cost:.5f}"
    return CheckResult("tokens", counted, f"{words}; {cost}" if counted else "not counted")
