"""The list of licences fits what is required; the audit tells its three ends apart."""

from __future__ import annotations

import json
import re
import sys
from importlib.metadata import Distribution, PackageNotFoundError
from pathlib import Path

import pytest

from tests.processes import ROOT
from tools.audit import audit
from tools.licences import HEAD
from tools.licences import page as written
from tools.packages import Package, closure, licence_of, requirements

PAGE = (ROOT / "docs/licences.md").read_text()
ROWS = re.findall(r"^\| ([\w.-]+) \| ([\w.]+) \| (.+) \|$", PAGE.partition(HEAD)[2], re.MULTILINE)
TWO = [Package("left", "1.0", "MIT"), Package("right", "2.0", "MIT")]
BSD = "Redistribution and use in source and binary forms, with or without modification"


def test_the_page_has_the_head_and_the_order_that_its_command_writes() -> None:
    listed = [Package(*row) for row in ROWS]
    assert PAGE == written(sorted(listed)), "write it anew: make docs"


def test_every_required_package_is_listed_at_its_version() -> None:
    wanted = {
        re.sub(r"[-_.]+", "-", needed.name).lower(): str(needed.specifier).removeprefix("==")
        for needed in requirements(ROOT / "requirements.txt")
    }
    listed = {name: version for name, version, _ in ROWS}
    assert len(wanted) > 10
    assert wanted.items() <= listed.items(), "docs/licences.md is out of date: make docs"


def test_no_licence_is_unknown_or_asks_for_our_source() -> None:
    assert not [row for row in ROWS if re.search(r"unknown|GPL", row[2])]


def test_a_closure_follows_extras_and_markers() -> None:
    names = {package.name for package in closure(ROOT / "requirements.txt")}
    assert {"gradio", "mcp", "starlette", "numpy"} <= names  # mcp by gradio's extra
    assert not {"pytest", "mypy", "colorama"} & names  # the last on Windows alone


def test_what_is_required_and_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "more.txt").write_text("no-such-package-of-ours==1  # why\n")
    (tmp_path / "file.txt").write_text("# what\n-r more.txt\n")
    with pytest.raises(PackageNotFoundError, match="no-such-package-of-ours: install file.txt"):
        closure(tmp_path / "file.txt")


@pytest.mark.parametrize(
    ("metadata", "text", "licence"),
    [
        ("License-Expression: MIT OR Apache-2.0", "", "MIT OR Apache-2.0"),
        ("License-Expression: MIT\nClassifier: License :: OSI Approved :: BSD License", "", "MIT"),
        ("License: Apache", "", "Apache-2.0"),
        ("License: MPL-2.0 AND MIT", "", "MPL-2.0 AND MIT"),
        ("Classifier: License :: OSI Approved :: ISC License (ISCL)", "", "ISC"),
        ("License: BSD", f"{BSD} ... Neither the name of", "BSD-3-Clause"),
        ("License: BSD", BSD, "BSD-2-Clause"),
        ("License: BSD", "", "unknown"),
        ("License: ask us", "", "unknown"),
        ("Summary: nothing is said", "", "unknown"),
    ],
)
def test_a_packages_licence(metadata: str, text: str, licence: str, tmp_path: Path) -> None:
    folder = tmp_path / "some-1.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.4\nName: some\nVersion: 1\n{metadata}\n")
    (folder / "LICENSE").write_text(text)
    (folder / "RECORD").write_text("some-1.dist-info/LICENSE,,\n")
    assert licence_of(Distribution.at(folder)) == licence


def answering(answer: object, folder: Path, complaint: str = "") -> list[str]:
    """A stand-in for pip-audit that looks at its arguments and says this."""
    script = folder / "pip_audit.py"
    script.write_text(
        "import sys\n"
        "pins = open(sys.argv[sys.argv.index('--requirement') + 1]).read()\n"
        "assert pins == 'left==1.0\\nright==2.0\\n', pins\n"
        f"print({complaint!r}, file=sys.stderr)\n"
        f"print({answer if isinstance(answer, str) else json.dumps(answer)!r})\n"
        "sys.exit(1)\n"
    )
    return [sys.executable, str(script)]


def test_nothing_known(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clean = [{"name": p.name, "version": p.version, "vulns": []} for p in TWO]
    assert audit(TWO, answering({"dependencies": clean}, tmp_path)) == 0
    assert capsys.readouterr().out == "No known vulnerabilities in 2 packages\n"


def test_something_known(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flaw = {"id": "PYSEC-1", "aliases": ["CVE-1"], "fix_versions": ["1.1"]}
    found = [
        {"name": "left", "version": "1.0", "vulns": [flaw]},
        {"name": "right", "version": "2.0", "vulns": [{"id": "PYSEC-2"}]},
    ]
    assert audit(TWO, answering({"dependencies": found}, tmp_path)) == 1
    assert capsys.readouterr().out.splitlines() == [
        "left 1.0: PYSEC-1, CVE-1; mended in 1.1",
        "right 2.0: PYSEC-2; mended in no version yet",
    ]


def test_a_service_that_cannot_be_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert audit(TWO, answering("", tmp_path, "Traceback:\n  a line\nno route")) == 3
    said = capsys.readouterr()
    assert not said.out
    assert said.err == "The vulnerability service could not be asked: no route\n"


def test_packages_that_were_skipped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    half = [
        {"name": "left", "version": "1.0", "vulns": []},
        {"name": "right", "skip_reason": "not found"},
    ]
    assert audit(TWO, answering({"dependencies": half}, tmp_path)) == 3
    assert capsys.readouterr().err == "1 of 2 packages could not be checked\n"
