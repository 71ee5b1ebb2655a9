"""Flags of what a drawing follows and of words that a model is taught."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from rpg import metadata
from tests.cli.helpers import PROMPT, pixels, rpg
from tests.tiny import WIDTH, tiny_controlnet, tiny_sd15, tiny_sdxl, tiny_union_controlnet


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    shades = np.random.default_rng(0).integers(0, 255, (90, 120, 3), np.uint8)
    Image.fromarray(shades).save(tmp_path / "edges.png")
    return tmp_path / "edges.png"


def test_a_picture_is_followed_in_its_shape_and_from_the_picture_again(picture: Path) -> None:
    tiny_union_controlnet(tiny_sdxl()).save_pretrained("union")
    flags = ["--control-image", picture, "--controlnet", "union", "--control-mode", "canny"]
    rpg("generate", PROMPT, "--seed", "1", "-o", "plain.png")
    rpg("generate", PROMPT, "--seed", "1", *flags, "-o", "followed.png")
    with Image.open("followed.png") as image:
        assert image.width > image.height
    record = metadata.read("followed.png")
    assert record.task == "controlnet"
    assert record.needs == ("control_image", "control_mode", "controlnet")
    lost = rpg("generate", "--from", "followed.png", code=2)
    assert "was made with control_image, control_mode, controlnet" in lost.stderr
    rpg("generate", "--from", "followed.png", *flags, "-o", "again.png")
    assert np.array_equal(pixels("again.png"), pixels("followed.png"))
    for words in (flags[:4], [*flags[:4], "--control-mode", "cany"]):
        refused = rpg("generate", PROMPT, *words, code=2)  # before anything is planned
        assert "control_mode" in refused.stderr and "openpose, depth" in refused.stderr
        assert "star" not in refused.output


@pytest.mark.parametrize(
    ("code", "flags", "message"),
    [
        (2, ["--control-image", "edges.png"], "--control-image needs --controlnet"),
        (2, ["--controlnet", "x"], "--controlnet needs --control-image"),
        (2, ["--control-mode", "canny"], "--control-mode needs --control-image"),
        (2, ["--control-scale", "0.5"], "--control-scale needs --control-image"),
        (2, ["--control-image", "no.png", "--controlnet", "x"], "cannot read no.png"),
        (1, ["--control-image", "edges.png", "--controlnet", "no/where/x"], "no such folder"),
        (1, ["--control-image", "edges.png", "--controlnet", "other"], "another family"),
        (1, ["--embedding", "edges.png"], "no safetensors"),
    ],
)
def test_flags_that_do_not_go_together(
    code: int, flags: list[str], message: str, picture: Path
) -> None:
    tiny_controlnet(tiny_sd15()).save_pretrained("other")
    assert message in rpg("generate", PROMPT, *flags, code=code).stderr


def test_an_embedding_is_a_word_in_prompts(model: Path) -> None:
    pipe = tiny_sd15()
    pipe.save_pretrained("sd15")
    (Path("sd15") / "rpg.json").write_text((model / "rpg.json").read_text())
    save_file({"emb_params": 3 * torch.randn(2, WIDTH)}, "moonstyle.safetensors")
    asked = ["generate", f"{PROMPT}, moonstyle", "--seed", "1", "--model", "sd15"]
    rpg(*asked, "-o", "without.png")
    rpg(*asked, "--embedding", "moonstyle.safetensors", "-o", "with.png")
    assert not np.array_equal(pixels("with.png"), pixels("without.png"))
    large = ("upscale", "with.png", "--model", "sd15", "-o", "large.png")
    rpg(*large, "--embedding", "moonstyle.safetensors")
    assert metadata.read("large.png").needs == ("embedding",)
    rpg(*large)  # another picture than the one drawn at once
    assert metadata.read("large.png").needs == ("enlarged_picture",)
    lost = rpg("generate", PROMPT, "--embedding", "moonstyle.safetensors", code=1)
    assert "the embedding moonstyle is for another family" in lost.stderr
