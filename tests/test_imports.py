"""What is loaded when: which module may import which is the import linter's to hold."""

from __future__ import annotations

from importlib import import_module

import pytest

from tests.processes import python

HEAVY = ("torch", "diffusers", "transformers", "gradio", "openai")


def heavy_after(code: str) -> set[str]:
    """Which heavy packages a fresh interpreter has loaded after running the code."""
    tail = f"\nimport sys\nprint(*[name for name in {HEAVY} if name in sys.modules])"
    done = python("-c", code + tail)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize(
    "code",
    [
        "import rpg",
        "import rpg.plans.rpg_text, rpg.plans.plan",
        "import rpg.chat",
        "import rpg.events, rpg.settings, rpg.metadata, rpg.plans.overlay",
        "import rpg.planners; rpg.planners.RulePlanner().plan('a red star and a blue moon')",
        "from rpg import Box, Plan, Region, RulePlanner, errors",
        "import rpg.chat; rpg.chat.OpenAIChat('a-model')",
    ],
)
def test_what_plans_and_reads_loads_nothing_heavy(code: str) -> None:
    assert heavy_after(code) == set()


@pytest.mark.parametrize("words", [["--help"], ["plan", "a red star"]])
def test_the_command_line_loads_nothing_heavy_before_it_draws(words: list[str]) -> None:
    code = f"""
from rpg.cli import app
try:
    app({words!r})
except SystemExit as stop:
    assert not stop.code, stop.code
"""
    assert heavy_after(code) == set()


def test_the_check_above_can_see_a_heavy_import() -> None:
    assert "torch" in heavy_after("import sys, types\nsys.modules['torch'] = types.ModuleType('x')")


@pytest.mark.parametrize("name", ["rpg", "rpg.chat", "rpg.critics", "rpg.planners"])
def test_every_public_name_is_there_and_no_other(name: str) -> None:
    package = import_module(name)
    assert sorted(package.__all__) == sorted(set(package.__all__))
    for public in package.__all__:
        assert public in dir(package)
        assert getattr(package, public) is vars(package)[public]
    with pytest.raises(AttributeError, match="nonsense"):
        _ = package.nonsense
