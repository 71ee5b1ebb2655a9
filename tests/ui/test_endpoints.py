"""The page's policy: whose key goes where, and which addresses a visitor may name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import gradio as gr
import pytest
from pydantic import SecretStr

from rpg.chat import addresses
from rpg.chat.hosted import NO_KEY
from rpg.errors import ChatAccessError, ChatError, RPGError
from tests.chat.server import PLAYS, ChatServer, Reply, serving
from tests.planners.llm.helpers import PROMPT, said
from tests.ui.conftest import built
from ui.endpoints import EndpointPolicy, Route
from ui.planner_choice import PlannerChoice
from ui.shared import PlannerForm

ENV = SecretStr("sk-environment-0123456789")
TAB = SecretStr("sk-typed-into-the-tab-0123")
NONE = SecretStr("")
OPENAI = "https://api.openai.com/v1"
LAB = "http://10.0.0.9:8000/v1"


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", ENV.get_secret_value())
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.setattr(addresses, "system", _resolved)


def _resolved(name: str) -> list[str]:
    found = {"cloud.example": ["8.8.8.8", "169.254.169.254"], "page.example": ["127.0.0.1"]}
    found["localhost"] = ["127.0.0.1"]
    if name not in found:
        raise OSError("no such host")
    return found[name]


def policy(base_url: str = "", *listed: str, shared: bool = False, any_: bool = False) -> Any:
    return EndpointPolicy.of(base_url, listed, shared=shared, allow_any=any_)


# Keys


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize(
    ("own", "typed"),
    [
        ("", ""),
        ("", " https://api.openai.com/ "),
        ("", "HTTPS://API.OpenAI.com:443/v1/chat/completions"),
        ("http://localhost:11434", ""),
        ("http://localhost:11434", "http://LOCALHOST:11434/v1/"),
        ("https://llm.example/gate", "https://llm.example/gate/"),
    ],
)
def test_the_operators_address_gets_the_environments_key(
    own: str, typed: str, shared: bool
) -> None:
    made = policy(own, shared=shared)
    assert made.route(typed, NONE).api_key == ENV
    assert made.route(typed, TAB).api_key == TAB
    assert made.route(typed, NONE).trust == "owner"


@pytest.mark.parametrize(
    "typed",
    """
    http://127.1:9/v1 http://127.0.0.1:9/v1 http://localhost:9/v1 http://[::1]:9/v1 http://nas/v1
    http://2130706433/v1 https://evil.example/v1 https://api.openai.com.evil.example/v1
    http://api.openai.com/v1 https://api.openai.com:444/v1 https://api.openai.com/v2
    https://api.openai.com./v1 https://api.openai.com/v1/../x https://api.deepseek.com
    https://llm.example/gate/x https://llm.example/GATE https://llm.example
    """.split(),
)
@pytest.mark.parametrize("shared", [False, True])
def test_no_other_address_gets_it(typed: str, shared: bool) -> None:
    for own in ("", "https://llm.example/gate"):
        made = policy(own, shared=shared, any_=True)
        assert made.route(typed, NONE).api_key is NO_KEY
        assert made.route(typed, SecretStr("  ")).api_key is NO_KEY
        assert made.route(typed, TAB).api_key == TAB
        assert made.route(typed, NONE).trust == ("stranger" if shared else "visitor")


def test_the_environments_address_is_the_operators_unless_a_flag_names_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://gpu:8000")
    assert policy().route("", NONE) == Route("http://gpu:8000/v1", ENV, "owner")
    flagged = policy("http://localhost:1234")
    assert flagged.route("", NONE) == Route("http://localhost:1234/v1", ENV, "owner")
    assert flagged.route("http://gpu:8000", NONE).api_key is NO_KEY


def test_listed_endpoints_have_keys_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = f"the lab-2={LAB}", "free=http://127.0.0.1:7/v1", f"main={OPENAI}"
    made = policy("", *listed, shared=True)
    assert made.route("free", NONE) == Route("http://127.0.0.1:7/v1", NO_KEY, "owner")
    assert made.route("free", TAB).api_key == TAB
    monkeypatch.setenv("RPG_KEY_THE_LAB_2", " sk-of-the-lab-123 ")
    lab = Route(LAB, SecretStr("sk-of-the-lab-123"), "owner")
    assert made.route("the lab-2", NONE) == made.route("the lab-2", TAB) == lab
    assert made.route("http://10.0.0.9:8000", NONE) == lab
    assert made.route("main", NONE).api_key == ENV
    assert "sk-" not in f"{lab!r} {made!r} {made.route('', NONE)!r}"


# Which addresses


def test_a_shared_page_asks_its_own_endpoints_alone() -> None:
    made = policy("", f"lab={LAB}", shared=True)
    with pytest.raises(ChatAccessError, match="own endpoints alone: choose one of lab, or leave"):
        made.route("https://api.deepseek.com", TAB)
    with pytest.raises(ChatAccessError, match="leave the base URL empty"):
        policy(shared=True).route("http://localhost:11434", TAB)
    with pytest.raises(ChatAccessError, match="no address"):
        made.route("other", TAB)
    assert policy(shared=True, any_=True).route("http://localhost:11434", TAB).api_key == TAB
    assert policy().route("http://localhost:11434", TAB).api_key == TAB


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize(
    "host",
    """169.254.169.254 2852039166 0xa9fea9fe 0251.0376.0251.0376 169.254.43518 [::ffff:a9fe:a9fe]
    [fe80::1] [fe80::1%25eth0] [fd00:ec2::254] 100.100.100.200 metadata.google.internal
    Metadata.Google.Internal. cloud.example [64:ff9b::169.254.169.254] 169.254.169.254.""".split(),
)
def test_where_clouds_keep_credentials_nobody_may_point(host: str, shared: bool) -> None:
    with pytest.raises(ChatAccessError, match="link-local or metadata address") as refusal:
        policy(shared=shared, any_=True).route(f"http://{host}/v1", TAB)
    assert "\n" not in str(refusal.value)


def test_the_operator_may_point_there() -> None:
    assert policy("http://169.254.1.1:8000").route("", NONE).trust == "owner"


@pytest.mark.parametrize(
    ("listed", "words"),
    [
        (["lab"], "write NAME=URL"),
        (["=http://x/v1"], "write NAME=URL"),
        (["lab="], "write NAME=URL"),
        (["http://u:secret@x/v1?a=b"], "write NAME=URL"),
        (["lab=nowhere"], "lab: the base URL is no address"),
        (["lab=http://u:secret@x/v1"], "may hold no password"),
        (["my lab=http://x/v1", "my-lab=http://y/v1"], "RPG_KEY_MY_LAB"),
    ],
)
def test_a_bad_flag_is_one_line(listed: list[str], words: str) -> None:
    with pytest.raises(RPGError, match=re.escape(words)) as refusal:
        policy("", *listed)
    assert "secret" not in str(refusal.value) and "\n" not in str(refusal.value)


# The form


def form(made: EndpointPolicy) -> PlannerForm:
    def make() -> PlannerForm:
        with gr.Blocks():
            return PlannerForm(PlannerChoice(base_url="http://x/v1"), made)

    return built(make)


def test_the_form_offers_what_may_be_asked() -> None:
    typed = form(policy("", f"lab={LAB}")).base_url
    assert isinstance(typed, gr.Textbox) and typed.elem_id == "planner-url"
    assert typed.value == "http://x/v1" and "lab" in str(typed.info)
    chosen = form(policy("", f"lab={LAB}", shared=True)).base_url
    assert isinstance(chosen, gr.Dropdown) and chosen.elem_id == "planner-endpoint"
    assert [value for _, value in chosen.choices] == ["", "lab"] and chosen.value == ""
    assert isinstance(form(policy(shared=True, any_=True)).base_url, gr.Textbox)


# All of it, at a real endpoint


@pytest.fixture(scope="module")
def server() -> Iterator[ChatServer]:
    with serving() as running:
        yield running


@pytest.fixture
def plays(monkeypatch: pytest.MonkeyPatch, server: ChatServer) -> str:
    monkeypatch.setitem(PLAYS, "plans", lambda asked: Reply(said()))
    return server.fresh("plans")


def test_what_a_tab_types_gets_the_tabs_key_or_none(server: ChatServer, plays: str) -> None:
    port = server.root.rsplit(":", 1)[1]
    for host in ("127.1", "127.0.0.1", "localhost", "2130706433"):
        for key, sent in ((NONE, "none"), (TAB, TAB.get_secret_value())):
            choice = PlannerChoice("openai", plays, f"http://{host}:{port}/v1", key)
            choice.planner(policy()).plan(f"{PROMPT}{'!' * (len(server.asked(plays)) + 1)}")
            assert server.asked(plays)[-1].headers["authorization"] == f"Bearer {sent}"
    assert len(server.asked(plays)) == 8


def test_the_flags_address_gets_the_environments(server: ChatServer, plays: str) -> None:
    choice = PlannerChoice("openai", plays, server.url)
    choice.planner(policy(server.root)).plan(PROMPT)
    assert server.asked(plays)[0].headers["authorization"] == f"Bearer {ENV.get_secret_value()}"


def test_a_shared_page_tells_no_port_from_another(server: ChatServer) -> None:
    made = policy(shared=True, any_=True)
    for model in ("", "some"):
        told = set()
        for url in (f"{server.root}/page", "http://127.0.0.1:9/v1"):
            with pytest.raises(ChatError) as refusal:
                PlannerChoice("openai", model, url).planner(made).plan(PROMPT)
            told.add(str(refusal.value).replace(url, "URL"))
        assert len(told) == 1


def test_a_plan_of_one_endpoint_is_never_anothers(server: ChatServer, plays: str) -> None:
    """A hostile endpoint may call its model as it likes."""

    def asked(url: str) -> int:
        before = len(server.asked(plays))
        PlannerChoice("openai", plays, url).planner(policy()).plan(PROMPT)
        return len(server.asked(plays)) - before

    port = server.root.rsplit(":", 1)[1]
    assert [asked(f"http://127.1:{port}/v1"), asked(f"http://127.1:{port}")] == [1, 0]
    assert [asked(server.url), asked(server.url)] == [1, 0]
