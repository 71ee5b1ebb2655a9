"""Who named an address decides which key goes there and what is told of it."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import replace

import pytest
from pydantic import SecretStr

from rpg.chat import Message, OpenAIChat, addresses
from rpg.chat.hosted import NO_KEY, operators_key
from rpg.errors import ChatAccessError, ChatError

from .conftest import KEY, QUICK
from .raw import head, saying, without_end
from .server import PLAN_TEXT, ChatServer

ASK = [Message("user", "A star, please.")]
OWN = "sk-own-key-of-the-visitor"
IMPATIENT = replace(QUICK, silence=0.3, connect=0.3)


@pytest.fixture(autouse=True)
def _operators(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


def bearer(server: ChatServer, model: OpenAIChat) -> str:
    model.complete(ASK)
    return server.asked(model.name)[0].headers["authorization"].removeprefix("Bearer ")


# Keys


def test_the_environments_key_is_handed_over_or_not_but_never_found(server: ChatServer) -> None:
    def sent(**words: object) -> str:
        name = server.fresh("obedient")
        return bearer(server, OpenAIChat(name, base_url=server.url, timeouts=QUICK, **words))  # type: ignore[arg-type]

    assert sent(api_key=operators_key()) == KEY
    assert sent(api_key=NO_KEY) == "none"
    assert sent(trust="visitor") == sent(trust="stranger") == "none"
    assert sent(trust="stranger", api_key="") == "none"
    assert sent(trust="stranger", api_key=SecretStr(OWN)) == OWN


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]"])
def test_no_spelling_of_this_machine_is_a_hosted_endpoint(host: str, server: ChatServer) -> None:
    url = f"http://{host}:{server.root.rsplit(':', 1)[1]}/v1"
    model = OpenAIChat(server.fresh("obedient"), base_url=url, timeouts=QUICK)
    assert model.endpoint.local
    if "[" not in host:
        assert bearer(server, model) == "none"


def test_a_name_that_leads_here_is_no_hosted_endpoint(
    server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(addresses, "system", lambda name: ["127.0.0.1"])
    model = OpenAIChat("m", base_url="https://looks.hosted.example/v1")
    assert model.endpoint.local and model._key is None


def test_nothing_else_of_the_environment_goes_to_a_visitors_address(
    server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-secret")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-secret")
    monkeypatch.setenv("OPENAI_ADMIN_KEY", "admin-secret")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Gate: gate-secret\nAuthorization: Bearer secret")
    model = OpenAIChat(
        server.fresh("obedient"), base_url=server.url, trust="visitor", timeouts=QUICK
    )
    model.complete(ASK)
    assert "secret" not in str(server.asked(model.name)[0].headers)


# What a stranger is told


def hung_up() -> Iterable[bytes]:
    return []


def silent() -> Iterator[bytes]:
    time.sleep(0.8)
    yield b""


CLOSED: dict[str, Callable[[], Iterable[bytes]]] = {
    "hangs up": hung_up,
    "is silent": silent,
    "no HTTP": lambda: [b"SSH-2.0-OpenSSH_9.6\r\n"],
    "a web page": lambda: [head("text/html"), b"<!doctype html><title>Admin</title>"],
    "a web page as an error": lambda: [head("text/html", "404 Not Found"), b"<h1>nginx</h1>"],
    "text": lambda: [head("text/plain"), b"# HELP up\nup 1\n"],
    "JSON": lambda: [head("application/json"), b'{"status": "green", "data": {"hits": 1}}'],
    "a list": lambda: [head("application/json"), b'[{"id": 1}]'],
    "an error of another API": lambda: [head("application/json", "404 No"), b'{"detail": "No"}'],
    "wants a login": lambda: [head("text/plain", "401 Unauthorized"), b"who are you?"],
    "forbids": lambda: [head("text/plain", "403 Forbidden"), b"no"],
    "is busy": lambda: [head("text/plain", "503 Busy", "retry-after: 1"), b"later"],
    "has moved": lambda: [head("text/plain", "302 Found", "location: http://secret.example/")],
    "empty events": lambda: [head(), b"data: {}\n\ndata: [DONE]\n\n"],
    "an endless line": lambda: [head(), b"data: ", *[b"x" * 65536] * 100],
    "compressed": lambda: [head("application/json", "200 OK", "content-encoding: gzip"), b"\x1f"],
}


def told(model: OpenAIChat, ask: Callable[[OpenAIChat], object]) -> str:
    with pytest.raises(ChatError) as refusal:
        ask(model)
    return f"{type(refusal.value).__name__}: {refusal.value}"


def whole(model: OpenAIChat) -> object:
    return model.complete(ASK, schema={"type": "object", "required": ["a"]})


def named(model: OpenAIChat) -> object:
    return model.models()


def stranger(url: str) -> OpenAIChat:
    return OpenAIChat("m", base_url=url, api_key=NO_KEY, trust="stranger", timeouts=IMPATIENT)


def sentence(url: str) -> str:
    return (
        f"ChatAccessError: no chat API answers at {url}: check the base URL, or choose another "
        "planner"
    )


@pytest.mark.parametrize("pieces", CLOSED.values(), ids=CLOSED.keys())
@pytest.mark.parametrize("ask", [whole, named])
def test_a_stranger_hears_one_sentence(
    pieces: Callable[[], Iterable[bytes]], ask: Callable[[OpenAIChat], object]
) -> None:
    with saying(pieces) as raw:
        assert told(stranger(raw.url), ask) == sentence(raw.url)
        assert len(raw.requests) <= (2 if ask is whole else 1)  # 2: JSON is asked for at once


@pytest.mark.parametrize("ask", [whole, named])
def test_as_where_nothing_is(ask: Callable[[OpenAIChat], object], server: ChatServer) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        closed = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    tls = server.url.replace("http:", "https:")
    for url in (closed, tls, "http://no-such-host.invalid/v1", f"{server.root}/elsewhere"):
        assert told(stranger(url), ask) == sentence(url)


def test_once_a_chat_api_has_answered_its_words_are_told(server: ChatServer) -> None:
    def asked(play: str, words: str) -> None:
        model = OpenAIChat(
            server.fresh(play), base_url=server.url, trust="stranger", timeouts=QUICK
        )
        assert words in told(model, whole)

    asked("failing", "500: we are on fire")
    asked("refuses", "I will not draw that")
    asked("unauthorised", "wants a key (401): give the key of that address")
    asked("drops", "connection broke")
    asked("fails-inside", "502: upstream")


@pytest.mark.parametrize("play", ["cannot-stream", "ignores-stream", "no-options", "busy"])
def test_a_stranger_is_served_as_well(play: str, server: ChatServer) -> None:
    model = OpenAIChat(server.fresh(play), base_url=server.url, trust="stranger", timeouts=QUICK)
    assert model.complete(ASK) == PLAN_TEXT


def test_on_ones_own_page_messages_help(server: ChatServer) -> None:
    with saying(CLOSED["a web page"]) as raw:
        own = visitor(raw.url)
        assert "is a web page and no API" in told(own, whole)


# Where a connection goes


def resolving(monkeypatch: pytest.MonkeyPatch, *found: str) -> None:
    monkeypatch.setattr(addresses, "system", lambda name: list(found))


def visitor(url: str) -> OpenAIChat:
    return OpenAIChat("m", base_url=url, trust="visitor", timeouts=QUICK)


@pytest.mark.parametrize("ask", [whole, named])
@pytest.mark.parametrize("address", ["169.254.169.254", "fe80::1%2", "fd00:ec2::254"])
def test_a_name_that_has_changed_its_meaning_is_not_connected_to(
    address: str, ask: Callable[[OpenAIChat], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    for host in ("rebinding.example", "sub.localhost"):
        resolving(monkeypatch, "8.8.8.8")
        model = visitor(f"http://{host}/v1")
        resolving(monkeypatch, "8.8.8.8", address)
        assert "link-local or metadata address" in told(model, ask)


def test_the_address_that_was_looked_at_is_connected_to(
    server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = server.root.rsplit(":", 1)[1]
    resolving(monkeypatch, "::1", "127.0.0.1")  # nothing listens at the first
    model = OpenAIChat(
        server.fresh("obedient"),
        base_url=f"http://here.example:{port}/v1",
        trust="visitor",
        timeouts=QUICK,
    )
    assert model.complete(ASK) == PLAN_TEXT
    assert server.asked(model.name)[0].headers["host"] == f"here.example:{port}"


def test_a_visitors_address_goes_by_the_proxy_as_any_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with saying(lambda: [head("text/html", "403 Forbidden"), b"not allowed"]) as raw:
        monkeypatch.setenv("http_proxy", f"127.0.0.1:{raw.port}")
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        told(visitor("http://far.example/v1"), whole)
        assert raw.requests[0].startswith("POST http://far.example/v1/chat/completions")


def test_a_flood_for_a_stranger_is_ended_too() -> None:
    with saying(lambda: [head(), b"data: ", *([next(without_end(b"x"))] * 2000)]) as raw:
        assert told(stranger(raw.url), whole) == sentence(raw.url)
        assert raw.sent < 20_000_000


def test_errors_hold_no_key(server: ChatServer) -> None:
    model = OpenAIChat("m", base_url=server.url, api_key=OWN, trust="stranger", timeouts=QUICK)
    with pytest.raises(ChatAccessError) as refusal:
        model.complete(ASK)
    assert OWN not in f"{refusal.value!r} {model!r} {refusal.value.__context__!r}"
    assert KEY not in repr(operators_key())
