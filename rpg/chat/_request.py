"""One request to a hosted model: attempts until there is an answer, within the timeouts."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import replace

import openai

from rpg.chat import _secrets, schemas
from rpg.chat._drafts import CAPABILITIES, Capabilities, RequestDraft
from rpg.chat._failures import AttemptFailure, RequestContext, failure_of, unproven_api
from rpg.chat._http_client import ExcessError, open_client
from rpg.chat._response import ChatResponse, receive
from rpg.chat.addresses import Trust
from rpg.chat.base import Delta
from rpg.chat.timeouts import Timeouts
from rpg.errors import ChatError, ChatLengthError, ChatRefusal

# What the library below fails with; ValueError and RecursionError: what came is no JSON.
_FOREIGN = (openai.OpenAIError, ExcessError, ValueError, RecursionError)
_MORE_ROOM = 8192  # tokens, at the least, for the second try of an answer that was cut off


class ChatRequest:
    """A request under way, with its retries.

    Args:
        draft: The request's parameters.
        base_url: The endpoint.
        key: The API key; None for a local server that needs none.
        timeouts: The bounds of the call.
        count: Called with every response, to count tokens.
        trust: Who named the address.
    """

    def __init__(
        self,
        draft: RequestDraft,
        base_url: str,
        key: str | None,
        timeouts: Timeouts,
        count: Callable[[ChatResponse], None],
        trust: Trust = "owner",
    ) -> None:
        self._draft = draft
        self._base_url = base_url
        self._key = key
        self._timeouts = timeouts
        self._count = count
        self._trust = trust
        self._tellable = trust != "stranger"  # what fails; a stranger's server has to speak first
        self._known = CAPABILITIES.of(base_url, draft.model).format
        self._tried = {"wait": 0, "again": 0, "room": 0}
        self._used = 0  # tokens that the last answer took
        self._deadline = 0.0

    @property
    def _context(self) -> RequestContext:
        return RequestContext(self._base_url, self._draft, self._key is not None, self._trust)

    async def run(self, emit: Callable[[Delta], None]) -> None:
        """Emits the answer.

        Raises:
            ChatError: There is none.
        """
        self._deadline = asyncio.get_running_loop().time() + self._timeouts.total
        try:
            async with asyncio.timeout_at(self._deadline):
                local = self._draft.endpoint.local
                async with open_client(
                    self._base_url, self._key, self._timeouts, local=local, trust=self._trust
                ) as client:
                    await self._keep_asking(client, emit)
            return
        except TimeoutError:
            pass  # raised below, free of what was going on
        if not self._tellable:
            raise unproven_api(self._base_url)
        raise ChatError(
            f"{self._context.who} gave no whole answer within {self._timeouts.total:g} s; "
            "try again, or a faster model"
        )

    async def _keep_asking(self, client: openai.AsyncOpenAI, emit: Callable[[Delta], None]) -> None:
        while (failure := await self._attempt(client, emit)) is not None:
            self._tellable = self._tellable or failure.tellable
            wait = self._mended(failure)
            if self._tellable:
                emit(Delta(f"asking again: {failure.error}", "restart"))
            await asyncio.sleep(wait)

    async def _attempt(
        self, client: openai.AsyncOpenAI, emit: Callable[[Delta], None]
    ) -> AttemptFailure | None:
        def proven(delta: Delta) -> None:
            self._tellable = True  # only a chat API says words
            emit(delta)

        try:
            response = await receive(client, self._draft, self._context, proven)
        except _FOREIGN as error:
            return failure_of(error, self._context)
        self._tellable = self._tellable or bool(response.refusal)
        if response.failure is None:
            self._used = response.completion_tokens
            self._count(response)
        return response.failure or self._judged(response)

    def _judged(self, response: ChatResponse) -> AttemptFailure | None:
        """What is wrong with an answer that came; None: nothing, and how it came is learnt."""
        who = self._context.who
        if response.refusal or response.finish == "content_filter":
            words = response.refusal or "its content filter stopped the answer"
            return AttemptFailure(ChatRefusal(f"{who} refuses: {_secrets.one_line(words)}"))
        if response.finish == "length":
            room = f" within {self._draft.sent_room:,} tokens" if self._draft.sent_room else ""
            if response.repeats:
                words = f"repeats itself and did not stop{room}: try a larger model"
                return AttemptFailure(ChatLengthError(f"{who} {words}"))
            words = f"did not stop by itself{room}: the answer was cut off"
            advice = "try a larger model, allow more tokens, or ask for less"
            return AttemptFailure(ChatLengthError(f"{who} {words}; {advice}"), "room")
        if response.finish is None and not response.counted:
            return AttemptFailure(ChatError(f"{who}: the answer broke off; try again"), "wait")
        if not response.answer.strip():
            return AttemptFailure(ChatError(f"{who} gave a blank answer; try again"), "again")
        return self._heeded(response.answer)

    def _heeded(self, answer: str) -> AttemptFailure | None:
        """Whether the schema reached the model at all; a proven way is not doubted any more."""
        draft = self._draft
        heeds = draft.schema is not None and schemas.heeds(answer, draft.schema)
        proven = draft.format if heeds else self._known
        if draft.schema is None or heeds or draft.format in ("words", self._known):
            CAPABILITIES.keep(self._base_url, draft.model, Capabilities(proven, draft.without))
            return None
        return AttemptFailure(ChatError(f"{self._context.who} does not heed the schema"), "lower")

    def _mended(self, failure: AttemptFailure) -> float:
        """Changes the question so that it may be answered; the seconds to wait before asking.

        Raises:
            ChatError: Nothing is left to try.
        """
        if not self._tellable and failure.name != "stream":  # JSON came, maybe a chat completion
            raise unproven_api(self._base_url)
        match failure.remedy:
            case "drop":
                self._draft = self._draft.dropped(failure.name)
            case "lower" if (lower := self._draft.lowered()) is not None:
                self._draft = lower
            case "again" if self._may("again", 1):
                pass
            case "room" if self._draft.room_word is not None and self._may("room", 1):
                room = max(2 * max(self._draft.room or 0, self._used), _MORE_ROOM)
                self._draft = replace(self._draft, room=room)
            case "wait" if self._may("wait", self._timeouts.retries):
                return self._wait(failure)
            case _:
                raise failure.error
        return 0.0

    def _may(self, what: str, most: int) -> bool:
        self._tried[what] += 1
        return self._tried[what] <= most

    def _wait(self, failure: AttemptFailure) -> float:
        if failure.wait is None:
            pause = self._timeouts.backoff * 2.0 ** (self._tried["wait"] - 1)
            return min(pause * random.uniform(0.75, 1.25), self._timeouts.longest_wait)
        left = self._deadline - asyncio.get_running_loop().time()
        if failure.wait > min(self._timeouts.longest_wait, left):
            raise ChatError(f"{failure.error}; it asks to wait {_span(failure.wait)}")
        return failure.wait


def _span(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 600 else f"{seconds / 3600:,.1f} h"
