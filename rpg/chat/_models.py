"""The list of an endpoint's models, and what it says of each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import openai

from rpg.chat._drafts import RequestDraft
from rpg.chat._failures import (
    AttemptFailure,
    RequestContext,
    failure_of,
    not_a_completion,
    unproven_api,
)
from rpg.chat._http_client import ExcessError, open_client
from rpg.chat.addresses import Trust
from rpg.chat.endpoints import Endpoint
from rpg.chat.timeouts import Timeouts
from rpg.errors import ChatAccessError

# AttributeError: a web page came
_FOREIGN = (openai.OpenAIError, ExcessError, ValueError, RecursionError, AttributeError)


# What servers call it: vLLM; OpenRouter; LM Studio, as loaded and at most; Groq; Gemini.
_CONTEXTS = (
    "max_model_len", "context_length", "loaded_context_length", "max_context_length",
    "context_window", "inputTokenLimit", "n_ctx",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ListedModel:
    """A model of an endpoint.

    Attributes:
        name: By which it is asked for.
        context: Tokens of question and answer together, where the endpoint says so.
    """

    name: str
    context: int | None = None


async def list_models(
    base_url: str,
    endpoint: Endpoint,
    key: str | None,
    timeouts: Timeouts,
    emit: Callable[[ListedModel], None],
    trust: Trust = "owner",
) -> None:
    """Emits every model, one by one; nothing where the endpoint keeps no list.

    Raises:
        ChatAccessError: Key or address are wrong.
    """
    context = RequestContext(base_url, RequestDraft("", endpoint, ()), key is not None, trust)
    failure = None
    try:
        async with (
            asyncio.timeout(timeouts.total),
            open_client(base_url, key, timeouts, local=endpoint.local, trust=trust) as client,
        ):
            failure = await _list(client, context, emit)
    except TimeoutError:
        failure = not_a_completion(context)
    if failure is None:
        return
    if trust == "stranger" and not failure.tellable:
        raise unproven_api(base_url)
    if isinstance(failure.error, ChatAccessError):
        raise failure.error


_MOST_MODELS = 2000


async def _list(
    client: openai.AsyncOpenAI, context: RequestContext, emit: Callable[[ListedModel], None]
) -> AttemptFailure | None:
    try:
        page: Any = await client.models.list()
    except _FOREIGN as error:
        return failure_of(error, context)
    listed = getattr(page, "data", None)
    if not isinstance(listed, list):
        return not_a_completion(context)
    for model in listed[:_MOST_MODELS]:
        if isinstance(name := getattr(model, "id", None), str):
            emit(ListedModel(name.removeprefix("models/"), _context(model)))  # Gemini's prefix
    return None


def _context(model: Any) -> int | None:
    """The context that an entry tells of, in it or in its `meta`, as llama.cpp's does."""
    more = getattr(model, "model_extra", None)
    told = more if isinstance(more, dict) else {}
    meta = told.get("meta")
    for fields in (told, meta if isinstance(meta, dict) else {}):
        for name in _CONTEXTS:
            value = fields.get(name)
            if type(value) is int and 0 < value < 10**8:
                return value
    return None
