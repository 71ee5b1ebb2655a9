"""The models that an endpoint has."""

from __future__ import annotations

from collections.abc import Callable

import openai

from rpg.chat._asking import client
from rpg.chat._drafts import Draft
from rpg.chat._failures import Failure, Place, failure_of
from rpg.chat.endpoints import endpoint_of
from rpg.chat.patience import Patience
from rpg.errors import ChatAccessError


async def list_models(
    base_url: str, key: str | None, patience: Patience, say: Callable[[str], None]
) -> None:
    """Says the name of every model, one by one; nothing where the endpoint keeps no list.

    Raises:
        ChatAccessError: Key or address are wrong.
    """
    place = Place(base_url, Draft("", endpoint_of(base_url), ()), keyed=key is not None)
    async with client(base_url, key, patience) as asked:
        failure = await _listed(asked, place, say)
    if failure is not None and isinstance(failure.error, ChatAccessError):
        raise failure.error


async def _listed(
    asked: openai.AsyncOpenAI, place: Place, say: Callable[[str], None]
) -> Failure | None:
    try:
        page = await asked.models.list()
    except (openai.OpenAIError, ValueError, AttributeError) as error:  # the last: a web page
        return failure_of(error, place)
    for model in getattr(page, "data", None) or []:
        if isinstance(name := getattr(model, "id", None), str):
            say(name.removeprefix("models/"))  # Gemini's
    return None
