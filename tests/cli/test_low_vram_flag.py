"""`--low-vram` reaches the model in every command that loads one, and the page's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from rpg.errors import ModelError
from rpg.pipeline import RPGPipeline
from tests.cli.helpers import PROMPT, rpg
from ui.options import app as page

COMMANDS: dict[str, tuple[str, ...]] = {
    "generate": ("generate", PROMPT),
    "edit": ("edit", "a.png", "make the star green"),
    "refine": ("refine", PROMPT, "--critic", "none"),
    "batch": ("batch", "rows.txt"),
    "upscale": ("upscale", "a.png"),
    "replay": ("session", "replay"),
}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What models are asked for; none is loaded."""
    seen: list[dict[str, Any]] = []

    def refuse(*_: Any, **words: Any) -> Any:
        seen.append(words)
        raise ModelError("seen")

    rpg("generate", PROMPT, "--steps", "1", "-o", "a.png")  # which edits and replays are of
    Path("rows.txt").write_text(PROMPT)
    monkeypatch.setattr(RPGPipeline, "from_pretrained", refuse)
    return seen


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_every_command_hands_it_on(command: tuple[str, ...], asked: list[dict[str, Any]]) -> None:
    rpg(*command, "--low-vram", "on", code=1)
    rpg(*command, code=1)
    assert [words["low_vram"] for words in asked] == ["on", "auto"]


def test_what_is_asked_for_by_hand_goes_before_it(asked: list[dict[str, Any]]) -> None:
    rpg("generate", PROMPT, "--cpu-offload", "model", "--low-vram", "on", code=1)
    assert asked[0]["low_vram"] == "off" and asked[0]["device"] == "cpu"


def test_the_page_has_it_too(asked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    assert CliRunner().invoke(page, ["--low-vram", "off", "--port", "0"]).exit_code == 2
    assert asked[0]["low_vram"] == "off"


def test_a_picture_is_drawn_and_what_is_saved_is_said(caplog: pytest.LogCaptureFixture) -> None:
    rpg("generate", PROMPT, "--low-vram", "on")
    assert "low-vram: as asked for: all of it stays there, pictures are decoded in tiles" in (
        caplog.messages
    )
