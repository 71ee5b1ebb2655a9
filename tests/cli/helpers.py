"""Commands run within the test's process, what they drew, and a little model on disk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from typer.testing import CliRunner

from rpg.cli import app
from tests.tiny import tiny_sdxl

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


def pixels(path: str | Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image).astype(int)


def saved_model(folder: Path, name: str) -> Path:
    """A model of 32 x 32 pixels and two steps that goes by that name."""
    tiny_sdxl().save_pretrained(folder)
    (folder / "rpg.json").write_text(json.dumps({"name": name, **_DEFAULTS}))
    return folder
