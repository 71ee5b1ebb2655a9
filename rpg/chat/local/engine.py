"""One answer after another from one model: input, `generate`, and what goes wrong in it."""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from transformers import GenerationConfig

from rpg._memory import memory_explained
from rpg.chat.base import Message
from rpg.chat.local import prompt
from rpg.chat.local.constraint import Constraint
from rpg.chat.local.loading import ADVICE
from rpg.chat.local.sampling import Draw, Sampler
from rpg.chat.local.vocabulary import Vocabulary
from rpg.errors import Cancelled, ChatError, ChatLengthError, RPGError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL.Image import Image

_LOCKS: weakref.WeakKeyDictionary[Any, threading.Lock] = weakref.WeakKeyDictionary()
_PATIENCE = 0.05  # seconds between two looks at whether anybody still waits
_TAIL = 16  # tokens at a prompt's end in which a template may have opened the thoughts
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Request:
    """What is asked: a conversation, the schema of the answer, pictures to the last message."""

    messages: tuple[Message, ...]
    schema: Mapping[str, Any] | None
    images: tuple[Image, ...]


class Engine:
    """A model with its tokenizer or processor, one answer at a time.

    Args:
        model: A model of transformers.
        processor: Its tokenizer, or its processor where it takes pictures.
        name: What to call it in messages.
        room: Tokens that an answer may take.
        draw: How tokens are drawn.

    Attributes:
        vocabulary: The model's tokens.
        prompt_tokens: Tokens read so far.
        completion_tokens: Tokens written so far.
        calls: Requests answered so far.

    Raises:
        ModelError: The tokenizer is of a kind that cannot be used.
    """

    def __init__(self, model: Any, processor: Any, name: str, room: int, draw: Draw) -> None:
        self._model = model
        self._processor = processor
        self._name = name
        self._room = room
        self._draw = draw
        self._ends = _ends(model, prompt.tokenizer_of(processor))
        self._lock = _LOCKS.setdefault(model, threading.Lock())
        self.vocabulary = Vocabulary(prompt.tokenizer_of(processor), self._ends)
        self.prompt_tokens = self.completion_tokens = self.calls = 0

    def answer(
        self, request: Request, emit: Callable[[bytes], None], stop: threading.Event
    ) -> None:
        """Answers once the model is free; `emit` gets the text in UTF-8 as it comes.

        Raises:
            Cancelled: `stop` was set.
            ChatLengthError: The conversation or the answer is too long.
            ChatError: The model failed.
        """
        with self._turn(stop), self._explained(), memory_explained(ChatError, ADVICE):
            inputs = self._encoded(request)
            ids = inputs["input_ids"][0].tolist()
            sampler = self._sampler(request.schema, ids, emit, stop)
            try:
                self._generate(inputs, sampler)
            finally:
                self.prompt_tokens += len(ids)
                self.completion_tokens += sampler.made
            self._judge(sampler)
            self.calls += 1

    def _encoded(self, request: Request) -> Any:
        inputs = prompt.encode(
            self._processor, request.messages, request.images, brief=request.schema is not None
        )
        return inputs.to(self._model.device)

    def _sampler(
        self,
        schema: Mapping[str, Any] | None,
        ids: Sequence[int],
        emit: Callable[[bytes], None],
        stop: threading.Event,
    ) -> Sampler:
        tail = b"".join(map(self.vocabulary.bytes_of, ids[-_TAIL:])).rstrip()
        thinking = tail.endswith(b"<think>")
        if thinking:
            emit(b"<think>")

        def constrained(room: int) -> Constraint:
            return Constraint(self.vocabulary, schema or {}, room)

        return Sampler(
            vocabulary=self.vocabulary,
            draw=self._draw,
            room=self._fitting(len(ids)),
            constrain=None if schema is None else constrained,
            thinking=thinking,
            emit=lambda token: emit(self.vocabulary.bytes_of(token)),
            stop=stop,
        )

    @property
    def context(self) -> int | None:
        """Tokens that prompt and answer may have together; None where the model does not say."""
        text = self._model.config.get_text_config()
        most: int | None = getattr(text, "max_position_embeddings", None)
        return most or None

    def _fitting(self, read: int) -> int:
        """Tokens that an answer to a prompt of `read` tokens may take."""
        most = self.context or read + self._room
        if read >= most:
            raise ChatLengthError(
                f"the conversation takes {read} tokens and {self._name} reads {most}: shorten it"
            )
        return int(min(self._room, most - read))

    def _generate(self, inputs: Any, sampler: Sampler) -> None:
        wishes = GenerationConfig(
            max_new_tokens=sampler.room,
            do_sample=False,  # the sampler draws
            num_beams=1,
            temperature=1.0,
            top_k=50,
            top_p=1.0,
            eos_token_id=sorted(self._ends),
            pad_token_id=min(self._ends),
        )
        self._model.generate(**inputs, generation_config=wishes, logits_processor=[sampler])

    def _judge(self, sampler: Sampler) -> None:
        if not sampler.ended:
            raise ChatLengthError(
                f"{self._name}'s answer did not fit into {sampler.room} tokens: raise "
                "max_new_tokens, or ask in fewer words"
            )
        if sampler.cut:
            _log.warning(
                "%s's answer was cut short to fit into %d tokens: raise max_new_tokens",
                self._name,
                sampler.room,
            )

    @contextmanager
    def _turn(self, stop: threading.Event) -> Iterator[None]:
        """Wait for the model, as long as the answer is wanted."""
        while not self._lock.acquire(timeout=_PATIENCE):
            _go_on(stop)
        try:
            _go_on(stop)
            yield
        finally:
            self._lock.release()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Whatever a model or its processor raises, in one line."""
        try:
            yield
        except RPGError:
            raise
        except Exception as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise ChatError(f"{self._name} failed: {reason[:300]}") from error


def _go_on(stop: threading.Event) -> None:
    if stop.is_set():
        raise Cancelled("the answer is not wanted any more")


def _ends(model: Any, tokenizer: Any) -> set[int]:
    """Ids that end an answer, as the model's settings and the tokenizer say."""
    eos = getattr(model.generation_config, "eos_token_id", None)
    ends = eos if isinstance(eos, Iterable) else [eos]
    return {int(token) for token in [*ends, tokenizer.eos_token_id] if token is not None}
