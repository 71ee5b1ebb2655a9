"""`rpg edit` and `rpg refine`: what they print, write and keep."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from rpg import metadata
from rpg.cli import app
from rpg.drawing import enlarge, put_into, shrink
from tests.tiny import tiny_sdxl

PROMPT = "a red star to the left of a blue moon"
DEFAULTS = {"width": 32, "height": 32, "num_inference_steps": 2, "display_scale": 4}
RUNNER = CliRunner()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "little"
    tiny_sdxl().save_pretrained(folder)
    (folder / "rpg.json").write_text(json.dumps({"name": "little", **DEFAULTS}))
    return folder


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RPG_MODEL", str(model))
    monkeypatch.setenv("RPG_DEVICE", "cpu")


def rpg(*arguments: str | Path, code: int = 0) -> Any:
    result = RUNNER.invoke(app, [str(one) for one in arguments])
    assert result.exit_code == code, (result.output, result.exception)
    return result


def pixels(path: str | Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def test_an_edit_keeps_the_bytes_of_the_saved_picture_and_carries_its_plan() -> None:
    rpg("generate", PROMPT, "--seed", "3", "-o", "a.png")
    said = rpg("edit", "a.png", "make the star green", "--seed", "5", "-o", "b.png", "--json")
    summary = json.loads(said.stdout)
    assert summary["seed"] == 5 and [one["kind"] for one in summary["edits"]] == ["base", "modify"]
    before, after = pixels("a.png"), pixels("b.png")
    assert before.shape == after.shape == (128, 128, 3)
    assert (before[:, 64:] == after[:, 64:]).all() and (before != after).any()
    record = metadata.read("b.png")
    assert (record.task, record.scale, record.settings.seed) == ("inpaint", 4, 5)
    assert record.plan.layers()[0].prompt.startswith("a green star")
    rpg("edit", "a.png", "make the star green", "--seed", "5", "-o", "c.png")
    assert Path("b.png").read_bytes() == Path("c.png").read_bytes()
    rpg("edit", "b.png", "make the moon red", "-o", "d.png")
    assert (pixels("d.png")[:, :64] == after[:, :64]).all()


def test_a_painted_mask_says_where() -> None:
    rpg("generate", PROMPT, "--seed", "3", "-o", "a.png")
    mask = Image.new("L", (128, 128))
    mask.paste(255, (96, 96, 128, 128))
    mask.save("mask.png")
    rpg("edit", "a.png", "make the star green", "--mask", "mask.png", "--seed", "1", "-o", "b.png")
    changed = (pixels("a.png") != pixels("b.png")).any(axis=-1)
    assert changed[96:, 96:].any() and not changed[:96].any() and not changed[:, :96].any()
    Image.new("L", (8, 8)).save("black.png")
    said = rpg("edit", "a.png", "make the star green", "--mask", "black.png", code=2)
    assert "black all over" in said.stderr


def test_a_picture_without_a_plan_needs_a_model_that_sees() -> None:
    Image.new("RGB", (32, 32)).save("plain.png")
    said = rpg("edit", "plain.png", "make the star green", code=2).stderr
    assert "plain.png" in said and "--planner openai" in said and said.count("\n") == 1
    Path("junk.png").write_bytes(b"junk")
    assert "cannot read junk.png" in rpg("edit", "junk.png", "x", code=2).stderr
    assert "cannot read none.png" in rpg("edit", "none.png", "x", code=2).stderr


def test_refine_without_a_critic_draws_once() -> None:
    said = rpg("refine", PROMPT, "--critic", "none", "--seed", "3", "-o", "a.png", "--json")
    summary = json.loads(said.stdout)
    assert (summary["rounds"], summary["score"], summary["seed"]) == (0, 1.0, 3)
    rpg("generate", PROMPT, "--seed", "3", "-o", "b.png")
    assert (pixels("a.png") == pixels("b.png")).all()
    assert metadata.read("a.png").plan == metadata.read("b.png").plan


def test_refine_refuses_critics_that_cannot_be() -> None:
    assert "toybox measures" in rpg("refine", PROMPT, code=2).stderr
    assert "--planner openai" in rpg("refine", PROMPT, "--critic", "vlm", code=2).stderr
    assert "no critic" in rpg("refine", PROMPT, "--critic", "nobody", code=2).stderr


def test_refine_draws_again_and_tells(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, model: Path
) -> None:
    folder = tmp_path_factory.mktemp("toy")
    tiny_sdxl().save_pretrained(folder)
    (folder / "rpg.json").write_text(json.dumps({"name": "toybox", **DEFAULTS}))
    monkeypatch.setenv("RPG_MODEL", str(folder))
    said = rpg("refine", PROMPT, "--rounds", "2", "--seed", "3", "-o", "a.png")
    assert "round 1: " in said.stderr and "score " in said.stderr
    assert "2 rounds: no rounds are left" in said.stdout
    assert metadata.read("a.png").model == "toybox"


@pytest.mark.parametrize("scale", [1, 2, 5, 8])
def test_shrinking_undoes_enlarging(scale: int) -> None:
    data = np.random.default_rng(0).integers(0, 256, (12, 20, 3), dtype=np.uint8)
    small = Image.fromarray(data)
    back = np.asarray(shrink(enlarge(small, scale), scale)).astype(int)
    assert np.abs(back - data).max() <= 6 and np.abs(back - data).mean() < 0.5


def test_a_part_put_into_an_enlarged_picture_leaves_the_rest() -> None:
    shown = Image.fromarray(np.random.default_rng(1).integers(0, 256, (33, 33, 3), dtype=np.uint8))
    mask = Image.new("L", (8, 8))
    mask.paste(255, (2, 2, 4, 4))
    result = np.asarray(put_into(shown, Image.new("RGB", (8, 8), "red"), mask))
    assert (result[8:16, 8:16] == (255, 0, 0)).all()
    kept = np.ones((33, 33), bool)
    kept[8:16, 8:16] = False
    assert (result[kept] == np.asarray(shown)[kept]).all()
