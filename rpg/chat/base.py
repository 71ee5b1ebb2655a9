"""What every chat model offers."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of an answer as it comes.

    Attributes:
        text: The words.
        kind: "answer"; "reasoning", the model's thoughts, which are no part of the answer; or
            "restart": all that came before is void, since the model is asked again (the answer was
            cut off, the line broke), and the text says why. `answer_of` reads all three.
    """

    text: str
    kind: Literal["reasoning", "answer", "restart"] = "answer"


@dataclass(frozen=True, slots=True)
class Usage:
    """What a chat model has used since it was made.

    Attributes:
        calls: Requests that were answered.
        prompt_tokens: Tokens read, as the endpoint counts them.
        completion_tokens: Tokens written, thoughts included.
        cost: US dollars, or None where a price is not known.
    """

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float | None = None


class ChatModel(Protocol):
    """A language model that can be talked to."""

    @property
    def name(self) -> str:
        """Public name of the model, such as "gpt-5"; never holds a key or a path."""
        ...

    @property
    def usage(self) -> Usage:
        """What has been used so far."""
        ...

    def complete(
        self,
        messages: Sequence[Message],
        *,
        schema: Mapping[str, Any] | None = None,
        images: Sequence[Image] = (),
    ) -> str:
        """Answers a conversation.

        Args:
            messages: The conversation; the last message is the user's.
            schema: A JSON schema that the answer should obey. An endpoint may be unable to: the
                answer has to be validated all the same.
            images: Pictures that belong to the last message.

        Returns:
            The answer's text, never blank, without the model's thoughts.

        Raises:
            ChatError: There is no answer; the subclass says whose fault that is.
        """
        ...

    def stream(
        self,
        messages: Sequence[Message],
        *,
        schema: Mapping[str, Any] | None = None,
        images: Sequence[Image] = (),
    ) -> Generator[Delta, None, None]:
        """The same, piece by piece; closing the generator ends the request."""
        ...


def answer_of(deltas: Iterable[Delta]) -> str:
    """The whole answer that a stream's deltas make: no thoughts, nothing from before a restart."""
    pieces: list[str] = []
    for delta in deltas:
        if delta.kind == "restart":
            pieces.clear()
        elif delta.kind == "answer":
            pieces.append(delta.text)
    return "".join(pieces)
