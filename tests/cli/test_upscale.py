"""`rpg upscale`, and the flags of variations and upscaling."""

from __future__ import annotations

import json
from pathlib import Path

from PIL import Image

from rpg import metadata
from tests.cli.helpers import PROMPT, pixels, rpg, saved_model, told
from tests.diffusion.test_region_lora import lora_file
from tests.tiny import tiny_sdxl


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


def test_what_does_not_act_on_the_larger_picture_is_said_and_recorded() -> None:
    lora = lora_file(Path(), tiny_sdxl, unet=("conv_out",), texts=())
    rpg("generate", PROMPT, "--seed", "3", "-o", "a.png", "--region-lora", f"1={lora}:2")
    said = rpg("upscale", "a.png", "-o", "b.png").stderr
    assert "made with region_loras, and is drawn over without" in said
    assert metadata.read("b.png").needs == ("enlarged_picture",)
    assert "made with region_loras" in rpg("edit", "a.png", "make the star green").stderr


def test_a_picture_of_another_model_or_autoencoder_says_so(tmp_path: Path) -> None:
    for name in ("mine", "other"):
        saved_model(tmp_path / name, name)
    mine, other = (("--model", tmp_path / name) for name in ("mine", "other"))
    loaded = ("--vae", tmp_path / "other" / "vae", "--prediction-type", "v_prediction")
    rpg("generate", PROMPT, "--seed", "3", "-o", "a.png", *mine, *loaded)
    assert metadata.read("a.png").needs == ("prediction_type", "vae")
    refused = rpg("generate", "--from", "a.png", *mine, "-o", "b.png", code=2)
    assert "made with prediction_type, vae, which it does not hold" in refused.stderr
    rpg("generate", "--from", "a.png", *mine, *loaded, "-o", "b.png")
    assert (pixels("a.png") == pixels("b.png")).all()
    rpg("session", "replay", *mine, *loaded)
    assert "made with prediction_type" in rpg("session", "replay", *mine, code=2).stderr
    rpg("upscale", "a.png", *mine, *loaded, "-o", "c.png")
    assert metadata.read("c.png").needs == ("prediction_type", "vae")
    rpg("generate", "--from", "c.png", *mine, *loaded, "-o", "d.png")
    assert (pixels("c.png") == pixels("d.png")).all()
    said = rpg("upscale", "a.png", *other, "-o", "e.png").stderr
    assert "made with mine, and drawn over with other" in said
    assert "made with prediction_type, vae, and is drawn over without" in said
