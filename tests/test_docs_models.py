"""The pages on models and regions: their Python runs, with tiny models for those that they name."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import diffusers
import pytest
import torch
from peft import LoraConfig
from peft.utils import get_peft_model_state_dict
from PIL import Image

from rpg.defaults import FAMILIES, ModelDefaults, Sampling, of_model
from rpg.diffusion import sibling
from rpg.toybox import weights_path
from tests.processes import ROOT
from tests.test_docs import BLOCK
from tests.tiny import tiny_controlnet, tiny_sd15, tiny_sdxl

PAGE = (ROOT / "docs/backbones.md").read_text()
PAGES = PAGE + (ROOT / "docs/regional.md").read_text()
CODE = [code for language, code in BLOCK.findall(PAGES) if language == "python"]
RUNNABLE = [code for code in CODE if not code.startswith("# not run by the tests")]
ITS_OWN = '{"width": 32, "height": 32, "num_inference_steps": 2}'
_library: Any = diffusers


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The models and files that the page names."""
    made = tmp_path_factory.mktemp("models")
    sdxl = tiny_sdxl()
    models = {
        "stabilityai/stable-diffusion-xl-base-1.0": sdxl,
        "stable-diffusion-v1-5/stable-diffusion-v1-5": tiny_sd15(),
        "diffusers/stable-diffusion-xl-1.0-inpainting-0.1": sibling(
            tiny_sdxl(in_channels=9), "inpaint"
        ),
        "diffusers/controlnet-depth-sdxl-1.0": tiny_controlnet(sdxl),
    }
    for name, model in models.items():
        model.save_pretrained(made / name)
        (made / name / "rpg.json").write_text(ITS_OWN)
    save_lora(tiny_sdxl(), made)
    Image.new("RGB", (32, 32), "navy").save(made / "room.png")
    Image.linear_gradient("L").resize((32, 32)).save(made / "mask.png")
    Image.linear_gradient("L").convert("RGB").resize((32, 32)).save(made / "depth.png")
    return made


def save_lora(pipe: Any, folder: Path) -> None:
    torch.manual_seed(5)
    pipe.unet.add_adapter(LoraConfig(r=2, init_lora_weights=False, target_modules=["to_q"]))
    layers = get_peft_model_state_dict(pipe.unet)
    _library.StableDiffusionXLPipeline.save_lora_weights(
        str(folder), unet_lora_layers=layers, weight_name="watercolour.safetensors"
    )


def test_most_of_the_pages_runs() -> None:
    assert len(RUNNABLE) >= 9


@pytest.mark.parametrize("code", RUNNABLE)
def test_python_on_the_pages_runs(
    code: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Folders by the names of the hub's models are found where the code runs."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("RPG_DEVICE", "cpu")
    monkeypatch.delenv("RPG_MODEL", raising=False)
    monkeypatch.delenv("RPG_DTYPE", raising=False)
    said: dict[str, Any] = {}
    exec(code, said)  # our own page
    names = ("done", "image", "plain", "sample")
    drawn = next((said[name] for name in names if name in said), None)
    assert drawn is not None or Path("star.png").exists()
    if "painted" in said:
        assert said["painted"].images[0].tobytes() != said["plain"].images[0].tobytes()


def test_the_models_own_values_are_those_of_the_page() -> None:
    (example,) = [code for language, code in BLOCK.findall(PAGE) if language == "json"]
    ModelDefaults.model_validate_json(example)
    rows = re.findall(r"^\| `(\w+)` \|(.*?)\|(.*?)\|(.*?)\|", PAGE, re.MULTILINE)
    listed = {name: values for name, *values in rows if name in ModelDefaults.model_fields}
    assert listed.keys() == ModelDefaults.model_fields.keys()
    models = FAMILIES["sdxl"], FAMILIES["sd15"], of_model(weights_path(), "sdxl")
    for name, values in listed.items():
        shown = [cell.replace("`", "").strip() for cell in values]
        assert shown == [written(getattr(model, name)) for model in models], name


def written(value: Any) -> str:
    if isinstance(value, Sampling):
        return ", ".join(map(str, value.model_dump(exclude_none=True).values()))
    if isinstance(value, tuple):  # sizes; upright ones are told in words
        wide = [f"{width}x{height}" for width, height in value if width > height]
        return f"{', '.join(wide)}, upright too" if wide else ""
    return "" if value is None else str(value)
