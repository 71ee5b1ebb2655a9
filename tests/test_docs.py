"""The documents say what is so: modules listed, links alive, examples that run."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
README = BLOCK.findall((ROOT / "README.md").read_text())


def modules() -> set[str]:
    files = (
        file
        for top in ("rpg", "ui", "training", "benchmarks")
        for file in (ROOT / top).rglob("*.py")
    )
    dotted = {".".join(file.relative_to(ROOT).with_suffix("").parts) for file in files}
    return {name.removesuffix(".__init__") for name in dotted}


def test_the_architecture_page_has_a_line_for_every_module_and_no_other() -> None:
    page = (ROOT / "docs/architecture.md").read_text()
    listed = re.findall(r"^\| `((?:rpg|ui|training|benchmarks)[\w.]*)` \|", page, re.MULTILINE)
    assert sorted(listed) == sorted(modules())


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_within_the_repository_lead_somewhere(document: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text())
    missing = [link for link in links if not (document.parent / link).exists()]
    assert not missing


def test_the_readme_has_examples_of_each_kind() -> None:
    assert {"sh", "python"} <= {language for language, _ in README}


@pytest.mark.parametrize("code", [code for language, code in README if language == "python"])
def test_python_in_the_readme_runs(code: str, tmp_path: Path) -> None:
    _run([sys.executable, "-c", code], tmp_path)


@pytest.mark.parametrize(
    "line", [line for language, code in README if language == "sh" for line in code.splitlines()]
)
def test_commands_in_the_readme_run(line: str, tmp_path: Path) -> None:
    """`make` is asked whether it could; running it would set up an environment within this one."""
    words = shlex.split(line, comments=True)
    if not words:
        return
    if words[0] == "make":
        _run([*words, "--dry-run"], ROOT)
        return
    # each line on its own: what an earlier one made has to be there
    (tmp_path / "out").mkdir()
    assert words[0] in ("rpg", "python", ".venv/bin/python"), line
    words[:1] = [sys.executable, "-m", "rpg"] if words[0] == "rpg" else [sys.executable]
    (tmp_path / "prompts.jsonl").write_text('{"prompt": "a red star", "num_inference_steps": 1}')
    before = {"--from", "edit"} & set(words)  # a picture follows, which has to be there
    if before:
        picture = words[words.index(before.pop()) + 1]
        made = [sys.executable, "-m", "rpg", "generate", "a red star", "--steps", "2"]
        _run([*made, "-o", picture], tmp_path)
    _run(words, tmp_path)


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(
        command,
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
