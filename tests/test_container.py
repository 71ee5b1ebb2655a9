"""The Dockerfile keeps its promises; hadolint, in `make check`, reads the rest of it."""

from __future__ import annotations

import ast
import json
import re
from fnmatch import fnmatch

import pytest

from tests.processes import ROOT
from tools.packages import requirements

TEXT = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
STEPS = [
    (line.split(maxsplit=1)[0], line.split(maxsplit=1)[1])
    for line in TEXT.replace("\\\n", " ").splitlines()
    if line.strip()
]
SECRET = re.compile(r"key|token|secret|passw|auth", re.IGNORECASE)


def said(step: str) -> list[str]:
    return [words for name, words in STEPS if name == step]


def ignored(path: str) -> bool:
    """Whether the builder never gets a file; the last pattern that fits decides."""
    out = False
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        pattern = line.strip()
        if not pattern or pattern.startswith("#"):
            continue
        wanted, any_depth = pattern.removeprefix("!"), "**/"
        tops = [path, *("/".join(path.split("/")[:n]) for n in range(1, path.count("/") + 1))]
        names = [top.split("/")[-1] for top in tops] if wanted.startswith(any_depth) else tops
        if any(fnmatch(name, wanted.removeprefix(any_depth)) for name in names):
            out = not pattern.startswith("!")
    return out


def test_it_runs_as_a_user_of_its_own_that_cannot_log_in() -> None:
    (user,) = said("USER")
    uid, gid = user.split(":")
    assert int(uid) > 1000 and int(gid) > 1000
    (made,) = (words for words in said("RUN") if "useradd" in words)
    assert f"--uid {uid} " in made and f"--gid {gid} " in made and "/usr/sbin/nologin" in made
    assert STEPS.index(("USER", user)) > max(n for n, step in enumerate(STEPS) if step[0] == "RUN")


def test_commands_are_lists_so_that_signals_arrive() -> None:
    (entry,) = said("ENTRYPOINT")
    assert json.loads(entry)[:4] == ["python", "app.py", "--host", "0.0.0.0"]
    assert [json.loads(words) for words in said("CMD")] == [[]]
    assert said("STOPSIGNAL") == ["SIGINT"]


def test_the_health_check_asks_by_a_loopback_name_and_needs_no_tool() -> None:
    (check,) = said("HEALTHCHECK")
    command = json.loads(check.partition("CMD ")[2])
    assert command[:2] == ["python", "-c"]
    ast.parse(command[2])
    assert "http://127.0.0.1:7860/" in command[2] and "ProxyHandler({})" in command[2]
    (entry,) = said("ENTRYPOINT")
    assert json.loads(entry)[-2:] == ["--port", said("EXPOSE")[0]] == ["--port", "7860"]


def test_it_copies_files_that_are_there_and_reach_the_builder() -> None:
    assert not said("ADD")
    for words in said("COPY"):
        *sources, _ = words.split()
        for source in sources:
            assert (ROOT / source).exists() and not ignored(source), source


def test_everything_that_the_app_imports_is_copied() -> None:
    copied = {source for words in said("COPY") for source in words.split()[:-1]}
    ours = {path.stem for path in ROOT.glob("*/") if any(path.glob("*.py"))}
    for top in ("app.py", *copied & ours):
        files = (ROOT / top).rglob("*.py") if (ROOT / top).is_dir() else [ROOT / top]
        for file in files:
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    name = node.module.split(".")[0]
                    assert name not in ours or name in copied, (file, name)


@pytest.mark.parametrize(
    "path",
    [
        *(".git", ".git/config", ".venv", ".venv/bin/python", "out", "out/star.png", "tests"),
        *("tests/tiny.py", "rpg/__pycache__", "rpg/cli/__pycache__/app.pyc", ".env", "runs"),
    ],
)
def test_the_builder_never_gets(path: str) -> None:
    assert ignored(path)


def test_no_secret_is_built_in() -> None:
    names = [words.partition("=")[0] for words in said("ARG")]
    names += [pair.partition("=")[0] for words in said("ENV") for pair in words.split()]
    assert len(names) > 5 and not [name for name in names if SECRET.search(name)]


def test_all_that_is_written_goes_to_the_volume_or_to_tmp() -> None:
    (pairs,) = said("ENV")
    values = dict(pair.split("=") for pair in pairs.split())
    folders = {name: value for name, value in values.items() if value.startswith("/")}
    needed = {"HOME", "XDG_CACHE_HOME", "HF_HOME", "RPG_SESSIONS", "GRADIO_TEMP_DIR"}
    assert needed <= folders.keys() and values["PYTHONDONTWRITEBYTECODE"] == "1"
    assert said("VOLUME") == ["/data"]
    assert all(re.match("/(data|tmp)(/|$)", folder) for folder in folders.values())


def test_torch_has_a_layer_of_its_own_at_the_version_of_the_requirements() -> None:
    (torch,) = (
        wanted for wanted in requirements(ROOT / "requirements.txt") if wanted.name == "torch"
    )
    assert f"TORCH{torch.specifier}".replace("==", "=") in said("ARG")
    order = [n for n, (name, words) in enumerate(STEPS) if "torch==" in words or name == "COPY"]
    assert "torch==" in STEPS[order[0]][1]
    assert STEPS[order[1]] == ("COPY", "requirements.txt ./")


def test_the_base_has_a_tag() -> None:
    (base,) = (words for words in said("ARG") if words.startswith("BASE="))
    assert re.fullmatch(r"BASE=[\w./-]+:[\w.-]+", base) and not base.endswith(":latest")
