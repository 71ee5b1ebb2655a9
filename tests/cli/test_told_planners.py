"""Every command that plans tells its language model of the model that draws, once that is known."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from rpg.chat import ScriptedChat
from rpg.chat.base import Message
from rpg.cli.loading import ModelFlags
from tests.cli.helpers import PROMPT, rpg, saved_model
from tests.planners.llm.helpers import said

LLM = ("--planner", "openai", "--planner-model", "any")
EDIT = json.dumps(
    {
        "reasoning": "The star becomes green.",
        "things": [],
        "relations": [],
        "edits": [{"do": "modify", "id": "star-1", "prompt": "a green star"}],
        "prompt": "a green star above a blue circle",
    }
)


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of few words, 32 x 32 pixels."""
    return saved_model(tmp_path_factory.mktemp("models") / "toy", "toybox")


@pytest.fixture
def chat(monkeypatch: pytest.MonkeyPatch, toy: Path) -> ScriptedChat:
    """What all commands ask in this test; the model that draws is the toy."""

    def answer(messages: Sequence[Message]) -> str:
        return EDIT if "<instruction>" in messages[-1].content else said()

    chat = ScriptedChat(answer)
    monkeypatch.setenv("RPG_MODEL", str(toy))
    monkeypatch.setattr("rpg.cli.planning.hosted", lambda *_: chat)
    return chat


def told(chat: ScriptedChat) -> str:
    """The rules that the last question began with."""
    return chat.asked[-1].messages[0].content


@pytest.mark.parametrize(
    ("command", "canvas"),
    [
        (("generate", PROMPT, "--no-plan-cache"), "32 x 32"),
        (("generate", PROMPT, "--no-plan-cache", "--size", "40x24"), "40 x 24"),
        (("refine", PROMPT, "--critic", "none"), "32 x 32"),
        (("refine", PROMPT, "--critic", "none", "--size", "40x24"), "40 x 24"),
        (("batch", "rows.jsonl", "--no-plan-cache"), "40 x 24"),
        (("batch", "rows.jsonl", "--no-plan-cache", "--dry-run"), "40 x 24"),
    ],
)
def test_a_planner_is_told_of_canvas_and_words(
    chat: ScriptedChat, command: tuple[str, ...], canvas: str
) -> None:
    Path("rows.jsonl").write_text(json.dumps({"prompt": PROMPT, "width": 40, "height": 24}))
    rpg(*command, *LLM)
    assert f"{canvas} pixels" in told(chat) or f'"{canvas.replace(" ", "")}"' in told(chat)
    assert "Toybox knows circles" in told(chat)


def test_a_planner_of_edits_is_told_of_the_pictures_own_size(chat: ScriptedChat) -> None:
    rpg("generate", PROMPT, "--size", "40x24", *LLM, "-o", "a.png")
    rpg("edit", "a.png", "make the star green", *LLM, "-o", "b.png")
    assert "40 x 24 pixels" in told(chat) and "Toybox knows circles" in told(chat)


@pytest.mark.parametrize(
    "command",
    [
        ("generate", " "),
        ("generate", PROMPT, "-o", "out.jpg"),
        ("generate", "--plan", "none.json"),
        ("generate", " ", "--plan", "plan.json"),
        ("refine", " "),
        ("refine", PROMPT, "-o", "out.jpg", "--critic", "none"),
        ("edit", "a.png", " "),
    ],
)
def test_what_cannot_be_is_refused_before_a_model_is_loaded(
    command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(self: ModelFlags) -> Any:
        raise AssertionError("loaded")

    Path("plan.json").write_text(rpg("plan", PROMPT, "--json").stdout)
    monkeypatch.setattr(ModelFlags, "load", load)
    assert rpg(*command, code=2).stderr.startswith("error: ")


def test_a_dry_run_of_rules_loads_no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(self: ModelFlags) -> Any:
        raise AssertionError("loaded")

    monkeypatch.setattr(ModelFlags, "load", load)
    Path("rows.jsonl").write_text(json.dumps({"prompt": PROMPT}))
    assert "a-red-star" in rpg("batch", "rows.jsonl", "--dry-run").stdout
