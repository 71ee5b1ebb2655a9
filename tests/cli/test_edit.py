"""`rpg edit` and `rpg refine`: what they print, write and keep."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from rpg import metadata
from tests.cli.helpers import PROMPT, pixels, rpg, saved_model, told


def test_an_edit_keeps_the_bytes_of_the_saved_picture_and_carries_its_plan() -> None:
    rpg("generate", PROMPT, "--seed", "3", "-o", "a.png")
    summary = told("edit", "a.png", "make the star green", "--seed", "5", "-o", "b.png")
    kinds = [one["kind"] for one in summary["edits"]]
    assert summary["seed"] == 5 and kinds == ["base", "modify", "scene"]
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


@pytest.mark.parametrize(
    "command",
    [
        ("edit", "a.png", "make the star green", "--json"),
        ("refine", PROMPT, "--critic", "none", "--json"),
        ("session", "replay", "--json"),
    ],
)
def test_a_file_that_is_replaced_is_told(command: tuple[str, ...]) -> None:
    rpg("generate", PROMPT, "-o", "a.png")
    assert "replaced" not in rpg(*command, "-o", "b.png").stderr
    again = rpg(*command, "-o", "b.png")
    assert "note: replaced b.png\n" in again.stderr
    assert json.loads(again.stdout)
    assert "note: replaced b.png\n" in rpg("session", "save", "-o", "b.png").stderr


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
    summary = told("refine", PROMPT, "--critic", "none", "--seed", "3", "-o", "a.png")
    assert (summary["rounds"], summary["score"], summary["seed"]) == (0, 1.0, 3)
    rpg("generate", PROMPT, "--seed", "3", "-o", "b.png")
    assert (pixels("a.png") == pixels("b.png")).all()
    assert metadata.read("a.png").plan == metadata.read("b.png").plan


def test_refine_refuses_critics_that_cannot_be() -> None:
    assert "toybox measures" in rpg("refine", PROMPT, code=2).stderr
    assert "--planner openai" in rpg("refine", PROMPT, "--critic", "vlm", code=2).stderr
    assert "no critic" in rpg("refine", PROMPT, "--critic", "nobody", code=2).stderr


def test_refine_draws_again_and_tells(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path_factory.mktemp("toy")
    monkeypatch.setenv("RPG_MODEL", str(saved_model(folder, "toybox")))
    said = rpg("refine", PROMPT, "--rounds", "2", "--seed", "3", "-o", "a.png")
    assert "round 1: " in said.stderr and "score " in said.stderr
    assert "2 rounds: no rounds are left" in said.stdout
    assert metadata.read("a.png").model == "toybox"
