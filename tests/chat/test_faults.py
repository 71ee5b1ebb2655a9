"""What endpoints do wrong, and how each ends: in one clear line, within bounds."""

from __future__ import annotations

import time

import pytest

from rpg.chat import Delta, Message, OpenAIChat, answer_of
from rpg.chat._drafts import CAPABILITIES, Capabilities
from rpg.errors import ChatAccessError, ChatError, ChatLengthError, ChatRefusal

from .conftest import QUICK, MakeChat
from .server import PLAN_TEXT, ChatServer

ASK = [Message("user", "A star, please.")]
SCHEMA = {"type": "object", "required": ["subject"]}


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "at-once"])
@pytest.mark.parametrize(
    ("play", "kind", "words", "asked"),
    [
        ("truncated", ChatLengthError, "cut off", 2),
        ("too-long", ChatLengthError, "maximum context length", 2),
        ("refuses", ChatRefusal, "I will not draw that.", 1),
        ("filtered", ChatRefusal, "content filter", 1),
        ("filtered-400", ChatRefusal, "flagged by our policy", 1),
        ("blank", ChatError, "blank answer", 2),
        ("unauthorised", ChatAccessError, "refuses the key (401): check OPENAI_API_KEY", 1),
        ("forbidden", ChatAccessError, "refuses the key (403)", 1),
        ("no-model", ChatAccessError, "check the model's name", 1),
        ("no-credit", ChatAccessError, "no credit left", 1),
        ("busy-for-hours", ChatError, "asks to wait 24.0 h", 1),
        ("busy-until-friday", ChatError, "asks to wait", 1),
        ("failing", ChatError, "500: we are on fire", 3),
        ("drops", ChatError, "connection broke", 3),
        ("fails-inside", ChatError, "502: upstream", 3),
        ("garbage", ChatError, "no chat completion", 1),
    ],
)
def test_every_fault_ends_in_its_own_error(
    play: str,
    kind: type[ChatError],
    words: str,
    asked: int,
    stream: bool,
    server: ChatServer,
    chat: MakeChat,
) -> None:
    model = chat(play)
    if not stream:
        CAPABILITIES.keep(server.url, model.name, Capabilities(without=frozenset({"stream"})))
    begun = time.monotonic()
    with pytest.raises(ChatError) as refusal:
        model.complete(ASK, schema=SCHEMA)
    message = str(refusal.value)
    assert type(refusal.value) is kind, message
    assert words in message
    assert "\n" not in message and len(message) < 500
    assert len(server.asked(model.name)) == asked
    assert time.monotonic() - begun < 20  # far from the timeouts of a call


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "at-once"])
@pytest.mark.parametrize(
    "body",
    [
        "null",
        "[]",
        '"words"',
        "7",
        "{}",
        '{"choices": null}',
        '{"choices": []}',
        '{"choices": "many"}',
        '{"choices": [null]}',
        '{"choices": [{}]}',
        '{"choices": [{"message": null, "delta": null, "finish_reason": "stop"}]}',
        '{"choices": [{"message": {"content": 7}, "delta": {"content": [7]}}], "usage": "none"}',
        '{"error": "out of luck"}',
        '{"error": [1]}',
        '{"choices": [{"finish_reason": "error", "delta": {}, "message": {}}]}',
    ],
)
def test_odd_bodies_are_no_answers_and_no_crash(
    body: str, stream: bool, server: ChatServer, chat: MakeChat
) -> None:
    model = chat("parrot")
    if not stream:
        CAPABILITIES.keep(server.url, model.name, Capabilities(without=frozenset({"stream"})))
    with pytest.raises(ChatError) as refusal:
        model.complete([Message("user", body)])
    assert model.name in str(refusal.value)


def test_an_answer_without_end_is_ended(chat: MakeChat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rpg.chat._response._MAX_CHARS", 100)
    with pytest.raises(ChatError, match="does not stop: over 100 letters"):
        chat("drip").complete(ASK)


@pytest.mark.parametrize("play", ["busy", "failing-once", "drops-once", "blank-once"])
def test_what_passes_is_waited_for(play: str, server: ChatServer, chat: MakeChat) -> None:
    model = chat(play)
    deltas = list(model.stream(ASK))
    assert answer_of(deltas) == PLAN_TEXT
    assert len(server.asked(model.name)) == 2
    assert [one.kind for one in deltas].count("restart") == 1


def test_a_short_wait_is_kept(chat: MakeChat) -> None:
    begun = time.monotonic()
    chat("busy").complete(ASK)
    assert time.monotonic() - begun >= 0.2


def test_a_cut_answer_is_asked_for_again_with_more_room(server: ChatServer, chat: MakeChat) -> None:
    model = chat("truncated-once", max_tokens=50)
    assert model.complete(ASK) == PLAN_TEXT  # nothing of the first half is in it
    assert [asked.body.get("max_tokens") for asked in server.asked(model.name)] == [50, 8192]


def test_an_answer_that_breaks_off_is_never_half_an_answer(chat: MakeChat) -> None:
    seen: list[Delta] = []
    with pytest.raises(ChatError, match="broke off"):
        seen.extend(chat("breaks-off").stream(ASK))


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("http://127.0.0.1:9/v1", "nothing listens there; start the server"),
        ("http://no-such-host.invalid/v1", "no such host"),
        ("https://127.0.0.1:{port}/v1", "check https or http"),
        ("http://127.0.0.1:{port}/page", "web page and no API: it should end in /v1"),
        ("http://127.0.0.1:{port}/wrong", "no chat API (404)"),
        ("http://127.0.0.1:{port}/moved", "has moved: it points to https://elsewhere.example/v1"),
    ],
)
def test_a_wrong_address_is_one_line_of_advice(
    address: str, words: str, server: ChatServer
) -> None:
    url = address.format(port=server.root.rsplit(":", 1)[1])
    begun = time.monotonic()
    with pytest.raises(ChatAccessError) as refusal:
        OpenAIChat("obedient", base_url=url, timeouts=QUICK).complete(ASK)
    assert words in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert "secret" not in str(refusal.value)
    assert time.monotonic() - begun < 20  # far from the timeouts of a call


def test_no_key_where_one_is_wanted_says_where_to_put_it(server: ChatServer) -> None:
    with pytest.raises(ChatAccessError, match="wants a key .*set OPENAI_API_KEY"):
        OpenAIChat(server.fresh("unauthorised"), base_url=server.url).complete(ASK)


def test_what_a_server_says_is_text_and_short(server: ChatServer) -> None:
    """A model's name is quoted back as data, however long and odd it is."""
    name = "<b>${HOME}{{x}}</b>\n" * 100
    with pytest.raises(ChatAccessError) as refusal:
        OpenAIChat(name, base_url=server.url).complete(ASK)
    assert "<b>${HOME}{{x}}</b>" in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value)) < 500
