"""The list of an endpoint's models."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
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


async def list_models(
    base_url: str,
    endpoint: Endpoint,
    key: str | None,
    timeouts: Timeouts,
    emit: Callable[[str], None],
    trust: Trust = "owner",
) -> None:
    """Emits the name of every model, one by one; nothing where the endpoint keeps no list.

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
    client: openai.AsyncOpenAI, context: RequestContext, emit: Callable[[str], None]
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
            emit(name.removeprefix("models/"))  # Gemini's
    return None
