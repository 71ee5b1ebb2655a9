"""`rpg planner-check`: what it says of a model, and how it exits."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner, Result

from rpg.cli import app

from .conftest import KEY
from .server import ChatServer


def check(*words: str) -> Result:
    return CliRunner().invoke(app, ["planner-check", *words])


@pytest.mark.parametrize(
    ("play", "told"),
    [
        ("sees", {"answers", "streaming", "schema", "images", "tokens"}),
        ("reasoning-content", {"answers", "streaming", "thoughts", "schema", "tokens"}),
        ("cannot-stream", {"answers", "schema", "tokens"}),
        ("blind", {"answers", "streaming", "schema", "tokens"}),
        ("words-only", {"answers", "streaming", "schema", "tokens"}),
    ],
)
def test_what_a_model_can_do_is_told(play: str, told: set[str], server: ChatServer) -> None:
    done = check("--planner-model", server.fresh(play), "--base-url", server.root, "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert {name for name, one in found["findings"].items() if one["ok"]} == {*told, "question"}
    assert "6 examples" in found["findings"]["question"]["words"]
    assert not found["findings"]["plan"]["ok"]  # this server plans nothing
    assert found["base_url"] == server.url
    assert found["usage"]["calls"] >= 2


def test_people_get_a_table(server: ChatServer) -> None:
    done = check("--planner-model", server.fresh("sees"), "--base-url", server.url)
    assert done.exit_code == 0
    for words in ("answers", "obeyed; the endpoint is given it", "sees that a red picture is red"):
        assert words in done.stdout


@pytest.mark.parametrize(
    ("play", "code", "words"),
    [
        ("unauthorised", 2, "refuses the key (401): check OPENAI_API_KEY"),
        ("failing", 1, "500: we are on fire"),
        ("fenced", 1, "it cannot plan"),
        (
            "obediant",
            2,
            "has no model 'obediant': check the model's name; it has, among others, ob",
        ),
    ],
)
def test_what_is_wrong_is_one_line_and_an_exit_code(
    play: str, code: int, words: str, server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    done = check("--planner-model", play)
    assert done.exit_code == code
    assert words in done.stderr
    assert KEY not in done.output


def test_without_a_name_the_choice_is_told(server: ChatServer) -> None:
    done = check("--base-url", server.url, "--json")
    assert done.exit_code == 2
    assert json.loads(done.stdout)["error"]["type"] == "ChatAccessError"
    assert "name the model" in done.stderr
