"""The command line as a whole: what it prints, how it is started."""

from __future__ import annotations

from pathlib import Path

import pytest

from rpg import metadata
from rpg.cli.demo import PROMPT as PROMPT_OF_DEMO
from rpg.plans.plan import Plan
from rpg.toybox import unknown_words
from tests.cli.helpers import PROMPT, pixels, rpg
from tests.processes import python


def test_plan_prints_a_table() -> None:
    result = rpg("plan", PROMPT)
    assert "star" in result.stdout
    assert "x   0 to  50" in result.stdout


def test_plan_json_is_a_plan_and_nothing_else() -> None:
    plan = Plan.from_json(rpg("plan", PROMPT, "--json").stdout)
    assert len(plan.layers()) == 2


def test_the_demo_draws_five_things_and_says_what_to_try_next(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rpg.cli.demo.weights_path", lambda: model)
    said = rpg("demo").stdout
    assert len(metadata.read("out/demo.png").plan.layers()) == 5
    assert pixels("out/demo-plan.png").shape == (1024, 1024, 3)
    assert "--from out/demo.png" in said
    assert unknown_words(PROMPT_OF_DEMO) == ()


def test_words_of_a_prompt_are_never_markup() -> None:
    shown = rpg("generate", "a [red]star[/red] and a [bold moon", "--steps", "1")
    assert "[red]star[/red]" in shown.stdout
    assert "Traceback" not in shown.output


@pytest.mark.parametrize("command", [[], ["plan"], ["generate"], ["demo"]])
def test_help_is_there(command: list[str]) -> None:
    assert "Usage" in rpg(*command, "--help").stdout


def test_planning_imports_no_torch() -> None:
    code = (
        "import sys; sys.argv[0] = 'rpg'\n"
        "from rpg.cli import main\n"
        "try: main()\n"
        "finally: print({'torch', 'diffusers', 'transformers'} & set(sys.modules), file=sys.stderr)"
    )
    done = python("-c", code, "plan", PROMPT)
    assert done.returncode == 0, done.stderr
    assert done.stderr.strip().endswith("set()")


def test_the_module_runs_as_a_command() -> None:
    code = "import runpy, sys; sys.argv[0] = 'rpg'; runpy.run_module('rpg', run_name='__main__')"
    done = python("-c", code, "plan", PROMPT, "--json")
    assert done.returncode == 0, done.stderr
    assert len(Plan.from_json(done.stdout).layers()) == 2
