"""The page about planners: its code runs, its commands exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from typer.main import get_command

from rpg.chat.endpoints import ENDPOINTS
from rpg.cli import app
from tests.processes import ROOT, python

from .server import ChatServer

PAGE = (ROOT / "docs" / "planners.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
PYTHON = [code for language, code in BLOCKS if language == "python"]
COMMANDS = [line for language, code in BLOCKS if language == "sh" for line in code.splitlines()]


@pytest.mark.parametrize("code", PYTHON)
def test_its_python_runs(code: str, server: ChatServer, tmp_path: Path) -> None:
    """The environment names a server that has no such model: rules stand in, as the page says."""
    environment = {"HOME": str(tmp_path), "OPENAI_BASE_URL": server.url}
    done = python("-c", code, folder=tmp_path, environment=environment)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "star" in done.stdout


def test_there_is_code_to_run() -> None:
    assert len(PYTHON) == 3
    assert len(COMMANDS) >= 4


@pytest.mark.parametrize("line", COMMANDS)
def test_its_commands_parse(line: str) -> None:
    program, name, *words = shlex.split(line, comments=True)
    assert program == "rpg"
    command = get_command(app).commands[name]  # type: ignore[attr-defined]
    command.make_context(name, words)  # refuses flags that are not there


def test_every_endpoint_is_on_it() -> None:
    assert all(f"**{one.name}**" in PAGE for one in ENDPOINTS)


def test_its_flags_exist() -> None:
    commands = get_command(app).commands.values()  # type: ignore[attr-defined]
    known = {flag for one in commands for parameter in one.params for flag in parameter.opts}
    theirs = {"--reasoning-parser", "--jinja", "--mmproj"}  # of vLLM and llama.cpp
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", PAGE)) <= known | theirs
