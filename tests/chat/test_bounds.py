"""Every wait ends: by its bound, or when somebody cancels.

What ends a wait comes within a second. Without it the wait would go on for a minute: so long the
server drips or is silent, and so long a patient client waits. `SOON` lies far from both, so that a
busy machine fails no test.
"""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace

import pytest

from rpg.chat import Message, OpenAIChat
from rpg.errors import Cancelled, ChatError

from .conftest import QUICK, MakeChat
from .server import ChatServer

ASK = [Message("user", "A star, please.")]
SOON = 15.0  # seconds
PATIENT = replace(QUICK, silence=90.0, total=90.0, longest_wait=90.0, backoff=60.0)


def seconds(do: Callable[[], object]) -> float:
    begun = time.monotonic()
    do()
    return time.monotonic() - begun


def test_a_slow_drip_ends_with_the_total(server: ChatServer, chat: MakeChat) -> None:
    chat("obedient").complete(ASK)  # the first call of all takes long
    model = chat("drip", timeouts=replace(QUICK, total=1.0))

    def ask() -> None:
        with pytest.raises(ChatError, match=r"no whole answer within 1 s"):
            model.complete(ASK)

    assert seconds(ask) < SOON
    assert not server.asked(model.name) or server.left_alone(model.name, SOON)


def test_silence_ends_with_its_bound(server: ChatServer, chat: MakeChat) -> None:
    model = chat("silent", timeouts=replace(QUICK, silence=1.0, retries=1))

    def ask() -> None:
        with pytest.raises(ChatError, match="fell silent"):
            model.complete(ASK)

    assert seconds(ask) < SOON
    assert len(server.asked(model.name)) == 2


@pytest.mark.parametrize("play", ["drip", "silent"])
def test_closing_a_stream_hangs_up(play: str, server: ChatServer, chat: MakeChat) -> None:
    model = chat(play, timeouts=PATIENT)
    stream = model.stream(ASK)
    if play == "drip":
        next(stream)
    else:
        threading.Timer(0.3, stream.close).start()
        with pytest.raises(Cancelled):
            next(stream)
    assert seconds(stream.close) < SOON
    assert server.left_alone(model.name, SOON)
    with pytest.raises(StopIteration):
        next(stream)


@pytest.mark.parametrize("play", ["drip", "silent", "failing"])
def test_an_event_ends_a_call_from_elsewhere(play: str, server: ChatServer, chat: MakeChat) -> None:
    """Also in the minute before the failing server is asked again."""
    cancel = threading.Event()
    model = chat(play, timeouts=PATIENT, cancel=cancel)

    def set_once_asked() -> None:
        while not server.asked(model.name):
            time.sleep(0.01)
        time.sleep(0.2)
        cancel.set()

    threading.Thread(target=set_once_asked, daemon=True).start()

    def ask() -> None:
        with pytest.raises(Cancelled):
            model.complete(ASK)

    assert seconds(ask) < SOON
    assert len(server.asked(model.name)) == 1


def test_a_failing_consumer_hangs_up(server: ChatServer, chat: MakeChat) -> None:
    model = chat("drip", timeouts=PATIENT)
    with pytest.raises(ZeroDivisionError), closing(model.stream(ASK)) as stream:
        for _ in stream:
            _ = 1 / 0
    assert server.left_alone(model.name, SOON)


def test_an_abandoned_stream_hangs_up(server: ChatServer, chat: MakeChat) -> None:
    model = chat("drip", timeouts=PATIENT)
    stream = model.stream(ASK)
    next(stream)
    del stream
    gc.collect()
    assert server.left_alone(model.name, SOON)


def test_a_stream_that_is_never_read_asks_nothing(server: ChatServer, chat: MakeChat) -> None:
    model = chat("obedient")
    model.stream(ASK).close()
    time.sleep(0.1)
    assert server.asked(model.name) == []


def test_after_a_cancel_the_same_model_answers(server: ChatServer) -> None:
    model = OpenAIChat(server.fresh("obedient"), base_url=server.url, timeouts=QUICK)
    stream = model.stream(ASK)
    next(stream)
    stream.close()
    assert model.complete(ASK)
