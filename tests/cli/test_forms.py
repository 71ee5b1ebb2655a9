"""Plans in other forms on the command line: printed, with what is lost, and drawn again."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import pytest

from rpg.cli import options
from rpg.cli.files import read_plan
from rpg.dialects.forms import FORMS
from tests.cli.helpers import PROMPT, rpg


def test_the_flag_offers_every_form() -> None:
    annotation: Any = get_args(options.PlanForm)[0]
    assert sorted(get_args(get_args(annotation)[0])) == sorted(FORMS)


@pytest.mark.parametrize("form", ["comfyui", "regional-prompter", "forge-couple"])
def test_what_is_printed_is_read_as_a_plan(form: str, tmp_path: Path) -> None:
    file = tmp_path / "plan.txt"
    file.write_text(rpg("plan", PROMPT, "--form", form).stdout)
    assert [one.prompt for one in read_plan(file).layers()] == ["a red star", "a blue moon"]


def test_what_a_form_cannot_say_stands_on_stderr() -> None:
    printed = rpg("plan", "a red star above a blue moon at night", "--form", "forge-couple")
    assert "note: " not in printed.stdout
    wide = rpg(
        "plan", "a big star, in front of it a small moon, at night", "--form", "forge-couple"
    )
    assert "note: " in wide.stderr
