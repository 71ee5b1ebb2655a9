"""Critics by name: which there are, whom they judge, and that one module makes a critic."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from rpg.chat import ScriptedChat
from rpg.critics import ToyboxCritic, VLMCritic, VotingCritic, critic_named
from rpg.critics.choice import asks_model, choices, named
from rpg.errors import SettingsError
from tests.processes import ROOT, python
from ui.auto import critics

DARK = '''"""A critic that finds every picture too dark."""

from rpg.critics.checks import compile_checks
from rpg.critics.choice import CriticChoice
from rpg.critique import Critique, Finding


class Dark:
    def review(self, image, plan, *, checks=None):
        checks = compile_checks(plan) if checks is None else checks
        return Critique.of([Finding(check=one, score=0, seen="darkness") for one in checks])


CHOICE = CriticChoice("dark", "Is it dark?", "finds everything dark", lambda chat: Dark())
'''
ASK = """
import json
from PIL import Image
from typer.testing import CliRunner
from rpg import Box, Plan, Region, critic_named
from rpg.cli import app
from ui.auto import critics

plan = Plan(prompt="a star", regions=(Region(id="r1", prompt="a star", box=Box(0, 0, 1, 1)),))
seen = critic_named("dark").review(Image.new("RGB", (64, 64)), plan).findings[0].seen
wide = {"COLUMNS": "400", "TERMINAL_WIDTH": "400"}
shown = CliRunner().invoke(app, ["refine", "--help"], env=wide)
print(json.dumps([seen, shown.stdout, critics("toybox"), critics("other")]))
"""


def test_names_become_critics() -> None:
    chat = ScriptedChat([])
    assert isinstance(critic_named(" Toybox "), ToyboxCritic)
    assert isinstance(critic_named("vlm", chat=chat), VLMCritic)
    assert isinstance(critic_named("vlm,toybox", chat=chat), VotingCritic)
    assert isinstance(critic_named("toybox,toybox"), ToyboxCritic)
    assert critic_named("none") is None


@pytest.mark.parametrize("names", ["", "nobody", "none,toybox", "toybox,", "toybox vlm"])
def test_other_names_are_refused_with_those_that_there_are(names: str) -> None:
    with pytest.raises(SettingsError, match="choose toybox, vlm, none, or several but none"):
        named(names)


def test_who_asks_a_model_needs_one() -> None:
    assert asks_model("toybox,vlm") and not asks_model("toybox") and not asks_model("none")
    with pytest.raises(SettingsError, match="'vlm' needs a vision model"):
        critic_named("toybox,vlm")


def test_a_model_of_another_world_has_other_judges() -> None:
    looks = ("A language model looks at it", "vlm")
    measures = ("Measure it (Toybox)", "toybox")
    assert critics("somebody/sdxl") == [looks]
    assert critics("toybox") == [measures, looks, ("Both vote", "toybox,vlm")]
    assert [one.judges("somebody/sdxl") for one in choices().values()] == [False, True]


def test_one_file_makes_a_critic(tmp_path: Path) -> None:
    """For Python, the command line and the page."""
    for name in ("rpg", "ui", "prompts"):
        leave = shutil.ignore_patterns("__pycache__", "weights")
        shutil.copytree(ROOT / name, tmp_path / name, ignore=leave)
    (tmp_path / "rpg/critics/dark.py").write_text(DARK)
    done = python("-c", ASK, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    seen, help_, of_toybox, of_others = json.loads(done.stdout)
    assert seen == "darkness"
    assert "toybox (measures Toybox's pictures), dark (finds everything dark), vlm" in help_
    assert ["Is it dark?", "dark"] in of_toybox
    assert of_others[-1] == ["Both vote", "dark,vlm"]
