"""More than any answer needs: ended at once, within a few megabytes, and said."""

from __future__ import annotations

import gzip
import itertools
import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import pytest

from rpg.chat import Message, OpenAIChat
from rpg.chat._drafts import CAPABILITIES, Capabilities
from rpg.chat._loops import repeats
from rpg.errors import ChatError, ChatLengthError

from .conftest import QUICK, MakeChat
from .raw import Raw, head, saying, without_end
from .server import PLAYS, Asked, ChatServer, Reply

ASK = [Message("user", "A star, please.")]
MEGABYTE = 1_000_000
Pieces = Callable[[], Iterable[bytes]]


def after(start: bytes, rest: bytes) -> Pieces:
    return lambda: itertools.chain([start], without_end(rest))


def event(text: str) -> bytes:
    chunk = {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]}
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


def chat(raw: Raw, *, stream: bool = True) -> OpenAIChat:
    model = OpenAIChat(f"m-{raw.port}", base_url=raw.url, timeouts=QUICK)
    if not stream:
        CAPABILITIES.keep(model.base_url, model.name, Capabilities(without=frozenset({"stream"})))
    return model


FLOODS = {
    "a line": (after(head() + b"data: ", b"x"), "a line of over 4 MB has no end"),
    "an event of lines": (after(head(), b"data: 7\n"), "a line of over 4 MB has no end"),
    "an event of odd lines": (after(head(), b"data: 7\r"), "a line of over 4 MB has no end"),
    "a line after words": (after(head() + event("{"), b"y"), "a line of over 4 MB has no end"),
    "an error": (after(head("text/plain", "400 Bad"), b"x"), "over 4 MB long"),
    "an error in JSON": (after(head("application/json", "500 Oh") + b'{"error": "', b"x"), "4 MB"),
    "a web page": (after(head("text/html"), b"<p>"), "web page"),
}


@pytest.mark.parametrize(("pieces", "words"), FLOODS.values(), ids=FLOODS.keys())
def test_a_flood_is_ended(pieces: Pieces, words: str) -> None:
    with saying(pieces) as raw:
        begun = time.process_time()
        with pytest.raises(ChatError, match=words):
            chat(raw).complete(ASK)
        assert time.process_time() - begun < 15  # minutes if it were read again and again
        assert raw.sent < 20 * MEGABYTE  # what lies in the sockets' buffers is sent, too
        assert len(raw.requests) == 1


@pytest.mark.parametrize("start", [b'{"choices": "', b"[[[[", b'{"data": ['])
def test_a_body_that_comes_at_once_is_bounded(start: bytes) -> None:
    with saying(after(head("application/json") + start, b"[")) as raw:
        with pytest.raises(ChatError, match="its answer is over 4 MB long"):
            chat(raw, stream=False).complete(ASK)
        assert chat(raw).models() == ()
        assert raw.sent < 40 * MEGABYTE


def test_a_deep_body_is_no_answer() -> None:
    with saying(lambda: [head("application/json"), b"[" * MEGABYTE]) as raw:
        with pytest.raises(ChatError, match="no chat completion"):
            chat(raw, stream=False).complete(ASK)
        assert chat(raw).models() == ()


@pytest.mark.parametrize("kind", ["text/event-stream", "application/json"])
@pytest.mark.parametrize("status", ["200 OK", "400 Bad"])
def test_a_compressed_answer_is_not_unpacked(kind: str, status: str) -> None:
    bomb = gzip.compress(bytes(50 * MEGABYTE), 1)
    start = head(kind, status, "content-encoding: gzip")
    with saying(lambda: [start, bomb]) as raw:
        with pytest.raises(ChatError, match="compressed, though plain text was asked for"):
            chat(raw).complete(ASK)
        assert "accept-encoding: identity" in raw.requests[0].lower()


def test_a_stream_without_end_is_bounded_whatever_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rpg.chat._http_client.MAX_STREAM", 5 * MEGABYTE)
    with saying(after(head(), b": still here\n\n")) as raw:
        with pytest.raises(ChatError, match="its answer is over 5 MB long"):
            chat(raw).complete(ASK)
        assert raw.sent < 20 * MEGABYTE


def test_pieces_without_words_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rpg.chat._response._MAX_CHUNKS", 100)
    with saying(lambda: itertools.chain([head()], itertools.repeat(event("")))) as raw:
        with pytest.raises(ChatError, match="does not stop: over 100 pieces"):
            chat(raw).complete(ASK)
        assert len(raw.requests) == 1


