"""`rpg upscale`, and the flags of variations and upscaling."""

from __future__ import annotations

import json
from pathlib import Path

from PIL import Image

from rpg import metadata
from tests.cli.helpers import PROMPT, pixels, rpg, saved_model, told


def test_a_picture_is_upscaled_as_it_would_have_been_at_once() -> None:
    rpg("generate", PROMPT, "--seed", "3", "-o", "a.png")
    summary = told("upscale", "a.png", "--factor", "2", "-o", "b.png")
    assert summary["images"] == [{"path": "b.png", "seed": 3}] and summary["turn"] == 2
    record = metadata.read("b.png")
    assert (record.settings.upscale, record.settings.upscale_strength) == (2.0, 0.5)  # a step of 2
    assert (record.settings.width, record.scale, record.needs) == (32, 2, ())
    with Image.open("b.png") as image:
        assert image.size == (128, 128)
    flags = ("--upscale", "2", "--upscale-strength", "0.5", "-o", "c.png")
    rpg("generate", "--from", "a.png", *flags, "--scale", "2")
    assert (pixels("b.png") == pixels("c.png")).all()
    rpg("generate", "--from", "b.png", "-o", "d.png")
    assert (pixels("b.png") == pixels("d.png")).all()
    rpg("edit", "b.png", "make the star green", "-o", "e.png")
    assert pixels("e.png").shape == (128, 128, 3)


def test_variations_of_a_picture() -> None:
    rpg("generate", PROMPT, "--seed", "3", "-o", "a.png")
    words = ("--variation-strength", "0.2", "--variation-seed", "8", "-n", "2")
    summary = told("generate", "--from", "a.png", *words, "-o", "b.png")
    assert [one["seed"] for one in summary["images"]] == [3, 3]
    records = [metadata.read(f"b-{number}.png").settings for number in (1, 2)]
    assert [one.variation_seed for one in records] == [8, 9]
    rpg("generate", "--from", "b-2.png", "-o", "c.png")
    assert abs(pixels("c.png") - pixels("b-2.png")).max() <= 1
    parameters = Image.open("c.png").text["parameters"]  # type: ignore[attr-defined]
    assert "Variation seed: 9, Variation seed strength: 0.2" in parameters


def test_rows_of_a_batch_vary_as_calls_do(tmp_path: Path) -> None:
    row = {"prompt": PROMPT, "seed": 3, "variation_strength": 0.2, "num_images_per_prompt": 2}
    Path("rows.jsonl").write_text(json.dumps(row | {"variation_seed": 8, "name": "star"}))
    rpg("batch", "rows.jsonl", "-o", "made")
    rpg("generate", PROMPT, "--seed", "3", "--variation-strength", "0.2", "--variation-seed", "8",
        "-n", "2", "-o", "own.png")  # fmt: skip
    for number in (1, 2):
        made, own = (f"made/star-{number}.png", f"own-{number}.png")
        assert metadata.read(made).settings == metadata.read(own).settings
        assert abs(pixels(made) - pixels(own)).max() <= 1
    Path("loose.jsonl").write_text(json.dumps(row | {"seed": None}))
    rpg("batch", "loose.jsonl", "-o", "loose")
    seeds = [metadata.read(path).settings for path in Path("loose").glob("*.png")]
    assert len({one.seed for one in seeds}) == 1 and len({one.variation_seed for one in seeds}) == 2


def test_what_cannot_be_upscaled_is_said(tmp_path: Path) -> None:
    rpg("generate", PROMPT, "--seed", "3", "-o", "a.png")
    assert "upscale: should be less than" in rpg("upscale", "a.png", "--factor", 9, code=2).stderr
    Image.new("RGB", (32, 32)).save("bare.png")
    assert "no plan or settings" in rpg("upscale", "bare.png", code=2).stderr
    saved_model(tmp_path / "other", "other")
    said = rpg("upscale", "a.png", "--model", tmp_path / "other", "-o", "b.png", "--json")
    assert json.loads(said.stdout)["model"] == "other"
    assert metadata.read("b.png").needs == ("enlarged_picture",)
