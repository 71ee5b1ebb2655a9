"""What keeps the app from starting is one line and exit code 2."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.processes import ROOT, python


@pytest.mark.parametrize(
    ("arguments", "environment", "says"),
    [
        (["--model", "MISSING"], {}, "MISSING: there is no such folder or file"),
        (["--model", "./foo"], {}, "./foo: there is no such folder or file"),
        (["--model", "/foo/bar"], {}, "/foo/bar: there is no such folder or file"),
        (["--model", "C:\\foo"], {}, "C:\\foo: there is no such folder or file"),
        (["--loras", "MISSING"], {}, "--loras MISSING: no such folder"),
        (["--device", "nosuch"], {}, "device 'nosuch': "),
        ([], {"RPG_MODEL": "/missing"}, "/missing: there is no such folder or file"),
        ([], {"RPG_DEVICE": "nosuch"}, "device 'nosuch': "),
    ],
)
def test_one_line_and_exit_code_2(
    arguments: list[str], environment: dict[str, str], says: str, tmp_path: Path
) -> None:
    started = (ROOT / "app.py", *arguments)
    done = python(*started, folder=tmp_path, environment={**os.environ, **environment})
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(says)
    assert done.stderr.count("\n") == 1
