"""Imports point one way, and the light modules load nothing heavy."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

import rpg
from tests.processes import python

ROOT = Path(rpg.__file__).parent
HEAVY = ("torch", "diffusers", "transformers", "gradio", "openai")


def heavy_after(code: str) -> set[str]:
    """Which heavy packages a fresh interpreter has loaded after running the code."""
    tail = f"\nimport sys\nprint(*[name for name in {HEAVY} if name in sys.modules])"
    done = python("-c", code + tail)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split())


def imported(path: Path) -> Iterator[tuple[str, int]]:
    """Every module that a file imports, at the top or inside a function, with the line."""
    package = path.relative_to(ROOT.parent).with_suffix("").parts
    for node in ast.walk(ast.parse(path.read_text("utf-8"), str(path))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = ".".join(package[: -node.level]) + "." if node.level else ""
            yield above + (node.module or ""), node.lineno


def importers(*packages: str) -> dict[str, list[str]]:
    """Which of rpg's files import a package or a part of it: file to "line: module"."""
    found: dict[str, list[str]] = {}
    for path in sorted(ROOT.rglob("*.py")):
        for module, line in imported(path):
            if module.split(".")[0] in packages:
                name = path.relative_to(ROOT).as_posix()
                found.setdefault(name, []).append(f"{line}: {module}")
    return found


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


def test_the_product_imports_nothing_of_its_making() -> None:
    assert importers("training", "benchmarks", "tools", "tests", "app", "ui") == {}


@pytest.mark.parametrize(
    ("packages", "homes"),
    [
        (("diffusers", "transformers"), ("diffusion/", "chat/local/", "editing/sam.py")),
        (("torch",), ("diffusion/", "generation/", "chat/local/", "editing/", "_")),
        (("openai",), ("chat/",)),
        (("gradio",), ()),
    ],
)
def test_heavy_libraries_have_their_homes(
    packages: tuple[str, ...], homes: tuple[str, ...]
) -> None:
    found = importers(*packages)
    assert {name: lines for name, lines in found.items() if not name.startswith(homes)} == {}
    assert bool(found) == bool(homes)  # else the check has gone blind


def test_the_light_modules_do_not_even_mention_torch() -> None:
    """Neither lazily: a plan, a layout or a message never needs a tensor."""
    light = ("errors", "events", "planners/")
    known = importers("torch", "diffusers", "transformers", "numpy")
    assert {name: lines for name, lines in known.items() if name.startswith(light)} == {}
