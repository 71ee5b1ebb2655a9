"""Commands run within the test's process, what they drew, and a little model on disk."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from typer.testing import CliRunner

from rpg.cli import app
from tests.tiny import tiny_sdxl

_ROOT = Path(__file__).parents[2]
PROMPT = "a red star to the left of a blue moon"
_DEFAULTS = {"width": 32, "height": 32, "num_inference_steps": 2, "display_scale": 4}
_RUNNER = CliRunner()


def rpg(*arguments: object, code: int = 0) -> Any:
    """What `rpg ARGUMENTS` printed; the test fails where it ends in another way than `code`."""
    result = _RUNNER.invoke(app, [str(one) for one in arguments])
    assert result.exit_code == code, (result.output, result.exception)
    return result


def told(*arguments: object, code: int = 0) -> Any:
    """What a command says to programs."""
    return json.loads(rpg(*arguments, "--json", code=code).stdout)


def python(*arguments: str, seconds: int = 120) -> subprocess.CompletedProcess[str]:
    """A Python of its own, which finds the product and the tests from any folder."""
    return subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "PYTHONPATH": str(_ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
    )


def pixels(path: str | Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image).astype(int)


def saved_model(folder: Path, name: str) -> Path:
    """A model of 32 x 32 pixels and two steps that goes by that name."""
    tiny_sdxl().save_pretrained(folder)
    (folder / "rpg.json").write_text(json.dumps({"name": name, **_DEFAULTS}))
    return folder
