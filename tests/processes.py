"""Pythons of their own, which find the product and the tests from any folder."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]
_TWO_ON_LOOPBACK = (
    *("-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2"),
    *("--main_process_port", "0", "--num_machines", "1", "--mixed_precision", "no"),
    *("--dynamo_backend", "no"),
)


def python(
    *arguments: object,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    seconds: float = 600,
) -> subprocess.CompletedProcess[str]:
    """What `python ARGUMENTS` said in a folder, by default in this one.

    The environment is that of the tests, or nothing but what is given.
    """
    known = os.environ if environment is None else environment
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=folder,
        env={**known, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
    )


def two_processes(
    *arguments: object, folder: Path | None = None, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """What `accelerate launch ARGUMENTS` said, of two processes on loopback."""
    started = (*_TWO_ON_LOOPBACK, *arguments)
    return python(*started, folder=folder, environment=environment)
