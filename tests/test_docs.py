"""The documents say what is so: modules listed, links alive, examples that run."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from rpg.cli import settings_page
from rpg.cli.reference import COMMAND, reference
from rpg.plans.plan import Plan
from rpg.plans.wording import worded
from tests.processes import ROOT, python
from tests.ui import toys
from tools import modules

HEADS = [ROOT / f"{name}.md" for name in ("README", "CHANGELOG", "CONTRIBUTING", "SECURITY")]
DOCUMENTS = [*HEADS, *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
CODE = re.compile(FENCED.pattern + r"|`[^`\n]+`", FENCED.flags)
SECTIONS = {part.split("`")[0]: part for part in reference().split("\n## `rpg ")[1:]}
README = BLOCK.findall((ROOT / "README.md").read_text())


def links(document: Path) -> Iterator[tuple[str, Path, str]]:
    """Each link within the repository: as written, the file it names, and the anchor or ""."""
    text = CODE.sub("", document.read_text())
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" not in link:
            file, _, anchor = link.partition("#")
            yield link, (document.parent / file).resolve() if file else document, anchor


def anchors(page: Path) -> set[str]:
    """Those that GitHub makes of headings: equal ones are numbered from the second on."""
    found: Counter[str] = Counter()
    names = set()
    for heading in re.findall(r"^#+ (.+)$", FENCED.sub("", page.read_text()), re.MULTILINE):
        words = re.sub(r"\]\([^)]*\)", "", heading).strip().lower()
        name = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        names.add(f"{name}-{found[name]}" if found[name] else name)
        found[name] += 1
    return names


def test_the_page_of_modules_is_what_its_command_writes() -> None:
    page = (ROOT / "docs/modules.md").read_text()
    assert page == modules.page(), (
        f"docs/modules.md is out of date; write it anew: {modules.COMMAND}"
    )


def test_the_plan_on_its_page_can_be_drawn() -> None:
    page = (ROOT / "docs/plans.md").read_text()
    (text,) = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    said = worded(Plan.from_json(text))
    assert said.regions[1] == "a white dog sitting in a meadow at dusk, oil painting"
    assert said.leftover == "in a meadow at dusk, oil painting"


def test_a_module_without_a_docstring_is_named(tmp_path: Path) -> None:
    for top in modules.PACKAGES:
        (tmp_path / top).mkdir()
        (tmp_path / top / "__init__.py").write_text('"""A package."""')
    (tmp_path / "ui" / "new.py").write_text('"""A | new module\n\nMore."""')
    assert "| `new` | A \\| new module |" in modules.page(tmp_path)
    (tmp_path / "ui" / "bare.py").write_text("x = 1")
    with pytest.raises(ValueError, match="bare.py"):
        modules.page(tmp_path)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_within_the_repository_lead_somewhere(document: Path) -> None:
    missing = [link for link, page, _ in links(document) if not page.exists()]
    assert not missing
    aimed = [link for link in links(document) if link[2] and link[1].suffix == ".md"]
    assert not [link for link, page, anchor in aimed if anchor not in anchors(page)]


def test_every_page_is_reached_from_the_readme() -> None:
    reached, open_ = set[Path](), [ROOT / "README.md"]
    while open_:
        page = open_.pop()
        if page not in reached and page.suffix == ".md":
            reached.add(page)
            open_ += [linked for _, linked, _ in links(page)]
    assert not set(DOCUMENTS) - reached


def test_the_readme_has_examples_of_each_kind() -> None:
    assert {"sh", "python"} <= {language for language, _ in README}


@pytest.mark.parametrize("code", [code for language, code in README if language == "python"])
def test_python_in_the_readme_runs(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {})  # noqa: S102 - our own page


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
        toys.saved(tmp_path / words[words.index(before.pop()) + 1])
    _run(words, tmp_path)


def flags(command: str) -> set[str]:
    """Those of a command, from the first column of its tables."""
    named = re.findall(r"^\| `(-[^`]*)` \|", SECTIONS[command], re.MULTILINE)
    return {"--help", *re.findall(r"(?:^|(?<=, ))--?[a-z][a-z-]*", "\n".join(named), re.MULTILINE)}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_commands_in_the_documents_have_the_flags_they_are_shown_with(document: Path) -> None:
    blocks = BLOCK.findall(document.read_text())
    text = "".join(code for language, code in blocks if language in ("sh", "console"))
    lines = re.findall(r"^(?:\$ )?rpg (.*)", text.replace("\\\n", " "), re.MULTILINE)
    for words in (shlex.split(line, comments=True) for line in lines):
        command = " ".join(words[:2]) if " ".join(words[:2]) in SECTIONS else words[0]
        shown = {word for word in words if re.match("--?[a-z]", word)}
        assert shown <= flags(command), (command, shown - flags(command))


@pytest.mark.parametrize("command", [COMMAND, settings_page.COMMAND])
def test_generated_pages_are_what_their_commands_write_on_any_terminal(
    command: str, tmp_path: Path
) -> None:
    environment = {
        **{"HOME": str(tmp_path), "LANG": "de_DE.UTF-8"},
        **{"COLUMNS": "37", "TERMINAL_WIDTH": "37", "FORCE_COLOR": "1", "TERM": "xterm"},
        **{"RPG_MODEL": "other/model", "RPG_SESSIONS": str(tmp_path), "OPENAI_BASE_URL": "x"},
    }
    _, option, module, _, page = command.split()
    done = python(option, module, folder=tmp_path, environment=environment)
    assert done.returncode == 0, done.stderr
    assert (ROOT / page).read_text() == done.stdout, (
        f"{page} is out of date; write it anew: {command}"
    )


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(
        command,
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
