"""The request body, and what is known of an endpoint's capabilities."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from rpg.chat import schemas
from rpg.chat.base import Message
from rpg.chat.endpoints import FORMATS, Endpoint, Format, Room

_ROOMS: tuple[Room, Room] = ("max_tokens", "max_completion_tokens")


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What is known of a model at an endpoint.

    Attributes:
        format: The step of the ladder that worked; None: nothing has been proven.
        without: Parameters that it refused ("temperature", "stream", a system message, ...).
    """

    format: Format | None = None
    without: frozenset[str] = frozenset()


class CapabilityCache:
    """Capabilities by base URL and model, kept for the life of the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._learnt: dict[tuple[str, str], Capabilities] = {}

    def of(self, base_url: str, model: str) -> Capabilities:
        """What is known of a model."""
        with self._lock:
            return self._learnt.get((base_url, model), Capabilities())

    def keep(self, base_url: str, model: str, learnt: Capabilities) -> None:
        """Stores what is known of a model."""
        with self._lock:
            self._learnt[base_url, model] = learnt


CAPABILITIES = CapabilityCache()


@dataclass(frozen=True, slots=True)
class RequestDraft:
    """One request before it is sent; every change makes a new one.

    Attributes:
        model: Its name at the endpoint.
        messages: The conversation.
        schema: What the answer should obey.
        pictures: Data URLs that go with the last message.
        format: How the schema is asked for.
        temperature: Randomness; None: the model's own.
        room: Tokens that the answer may have; None: as many as the endpoint gives.
        without: Parameters that are left out since they were refused.
    """

    model: str
    endpoint: Endpoint
    messages: Sequence[Message]
    schema: Mapping[str, Any] | None = None
    pictures: Sequence[str] = ()
    format: Format = "json_schema"
    temperature: float | None = None
    room: int | None = None
    without: frozenset[str] = field(default_factory=frozenset)

    @property
    def streams(self) -> bool:
        """Whether the answer is asked for piece by piece."""
        return "stream" not in self.without

    @property
    def room_word(self) -> Room | None:
        """What this endpoint calls `room`; None where it knows neither word."""
        words = sorted(_ROOMS, key=lambda word: word != self.endpoint.room)
        return next((word for word in words if word not in self.without), None)

    @property
    def sent_room(self) -> int | None:
        """`room` where it is said to the endpoint."""
        return self.room if self.room_word is not None else None

    @property
    def named(self) -> tuple[str, ...]:
        """What an endpoint may refuse by name and we can do without."""
        parameters = [name for name in self.body() if name not in ("model", "messages")]
        return (*parameters, *(["system"] if self._has_system() else []))

    def dropped(self, name: str) -> RequestDraft:
        """The same without a parameter; "room" is both words for that."""
        return replace(self, without=self.without | (set(_ROOMS) if name == "room" else {name}))

    def lowered(self) -> RequestDraft | None:
        """The same one step down the ladder; None at its foot."""
        step = FORMATS.index(self.format) + 1
        return replace(self, format=FORMATS[step]) if step < len(FORMATS) else None

    def body(self) -> dict[str, Any]:
        """The request as the API takes it."""
        body: dict[str, Any] = {"model": self.model, "messages": self._messages()}
        if self.schema is not None and self.format != "words":
            body["response_format"] = self._response_format(self.schema)
        if self.temperature is not None and "temperature" not in self.without:
            body["temperature"] = self.temperature
        if self.room is not None and self.room_word is not None:
            body[self.room_word] = self.room
        if self.streams:
            body["stream"] = True
            if "stream_options" not in self.without:
                body["stream_options"] = {"include_usage": True}
        return body

    def _response_format(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        if self.format == "json_object":
            return {"type": "json_object"}
        closed = schemas.strict(schema) if self.endpoint.strict else None
        named: dict[str, Any] = {"name": "answer", "schema": closed or dict(schema)}
        if closed is not None:
            named["strict"] = True
        return {"type": "json_schema", "json_schema": named}

    def _has_system(self) -> bool:
        return "system" not in self.without and any(one.role == "system" for one in self.messages)

    def _messages(self) -> list[dict[str, Any]]:
        turns = list(self.messages) if "system" not in self.without else _folded(self.messages)
        messages: list[dict[str, Any]] = [
            {"role": one.role, "content": one.content} for one in turns
        ]
        if messages and self.schema is not None and self.format != "json_schema":
            messages[-1]["content"] += "\n\n" + schemas.in_words(self.schema)
        if messages and self.pictures:
            parts = [{"type": "image_url", "image_url": {"url": url}} for url in self.pictures]
            messages[-1]["content"] = [{"type": "text", "text": messages[-1]["content"]}, *parts]
        return messages


def _folded(messages: Sequence[Message]) -> list[Message]:
    """System messages put before the first user message, for templates that know no system."""
    rules = [one.content for one in messages if one.role == "system"]
    turns = [one for one in messages if one.role != "system"]
    if turns and rules:
        turns[0] = replace(turns[0], content="\n\n".join([*rules, turns[0].content]))
    return turns
