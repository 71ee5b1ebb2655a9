"""The chat server, one for all tests of this folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from rpg.chat import OpenAIChat, Timeouts

from .server import ChatServer, serving

KEY = "sk-test-4b1d9c0ffee5ecre7"
# Waits before retries are short. The bounds are far from what a busy machine needs to answer; tests
# of a bound choose it themselves.
QUICK = Timeouts(connect=30, silence=30, total=60, retries=2, longest_wait=1.0, backoff=0.01)

MakeChat = Callable[..., OpenAIChat]


@pytest.fixture(scope="session")
def server() -> Iterator[ChatServer]:
    with serving() as running:
        yield running


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def chat(server: ChatServer) -> MakeChat:
    """Makes a chat with a model of the server that nobody has asked before."""

    def make(play: str, **options: Any) -> OpenAIChat:
        given = {"base_url": server.url, "api_key": KEY, "timeouts": QUICK, **options}
        return OpenAIChat(server.fresh(play), **given)

    return make
