"""Every endpoint that speaks OpenAI's chat completions, hosted or local."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from pydantic import SecretStr

from rpg.chat._background import Running
from rpg.chat._drafts import CAPABILITIES, RequestDraft
from rpg.chat._secrets import one_line
from rpg.chat.addresses import Trust
from rpg.chat.base import Delta, Message, Usage, answer_of
from rpg.chat.endpoints import (
    OPENAI_URL,
    Endpoint,
    Format,
    clean_base_url,
    endpoint_of,
    takes_temperature,
)
from rpg.chat.prices import Price, price_of
from rpg.chat.timeouts import Timeouts
from rpg.environment import Environment, environment
from rpg.errors import ChatAccessError, ChatError, ChatImageError

if TYPE_CHECKING:
    from PIL.Image import Image

    from rpg.chat._response import ChatResponse


_SHOWN = 12  # models that an error names
ROOM = 16384  # tokens: enough for a model that thinks, and an end for one that loops


class _NoKey(Enum):
    NO_KEY = "no key"


NO_KEY: Final = _NoKey.NO_KEY
"""In place of a key: none, whatever the environment holds."""

Key = str | SecretStr | _NoKey


def operators_key() -> SecretStr | _NoKey:
    """The environment's key, to be handed over where the operator named the address.

    Raises:
        SettingsError: The environment holds what it may not.
    """
    return environment().openai_api_key or NO_KEY


class OpenAIChat:
    """A model behind OpenAI's chat completions: OpenAI, Gemini, DeepSeek, vLLM, Ollama and others.

    Answers are always streamed where the endpoint can, so that a slow model is not mistaken for a
    dead one. What an endpoint cannot do is found out once and remembered for the process.

    Args:
        model: Its name at the endpoint.
        base_url: The API's address; None: `OPENAI_BASE_URL`, else OpenAI's.
        api_key: `NO_KEY`: none. None: `OPENAI_API_KEY`. That one goes to hosted endpoints, to a
            local server only where `OPENAI_BASE_URL` names it too, and nowhere that a visitor
            named.
        temperature: Randomness, 0 to 2; None: the model's own. Left out where it is refused.
        max_tokens: Tokens that an answer may have, thoughts included; None: what the endpoint
            allows. Left out where it is refused.
        timeouts: How long a call may take: 90 s of silence, 300 s in all.
        prices: What models cost, by name, before `rpg.chat.prices`.
        cancel: Set, it ends every call under way with `Cancelled`.
        trust: Who named `base_url`. A "visitor" may name no link-local or metadata address, which
            is looked at again when it is connected to; a "stranger" is not told more than that
            either, until a chat API has answered.

    Attributes:
        name: The model's name.
        base_url: Where it is; holds no key.
        endpoint: What is known of that address.

    Raises:
        ChatAccessError: No model is named, the base URL is no address, or the key no key.
        SettingsError: The environment holds what it may not.
    """

    def __init__(
        self,
        model: str,
        *,
        base_url: str | None = None,
        api_key: Key | None = None,
        temperature: float | None = None,
        max_tokens: int | None = ROOM,
        timeouts: Timeouts | None = None,
        prices: Mapping[str, Price] | None = None,
        cancel: threading.Event | None = None,
        trust: Trust = "owner",
    ) -> None:
        if not model.strip():
            raise ChatAccessError("no model is named: say which one the endpoint should run")
        env = environment()
        self.name = model.strip()
        self.base_url = clean_base_url(base_url or env.openai_base_url or OPENAI_URL)
        self.endpoint: Endpoint = endpoint_of(self.base_url)
        self._trust = trust
        self._key = self._chosen(api_key, env)
        self._temperature = temperature if takes_temperature(self.name) else None
        self._max_tokens = max_tokens
        self._timeouts = timeouts or Timeouts()
        self._price = price_of(self.endpoint, self.name, prices)
        self._cancel = cancel
        self._lock = threading.Lock()
        self._usage = Usage()
        self._context: int | None = None  # 0: the endpoint does not say

    def __repr__(self) -> str:
        """Model and address."""
        return f"OpenAIChat({self.name!r}, base_url={self.base_url!r})"

    @classmethod
    def found(cls, *, base_url: str | None = None, **options: Any) -> OpenAIChat:
        """The only model that an endpoint has; takes what the constructor takes.

        Raises:
            ChatAccessError: It has none or several, or cannot be asked.
        """
        chat = cls("?", base_url=base_url, **options)
        names = chat.models()
        if len(names) != 1:
            raise ChatAccessError(f"name the model to plan with; {chat.base_url} {_offer(names)}")
        return cls(names[0], base_url=base_url, **options)

    @property
    def usage(self) -> Usage:
        """What has been used so far, by all threads together."""
        with self._lock:
            return self._usage

    @property
    def format(self) -> Format | None:
        """How a schema is known to reach this model; None: not tried yet, or in no way."""
        return CAPABILITIES.of(self.base_url, self.name).format

    @property
    def streams(self) -> bool:
        """Whether answers come piece by piece, as far as is known."""
        return "stream" not in CAPABILITIES.of(self.base_url, self.name).without

    def complete(
        self,
        messages: Sequence[Message],
        *,
        schema: Mapping[str, Any] | None = None,
        images: Sequence[Image] = (),
    ) -> str:
        """The answer; see `ChatModel.complete`.

        Raises:
            ChatError: There is none.
            Cancelled: `cancel` was set.
        """
        return answer_of(self.stream(messages, schema=schema, images=images)).strip()

    def stream(
        self,
        messages: Sequence[Message],
        *,
        schema: Mapping[str, Any] | None = None,
        images: Sequence[Image] = (),
    ) -> Running[Delta]:
        """The answer as it comes; see `ChatModel.stream`.

        What is returned may also be closed from another thread, which ends a wait at once.

        Raises:
            ChatImageError: The endpoint takes no pictures at all.
        """
        draft = self._draft(messages, schema, images)
        return Running(partial(self._ask, draft), self._cancel)

    def models(self) -> tuple[str, ...]:
        """The names of the models that the endpoint has; empty where it does not say.

        Raises:
            ChatAccessError: Key or address are wrong.
        """
        return tuple(one.name for one in Running(self._list, self._cancel))

    def context(self) -> int | None:
        """Tokens that question and answer may have together; None where the endpoint does not say.

        It is asked at the first call, and its answer is kept; no error comes of it.
        """
        if self.endpoint.context:
            return self.endpoint.context
        if self._context is None:
            self._context = 0
            with suppress(ChatError):
                for one in Running(self._list, self._cancel):
                    if one.name == self.name and one.context:
                        self._context = one.context
        return self._context or None

    def _draft(
        self,
        messages: Sequence[Message],
        schema: Mapping[str, Any] | None,
        images: Sequence[Image],
    ) -> RequestDraft:
        if not messages:
            raise ChatError("there is nothing to ask: the conversation is empty")
        if images and self.endpoint.images is False:
            raise ChatImageError(
                f"{self.endpoint.name} takes no pictures; use a vision model, or text alone"
            )
        from rpg.chat._pictures import data_url

        learnt = CAPABILITIES.of(self.base_url, self.name)
        return RequestDraft(
            model=self.name,
            endpoint=self.endpoint,
            messages=tuple(messages),
            schema=schema,
            pictures=tuple(data_url(image) for image in images),
            format=learnt.format or self.endpoint.format,
            temperature=self._temperature,
            room=self._max_tokens,
            without=learnt.without,
        )

    async def _ask(self, draft: RequestDraft, emit: Any) -> None:
        from rpg.chat._request import ChatRequest  # loads openai

        request = ChatRequest(
            draft, self.base_url, self._secret, self._timeouts, self._count, self._trust
        )
        await request.run(emit)

    async def _list(self, emit: Any) -> None:
        from rpg.chat._models import list_models  # loads openai

        await list_models(
            self.base_url, self.endpoint, self._secret, self._timeouts, emit, self._trust
        )

    def _chosen(self, given: Key | None, env: Environment) -> SecretStr | None:
        """The key that goes to this address; the environment's only where the owner named it."""
        if isinstance(given, _NoKey):
            return None
        if given or self._trust != "owner":
            return _checked(given or "")
        own = env.openai_api_key
        if own is not None and self.endpoint.local:  # a hosted endpoint's key, to some server?
            named = env.openai_base_url
            own = own if named and clean_base_url(named) == self.base_url else None
        return _checked(own or "")

    @property
    def _secret(self) -> str | None:
        return self._key.get_secret_value() if self._key is not None else None

    def _count(self, response: ChatResponse) -> None:
        cost = response.cost
        if cost is None and self._price is not None:
            cost = self._price.of(response.prompt_tokens, response.completion_tokens)
        with self._lock:
            known = self._usage.cost if self._usage.calls else 0.0
            self._usage = Usage(
                self._usage.calls + 1,
                self._usage.prompt_tokens + response.prompt_tokens,
                self._usage.completion_tokens + response.completion_tokens,
                None if known is None or cost is None else known + cost,
            )


def _offer(names: Sequence[str]) -> str:
    shown = ", ".join(f"{one_line(name):.60}" for name in names[:_SHOWN])
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"has {shown}{more}" if names else "does not say which it has"


def _checked(key: str | SecretStr) -> SecretStr | None:
    """A key that can go into a header; blank counts as none."""
    text = (key.get_secret_value() if isinstance(key, SecretStr) else key).strip()
    if not (text.isascii() and text.isprintable()) or " " in text:
        raise ChatAccessError("the API key holds letters that no key has: copy it again")
    return SecretStr(text) if text else None
