"""The models that an endpoint has."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import openai

from rpg.chat._drafts import Draft
from rpg.chat._failures import Failure, Place, failure_of, nonsense, unproven
from rpg.chat._reaching import ExcessError, client
from rpg.chat.addresses import Trust
from rpg.chat.endpoints import Endpoint
from rpg.chat.patience import Patience
from rpg.errors import ChatAccessError

# AttributeError: a web page came
_FOREIGN = (openai.OpenAIError, ExcessError, ValueError, RecursionError, AttributeError)


async def list_models(
    base_url: str,
    endpoint: Endpoint,
    key: str | None,
    patience: Patience,
    say: Callable[[str], None],
    trust: Trust = "owner",
) -> None:
    """Says the name of every model, one by one; nothing where the endpoint keeps no list.

    Raises:
        ChatAccessError: Key or address are wrong.
    """
    place = Place(base_url, Draft("", endpoint, ()), key is not None, trust)
    failure = None
    try:
        async with (
            asyncio.timeout(patience.total),
            client(base_url, key, patience, local=endpoint.local, trust=trust) as asked,
        ):
            failure = await _listed(asked, place, say)
    except TimeoutError:
        failure = nonsense(place)
    if failure is None:
        return
    if trust == "stranger" and not failure.tellable:
        raise unproven(base_url)
    if isinstance(failure.error, ChatAccessError):
        raise failure.error


_MOST_MODELS = 2000


async def _listed(
    asked: openai.AsyncOpenAI, place: Place, say: Callable[[str], None]
) -> Failure | None:
    try:
        page: Any = await asked.models.list()
    except _FOREIGN as error:
        return failure_of(error, place)
    found = getattr(page, "data", None)
    if not isinstance(found, list):
        return nonsense(place)
    for model in found[:_MOST_MODELS]:
        if isinstance(name := getattr(model, "id", None), str):
            say(name.removeprefix("models/"))  # Gemini's
    return None
