"""LocalChat: a language model of transformers behind the chat model's protocol."""

from __future__ import annotations

import codecs
import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import torch

from rpg.chat._background import Running
from rpg.chat.base import Delta, Message, Usage, answer_of
from rpg.chat.local import prompt
from rpg.chat.local.background import in_thread
from rpg.chat.local.engine import Engine, Request
from rpg.chat.local.loading import load
from rpg.chat.local.sampling import Draw
from rpg.chat.thoughts import ThoughtSplitter
from rpg.errors import ChatError, ChatImageError, SettingsError
from rpg.metadata import public_name

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_NEW_TOKENS = 4096


class LocalChat:
    """Talks to a model in this process.

    An answer with a schema always obeys it, and is closed in time: `max_new_tokens` at most. Where
    the model had to be cut off for that, a warning is logged. Calls from several threads wait for
    one another: there is one lock for each model.

    Args:
        model: A text or image-text model of transformers that can `generate`.
        processor: Its tokenizer; for an image-text model its processor.
        name: What it calls itself; None takes it from the model's folder or hub id.
        max_new_tokens: Tokens that an answer may take, thoughts included; 1 or more.
        temperature: 0 (the likeliest word always) to 2; None takes what the model's makers advise.
        seed: Makes the row of answers repeatable; None differs every time.
        cancel: Set by anybody, stops the answer that is being given.

    Raises:
        ModelError: The tokenizer is of a kind that cannot be used.
        SettingsError: A number is out of its range.
    """

    def __init__(
        self,
        model: Any,
        processor: Any,
        *,
        name: str | None = None,
        max_new_tokens: int = MAX_NEW_TOKENS,
        temperature: float | None = None,
        seed: int | None = None,
        cancel: threading.Event | None = None,
    ) -> None:
        """Hold the model as it is, on the device where it is."""
        _check(max_new_tokens, temperature)
        given = name if name is not None else getattr(model.config, "_name_or_path", "")
        self._name = public_name(given) or str(model.config.model_type)
        self._cancel = cancel
        self._sees = prompt.sees(processor)
        draw = _draw(model.generation_config, temperature, seed)
        self._engine = Engine(model, processor, self._name, max_new_tokens, draw)

    @property
    def context(self) -> int | None:
        """Tokens that question and answer may have together; None where the model does not say."""
        return self._engine.context

    @classmethod
    def from_pretrained(
        cls,
        source: str | os.PathLike[str],
        *,
        dtype: torch.dtype | str | None = None,
        device: torch.device | str | None = None,
        max_new_tokens: int = MAX_NEW_TOKENS,
        temperature: float | None = None,
        seed: int | None = None,
        cancel: threading.Event | None = None,
    ) -> LocalChat:
        """Loads a folder or a hub id, from safetensors only and without code from the hub.

        Args:
            source: A folder as `save_pretrained` writes it, or a hub id.
            dtype: A torch dtype or its name; None is float32 on a CPU, bfloat16 on a GPU.
            device: Such as "cuda:1"; None is the best there is, "auto" spreads the model out.
            max_new_tokens: As for the class.
            temperature: As for the class.
            seed: As for the class.
            cancel: As for the class.

        Raises:
            ModelError: It cannot be loaded, or is no language model.
            SettingsError: A number is out of its range.
        """
        _check(max_new_tokens, temperature)
        model, processor = load(source, dtype=dtype, device=device)
        return cls(
            model,
            processor,
            name=os.fspath(source),
            max_new_tokens=max_new_tokens,
            temperature=temperature,
            seed=seed,
            cancel=cancel,
        )

    @property
    def name(self) -> str:
        """The hub id, or the folder's own name without its path."""
        return self._name

    @property
    def usage(self) -> Usage:
        """Calls answered and tokens used; it costs nothing."""
        engine = self._engine
        return Usage(engine.calls, engine.prompt_tokens, engine.completion_tokens, cost=0.0)

    def complete(
        self,
        messages: Sequence[Message],
        *,
        schema: Mapping[str, Any] | None = None,
        images: Sequence[Image] = (),
    ) -> str:
        """Answers a conversation; see `ChatModel.complete`.

        Raises:
            ChatImageError: There are images and the model takes none.
            ChatLengthError: The conversation or the answer is too long.
            ChatError: The model failed, or said nothing.
            Cancelled: `cancel` was set.
        """
        return answer_of(self.stream(messages, schema=schema, images=images))

    def stream(
        self,
        messages: Sequence[Message],
        *,
        schema: Mapping[str, Any] | None = None,
        images: Sequence[Image] = (),
    ) -> Running[Delta]:
        """The same as it comes; closing what is returned stops the model within a token.

        It may be closed from another thread.

        Raises:
            ChatImageError: There are images and the model takes none.
        """
        if not messages:
            raise ChatError("there is nothing to ask: the conversation is empty")
        if images and not self._sees:
            raise ChatImageError(f"{self._name} cannot look at pictures: choose a model that can")
        request = Request(tuple(messages), schema, tuple(images))
        return in_thread(partial(self._answer, request), self._cancel)

    def _answer(
        self, request: Request, emit: Callable[[Delta], None], stop: threading.Event
    ) -> None:
        answer_stream = _AnswerStream(emit)
        self._engine.answer(request, answer_stream.feed, stop)
        answer_stream.end()
        if not answer_stream.answered:
            raise ChatError(f"{self._name} said nothing: ask in other words, or another model")


class _AnswerStream:
    """Text that comes in bytes, said as deltas with the thoughts apart."""

    def __init__(self, emit: Callable[[Delta], None]) -> None:
        self.answered = False
        self._emit = emit
        self._read = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._splitter = ThoughtSplitter()

    def feed(self, piece: bytes, *, final: bool = False) -> None:
        self._pass_on(self._splitter.feed(self._read(piece, final=final)))

    def end(self) -> None:
        self.feed(b"", final=True)
        self._pass_on(self._splitter.end())

    def _pass_on(self, deltas: Iterable[Delta]) -> None:
        for delta in deltas:
            if delta.kind == "restart":
                self.answered = False
            elif delta.kind == "answer":
                self.answered |= not delta.text.isspace()
            self._emit(delta)


def _draw(advice: Any, temperature: float | None, seed: int | None) -> Draw:
    """How tokens are drawn where the model's makers gave advice."""
    if temperature is None:
        advised = getattr(advice, "temperature", None)
        temperature = (1.0 if advised is None else advised) if advice.do_sample else 0.0
    top_k, top_p = getattr(advice, "top_k", None), getattr(advice, "top_p", None)
    return Draw(temperature, top_k or 0, 1.0 if top_p is None else top_p, seed)


def _check(max_new_tokens: int, temperature: float | None) -> None:
    if max_new_tokens < 1:
        raise SettingsError(f"max_new_tokens: should be 1 or more, not {max_new_tokens}")
    if temperature is not None and not 0 <= temperature <= 2:
        raise SettingsError(f"temperature: should be 0 to 2, not {temperature}")