def test_a_list_of_models_that_drips_is_given_up() -> None:
    start, drops = head("application/json"), 1200  # a minute of them

    def dripping() -> Iterator[bytes]:
        yield start
        for _ in range(drops):
            time.sleep(0.05)
            yield b" "

    with saying(dripping) as raw:
        impatient = OpenAIChat("m", base_url=raw.url, timeouts=replace(QUICK, total=0.3))
        assert impatient.models() == ()
        assert raw.sent < len(start) + drops / 4


# Answers that go on


@pytest.mark.parametrize(
    ("text", "loops"),
    [
        ("ab" * 200, True),
        (" " * 400, True),
        ("Here is the plan. " + '{"id": "star"}, ' * 40, True),
        ("a red star in the sky, " * 4, False),
        ("".join(f"star-{number}, " for number in range(90)), False),
        ("A star and a moon. " * 90 + "The end.", False),
        ("", False),
    ],
)
def test_repetition_is_told_from_a_list(text: str, loops: bool) -> None:
    assert repeats(text, 200, 5) == loops


@pytest.fixture
def plays(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Callable[[Asked], Reply]], None]:
    return lambda name, play: monkeypatch.setitem(PLAYS, name, play)


@pytest.mark.parametrize("piece", ['"a star", ', "\n\t ", "Wait, let me think again about it. "])
@pytest.mark.parametrize("where", ["text", "thoughts"])
def test_a_model_that_repeats_itself_is_stopped_and_said_so(
    piece: str, where: str, server: ChatServer, chat: MakeChat, plays: Callable[..., None]
) -> None:
    said = "{" + piece * 5000
    thinks = where == "thoughts"
    reply = Reply("" if thinks else said, said if thinks else "", finish="length")
    plays("loops", lambda asked: reply)
    model = chat("loops")
    with pytest.raises(ChatLengthError, match="repeats itself and does not stop: try a larger"):
        model.complete(ASK)
    assert len(server.asked(model.name)) == 1


def test_a_short_loop_that_the_limit_ended_is_not_given_more_room(
    server: ChatServer, chat: MakeChat, plays: Callable[..., None]
) -> None:
    plays("loops", lambda asked: Reply("star, " * 60, finish="length"))
    model = chat("loops", max_tokens=100)
    with pytest.raises(ChatLengthError, match="repeats itself and did not stop within 100 tokens"):
        model.complete(ASK)
    assert len(server.asked(model.name)) == 1


def test_an_answer_that_does_not_end_says_how_much_room_it_had(
    server: ChatServer, chat: MakeChat
) -> None:
    model = chat("truncated")
    with pytest.raises(ChatLengthError, match=r"did not stop by itself within 32,768 tokens.*lar"):
        model.complete(ASK)
    rooms = [asked.body["max_tokens"] for asked in server.asked(model.name)]
    assert rooms == [16384, 32768]


@pytest.mark.parametrize("room", [None, 50])
def test_the_callers_own_room_counts(room: int | None, server: ChatServer, chat: MakeChat) -> None:
    model = chat("obedient", max_tokens=room)
    model.complete(ASK)
    assert server.asked(model.name)[0].body.get("max_tokens") == room


REFUSALS = [
    "max_tokens is too large: 16384. This model supports at most 4096 completion tokens",
    "Invalid max_tokens value, the valid range of max_tokens is [1, 8192]",
    "Unsupported parameter: 'max_completion_tokens'",
    "maximum context length is 8192 tokens. However, you requested 19884 tokens (3500 in the "
    "messages, 16384 in the completion). Please reduce the length of the messages or completion",
    "This model's maximum context length is 4096 tokens: max_tokens must be less",
]


@pytest.mark.parametrize("words", REFUSALS)
def test_room_that_an_endpoint_has_not_is_not_asked_for_again(
    words: str, server: ChatServer, chat: MakeChat, plays: Callable[..., None]
) -> None:
    def play(asked: Asked) -> Reply:
        if {"max_tokens", "max_completion_tokens"} & asked.body.keys():
            return Reply(status=400, error={"error": {"message": words}})
        return Reply("A star.")

    plays("short", play)
    model = chat("short")
    assert model.complete(ASK) == model.complete(ASK) == "A star."
    assert len(server.asked(model.name)) <= 4  # two words for it, then none, then at once none


def test_what_is_too_long_without_room_is_too_long(server: ChatServer, chat: MakeChat) -> None:
    model = chat("too-long", max_tokens=None)
    with pytest.raises(ChatLengthError):
        model.complete(ASK)
    assert len(server.asked(model.name)) == 1
