"""Models that regions do not work with are named, as folders before a weight is read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rpg.diffusion import load_pipeline, regional
from rpg.errors import ModelError
from rpg.pipeline import RPGPipeline
from tests.diffusion.helpers import halves
from tests.tiny import tiny_sdxl

REFINER = {"requires_aesthetics_score": True, "text_encoder": [None, None]}
FOLDERS = [
    (
        "KolorsPipeline",
        {"text_encoder": ["kolors", "ChatGLMModel"]},
        "KolorsPipeline: regions need",
    ),
    ("KolorsImg2ImgPipeline", {}, "KolorsImg2ImgPipeline: regions need"),
    ("StableDiffusionXLImg2ImgPipeline", REFINER, "the SDXL refiner .* name the base model"),
    ("StableDiffusionXLAdapterPipeline", {}, "StableDiffusionXLAdapterPipeline: .* usual pipeline"),
    ("StableCascadeDecoderPipeline", {}, "StableCascadeDecoderPipeline: regions need"),
]


@pytest.mark.parametrize(("name", "more", "message"), FOLDERS)
def test_a_folder_is_refused_by_its_index(
    name: str, more: dict[str, Any], message: str, tmp_path: Path
) -> None:
    index = {"_class_name": name, "unet": ["diffusers", "UNet2DConditionModel"], **more}
    (tmp_path / "model_index.json").write_text(json.dumps(index))
    with pytest.raises(ModelError, match=message):
        load_pipeline(tmp_path, device="cpu")


def test_kolors_unet_in_whatever_pipeline_is_refused() -> None:
    """It reads ChatGLM's texts through a projection of its own."""
    pipe = tiny_sdxl(encoder_hid_dim=24, encoder_hid_dim_type="text_proj")
    with pytest.raises(ModelError, match="regions need a pipeline of the SDXL"):
        RPGPipeline.from_pipe(pipe)
    with pytest.raises(ModelError, match="regions need"), regional(pipe, halves()):
        pass
