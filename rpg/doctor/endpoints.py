"""The language model's address, asked with short patience; of keys only whether they are set."""

from __future__ import annotations

import time
from collections.abc import Iterator
from importlib import import_module

from rpg.doctor.finding import Finding
from rpg.doctor.machine import broken
from rpg.environment import environment
from rpg.errors import RPGError

__all__ = ["endpoints"]

_PATIENCE = 5.0  # seconds
_CHECK = "see what `rpg planner-check` says of it"


def endpoints(base_url: str | None) -> Iterator[Finding]:
    """Whether the planner's address answers, and which keys there are."""
    env = environment()
    named = base_url or env.openai_base_url
    if named or env.openai_api_key:
        yield _asked(named)
    else:
        yield Finding("endpoints", "planner", "no language model is named: rules plan, offline")
    secrets = {
        "OPENAI_API_KEY": env.openai_api_key,
        "RPG_AUTH": env.auth,
        "RPG_MCP_TOKEN": env.mcp_token,
        "hub's token": None if broken("huggingface_hub") else _hubs_token(),
    }
    for name, secret in secrets.items():
        yield Finding("endpoints", name, "set" if secret else "not set", value=bool(secret))


def _hubs_token() -> str | None:
    token: str | None = import_module("huggingface_hub").get_token()
    return token


def _asked(base_url: str | None) -> Finding:
    from rpg.chat import OpenAIChat, Timeouts
    from rpg.chat.hosted import operators_key

    patience = Timeouts(connect=_PATIENCE, silence=_PATIENCE, total=_PATIENCE, retries=0)
    began = time.monotonic()
    try:
        chat = OpenAIChat("?", base_url=base_url, api_key=operators_key(), timeouts=patience)
        names = chat.models()
    except RPGError as error:
        return Finding("endpoints", "planner", str(error), "problem", _CHECK)
    where = f"{chat.base_url} ({chat.endpoint.name})"
    value = {"base_url": chat.base_url, "models": len(names)}
    if not names and time.monotonic() - began >= _PATIENCE:
        words = f"{where} says nothing within {_PATIENCE:g} seconds"
        return Finding("endpoints", "planner", words, "problem", _CHECK, value)
    if not names:
        words = f"{where} does not say which models it has"
        return Finding("endpoints", "planner", words, "note", _CHECK, value)
    words = f"{where} answers and has {len(names)} models, such as {names[0]:.60}"
    return Finding("endpoints", "planner", words, value=value)
