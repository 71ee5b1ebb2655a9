"""One call of a hosted model: attempts until there is an answer, within bounds."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import replace

import openai

from rpg.chat import _secrets, schemas
from rpg.chat._drafts import MEMORY, Draft, Learnt
from rpg.chat._failures import Failure, Place, failure_of, unproven
from rpg.chat._hearing import Heard, listen
from rpg.chat._reaching import ExcessError, client
from rpg.chat.addresses import Trust
from rpg.chat.base import Delta
from rpg.chat.patience import Patience
from rpg.errors import ChatError, ChatLengthError, ChatRefusal

# What the library below fails with; ValueError and RecursionError: what came is no JSON.
_FOREIGN = (openai.OpenAIError, ExcessError, ValueError, RecursionError)
_MORE_ROOM = 8192  # tokens, at the least, for the second try of an answer that was cut off


class Asking:
    """A question on its way.

    Args:
        draft: What is asked.
        base_url: Whom.
        key: With which key; None: a local server that wants none.
        patience: How long.
        count: Called with everything that was heard, to keep count of tokens.
        trust: Who named the address.
    """

    def __init__(
        self,
        draft: Draft,
        base_url: str,
        key: str | None,
        patience: Patience,
        count: Callable[[Heard], None],
        trust: Trust = "owner",
    ) -> None:
        self._draft = draft
        self._base_url = base_url
        self._key = key
        self._patience = patience
        self._count = count
        self._trust = trust
        self._tellable = trust != "stranger"  # what fails; a stranger's server has to speak first
        self._known = MEMORY.of(base_url, draft.model).format
        self._tried = {"wait": 0, "again": 0, "room": 0}
        self._used = 0  # tokens that the last answer took
        self._deadline = 0.0

    @property
    def _place(self) -> Place:
        return Place(self._base_url, self._draft, self._key is not None, self._trust)

    async def run(self, say: Callable[[Delta], None]) -> None:
        """Says the answer.

        Raises:
            ChatError: There is none.
        """
        self._deadline = asyncio.get_running_loop().time() + self._patience.total
        try:
            async with asyncio.timeout_at(self._deadline):
                local = self._draft.endpoint.local
                async with client(
                    self._base_url, self._key, self._patience, local=local, trust=self._trust
                ) as asked:
                    await self._keep_asking(asked, say)
            return
        except TimeoutError:
            pass  # raised below, free of what was going on
        if not self._tellable:
            raise unproven(self._base_url)
        raise ChatError(
            f"{self._place.who} gave no whole answer within {self._patience.total:g} s; "
            "try again, or a faster model"
        )

    async def _keep_asking(self, asked: openai.AsyncOpenAI, say: Callable[[Delta], None]) -> None:
        while (failure := await self._attempt(asked, say)) is not None:
            self._tellable = self._tellable or failure.tellable
            wait = self._mended(failure)
            if self._tellable:
                say(Delta(f"asking again: {failure.error}", "restart"))
            await asyncio.sleep(wait)

    async def _attempt(
        self, asked: openai.AsyncOpenAI, say: Callable[[Delta], None]
    ) -> Failure | None:
        def proven(delta: Delta) -> None:
            self._tellable = True  # only a chat API says words
            say(delta)

        try:
            heard = await listen(asked, self._draft, self._place, proven)
        except _FOREIGN as error:
            return failure_of(error, self._place)
        self._tellable = self._tellable or bool(heard.refusal)
        if heard.failure is None:
            self._used = heard.completion_tokens
            self._count(heard)
        return heard.failure or self._judged(heard)

    def _judged(self, heard: Heard) -> Failure | None:
        """What is wrong with an answer that came; None: nothing, and how it came is learnt."""
        who = self._place.who
        if heard.refusal or heard.finish == "content_filter":
            words = heard.refusal or "its content filter stopped the answer"
            return Failure(ChatRefusal(f"{who} refuses: {_secrets.one_line(words)}"))
        if heard.finish == "length":
            room = f" within {self._draft.sent_room:,} tokens" if self._draft.sent_room else ""
            if heard.repeats:
                words = f"repeats itself and did not stop{room}: try a larger model"
                return Failure(ChatLengthError(f"{who} {words}"))
            words = f"did not stop by itself{room}: the answer was cut off"
            advice = "try a larger model, allow more tokens, or ask for less"
            return Failure(ChatLengthError(f"{who} {words}; {advice}"), "room")
        if heard.finish is None and not heard.counted:
            return Failure(ChatError(f"{who}: the answer broke off; try again"), "wait")
        if not heard.answer.strip():
            return Failure(ChatError(f"{who} gave a blank answer; try again"), "again")
        return self._heeded(heard.answer)

    def _heeded(self, answer: str) -> Failure | None:
        """Whether the schema reached the model at all; a proven way is not doubted any more."""
        draft = self._draft
        heeds = draft.schema is not None and schemas.heeds(answer, draft.schema)
        proven = draft.format if heeds else self._known
        if draft.schema is None or heeds or draft.format in ("words", self._known):
            MEMORY.keep(self._base_url, draft.model, Learnt(proven, draft.without))
            return None
        return Failure(ChatError(f"{self._place.who} does not heed the schema"), "lower")

    def _mended(self, failure: Failure) -> float:
        """Changes the question so that it may be answered; the seconds to wait before asking.

        Raises:
            ChatError: Nothing is left to try.
        """
        if not self._tellable and failure.name != "stream":  # JSON came, maybe a chat completion
            raise unproven(self._base_url)
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
            case "wait" if self._may("wait", self._patience.retries):
                return self._wait(failure)
            case _:
                raise failure.error
        return 0.0

    def _may(self, what: str, most: int) -> bool:
        self._tried[what] += 1
        return self._tried[what] <= most

    def _wait(self, failure: Failure) -> float:
        if failure.wait is None:
            pause = self._patience.backoff * 2.0 ** (self._tried["wait"] - 1)
            return min(pause * random.uniform(0.75, 1.25), self._patience.longest_wait)
        left = self._deadline - asyncio.get_running_loop().time()
        if failure.wait > min(self._patience.longest_wait, left):
            raise ChatError(f"{failure.error}; it asks to wait {_span(failure.wait)}")
        return failure.wait


def _span(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 600 else f"{seconds / 3600:,.1f} h"
