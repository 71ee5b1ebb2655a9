"""LoRAs and reference pictures of single regions by flags of `rpg generate`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

from rpg import metadata
from tests.cli.helpers import PROMPT, pixels, rpg
from tests.diffusion.test_adapters import CLIP, ip_weights
from tests.diffusion.test_region_lora import lora_file
from tests.tiny import tiny_sd15, tiny_sdxl


@pytest.fixture(scope="module")
def lora(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lora_file(tmp_path_factory.mktemp("loras"), tiny_sdxl, unet=("conv_out",), texts=())


def written_ip_adapter(folder: Path, pipe: Any) -> Path:
    """An IP-Adapter's file with its image encoder beside it, as they are published."""
    weights = {
        f"{part}.{name}": value
        for part, some in ip_weights(pipe, 0).items()
        for name, value in some.items()
    }
    save_file(weights, folder / "ip-adapter.safetensors")
    torch.manual_seed(0)
    config = CLIPVisionConfig(
        hidden_size=16,
        intermediate_size=16,
        projection_dim=CLIP,
        num_hidden_layers=1,
        num_attention_heads=2,
        image_size=16,
        patch_size=8,
    )
    CLIPVisionModelWithProjection(config).save_pretrained(folder / "image_encoder")
    return folder / "ip-adapter.safetensors"


def differ(one: str, other: str) -> bool:
    return bool((pixels(one) != pixels(other)).any())


def test_a_lora_of_one_region(lora: Path) -> None:
    draw = ("generate", PROMPT, "--seed", "7")
    for name, flag in {"left": "the red star={}:2", "weak": "1={}:0.5", "right": "2={}:2"}.items():
        rpg(*draw, "-o", f"{name}.png", "--region-lora", flag.format(lora))
    assert differ("left.png", "weak.png") and differ("left.png", "right.png")
    assert metadata.read("left.png").needs == ("region_loras",)
    assert "region_loras" in rpg("generate", "--from", "left.png", code=2).stderr
    again = ("generate", "--from", "left.png", "-o", "again.png")
    rpg(*again, "--region-lora", f"1={lora}:2")
    assert not differ("again.png", "left.png")


def test_a_reference_picture_of_one_region(tmp_path: Path) -> None:
    file = written_ip_adapter(tmp_path, tiny_sdxl())
    Image.new("RGB", (20, 20), "red").save("red.png")
    draw = ("generate", PROMPT, "--seed", "7")
    image = ("--region-image", "2=red.png", "--ip-adapter")
    rpg(*draw, "-o", "one.png", *image, tmp_path)
    rpg(*draw, "-o", "strong.png", *image, file, "--region-image-scale", "2")
    assert differ("one.png", "strong.png")
    assert metadata.read("one.png").needs == ("region_images",)
    shutil.move(tmp_path / "image_encoder", tmp_path / "elsewhere")
    lacking = rpg(*draw, *image, file, code=1)
    assert "--ip-image-encoder" in lacking.stderr
    rpg(*draw, "-o", "two.png", *image, file, "--ip-image-encoder", tmp_path / "elsewhere")
    assert not differ("one.png", "two.png")


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--region-lora", "star"], "write REGION=FILE"),
        (["--region-lora", "star=gone.safetensors"], "No such file"),
        (["--region-image", "star=gone.png", "--ip-adapter", "x"], "cannot read gone.png"),
        (["--region-image", "star=here.png"], "--ip-adapter"),
        (["--ip-adapter", "x"], "--ip-adapter does nothing without --region-image"),
        (["--ip-image-encoder", "x"], "--ip-image-encoder does nothing without --region-image"),
        (["--region-image-scale", "1"], "--region-image-scale does nothing without"),
    ],
)
def test_what_cannot_be_is_said_before_planning(flags: list[str], says: str) -> None:
    Image.new("RGB", (4, 4)).save("here.png")
    flags += ["--planner", "openai", "--base-url", "http://127.0.0.1:9"]  # nobody answers there
    result = rpg("generate", PROMPT, *flags, code=1 if "No such" in says else 2)
    assert says in result.stderr and result.stderr.count("\n") == 1


def test_what_does_not_fit_is_said_before_drawing(lora: Path, tmp_path: Path) -> None:
    sun = ("--region-lora", f"sun={lora}")
    assert "no region 'sun'" in rpg("generate", PROMPT, *sun, code=2).stderr
    rpg("generate", PROMPT, "-o", "drawn.png")
    result = rpg("generate", "--from", "drawn.png", *sun, "-m", "gone", code=2)
    assert "no region 'sun'" in result.stderr  # before the model is looked for
    other = written_ip_adapter(tmp_path, tiny_sd15())
    Image.new("RGB", (4, 4)).save("here.png")
    image = ("--region-image", "1=here.png", "--ip-adapter")
    assert "another family" in rpg("generate", PROMPT, *image, other, code=1).stderr
    assert "is a LoRA and no IP-Adapter" in rpg("generate", PROMPT, *image, lora, code=1).stderr
    other.rename(tmp_path / "b.safetensors")
    shutil.copy(lora, tmp_path / "a.safetensors")
    several = rpg("generate", PROMPT, *image, tmp_path, code=1).stderr
    assert "it holds a.safetensors, b.safetensors" in several


def test_flags_that_would_do_nothing_are_refused(tmp_path: Path) -> None:
    for flag, value in (("--region-image-scale", "0.4"), ("--ip-image-encoder", str(tmp_path))):
        said = rpg("generate", PROMPT, flag, value, code=2).stderr
        assert f"{flag} does nothing without --region-image" in said


def test_what_is_no_lora_for_the_model_is_named_in_one_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    other = lora_file(tmp_path, tiny_sd15, unet=("attn2.to_k",), texts=())
    draw = ("generate", PROMPT, "--lora")
    said = rpg(*draw, json.dumps({"lora_id": str(other)}), code=1).stderr
    assert "which may be made for another kind of model" in said
    assert "size mismatch" not in said + capfd.readouterr().err
    vae = tmp_path / "vae.safetensors"
    save_file({"decoder.up.0.block.0.conv1.weight": torch.zeros(1, 1, 1, 1)}, vae)
    assert "is a VAE and no LoRA" in rpg(*draw, json.dumps({"lora_id": str(vae)}), code=1).stderr
    several = rpg(*draw, json.dumps({"lora_id": str(tmp_path)}), code=2).stderr
    assert f"name one as weight_name: {other.name}, vae.safetensors" in several
    assert """write '{"lora_id": """ in rpg(*draw, other, code=2).stderr
