"""The key goes into one header, and nowhere else."""

from __future__ import annotations

import logging
import pickle
import traceback
from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from rpg.chat import Message, OpenAIChat
from rpg.chat._secrets import hidden
from rpg.environment import environment
from rpg.errors import ChatAccessError, ChatError

from .conftest import KEY, QUICK, MakeChat
from .server import PLAYS, ChatServer

ASK = [Message("user", "A star, please.")]
_SLOW = {"drip", "silent"}


def chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def everything_said(error: BaseException) -> str:
    """All that a debugger or a crash report could print of an error."""
    pages = []
    for one in chain(error):
        whole = traceback.TracebackException.from_exception(one, capture_locals=True)
        pages += [repr(one), repr(one.args), repr(vars(one)), *whole.format()]
    return "\n".join(pages)


@pytest.mark.parametrize("play", sorted(PLAYS.keys() - _SLOW))
def test_no_play_of_the_server_brings_the_key_to_light(
    play: str,
    server: ChatServer,
    chat: MakeChat,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    model = chat(play)
    try:
        model.complete(ASK, schema={"type": "object"})
    except ChatError as error:
        assert KEY not in everything_said(error)
    records = [f"{one.getMessage()} {one.args!r} {one.exc_text}" for one in caplog.records]
    assert any("httpcore2" in one.name for one in caplog.records)  # the libraries do talk
    written = capfd.readouterr()
    assert KEY not in "\n".join([*records, written.out, written.err, repr(model)])
    assert server.asked(model.name)[0].headers["authorization"] == f"Bearer {KEY}"


def test_a_key_with_strange_letters_is_refused_without_being_shown() -> None:
    for key in ("sk-höhle-geheim-12345", "sk-two words-12345", "sk-line\nbreak-12345"):
        with pytest.raises(ChatAccessError, match="copy it again") as refusal:
            OpenAIChat("m", api_key=key)
        assert key not in str(refusal.value)


@pytest.mark.parametrize(
    "url",
    ["https://user:hunter22@host.example/v1", "https://host.example/v1?key=hunter22"],
)
def test_an_address_that_holds_a_secret_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(ChatAccessError) as refusal:
        OpenAIChat("m", base_url=url)
    assert "hunter22" not in f"{refusal.value!r} {refusal.value.__context__!r}"


def test_the_environment_holds_its_key_in_the_dark() -> None:
    said = environment({"OPENAI_API_KEY": f" {KEY} ", "OPENAI_BASE_URL": "http://x/v1"})
    assert KEY not in repr(said) + str(said) + said.model_dump_json()
    assert said.openai_api_key == SecretStr(KEY)
    assert said.openai_base_url == "http://x/v1"
    assert environment({"OPENAI_API_KEY": "  "}).openai_api_key is None


def test_the_environments_key_goes_to_hosted_endpoints_and_to_what_it_names(
    server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    stranger = OpenAIChat(server.fresh("obedient"), base_url=server.url, timeouts=QUICK)
    stranger.complete(ASK)
    assert KEY not in str(server.asked(stranger.name)[0].headers)
    monkeypatch.setenv("OPENAI_BASE_URL", server.root)
    named = OpenAIChat(server.fresh("obedient"), timeouts=QUICK)
    named.complete(ASK)
    assert server.asked(named.name)[0].headers["authorization"] == f"Bearer {KEY}"


def test_whatever_looks_like_a_key_is_hidden() -> None:
    assert hidden("your sk-proj-abcdefghijklmnopqrstuvwxyz is wrong") == "your [key] is wrong"
    assert hidden("key AIzaSyA-abcdefghijklmnopqrstuvwxyz0") == "key [key]"
    assert hidden("a skill, a keyboard, a task") == "a skill, a keyboard, a task"


def test_a_chat_cannot_be_pickled_by_accident(chat: MakeChat) -> None:
    with pytest.raises(TypeError):
        pickle.dumps(chat("obedient"))
