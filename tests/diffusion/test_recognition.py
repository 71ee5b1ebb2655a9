"""What a checkpoint is taken for by its header, its configurations and its name; nothing is read.

Each row of `FILES` is a kind of file that people have, as its makers write it.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rpg.checkpoints import DISTILLATIONS, Recognised, distillation_named
from rpg.cli.batch import known_defaults
from rpg.cli.loading import ModelFlags
from rpg.defaults import FAMILIES, of_model
from rpg.diffusion.recognition import lora_advice, recognise_file, recognise_folder
from rpg.errors import ModelError
from tests.diffusion.headers import (
    LDM,
    WHOLE_15,
    WHOLE_SD2,
    WHOLE_XL,
    Shapes,
    written,
)
from tests.processes import ROOT

V: Shapes = {"v_pred": (0,)}
ZERO: Shapes = {"ztsnr": (0,)}
MASKED: Shapes = {LDM + "input_blocks.0.0.weight": (320, 9, 3, 3)}
DMD2_TITLE = {"modelspec.title": "realism dmd2 merge"}
Metadata = dict[str, str]
# Name, tensors, metadata; what is recognised, and a phrase of the evidence.
FILES: list[tuple[str, Shapes, Metadata, dict[str, Any], str]] = [
    ("juggernaut", WHOLE_XL, {}, {"family": "sdxl"}, "an SDXL checkpoint, by its tensors"),
    ("v1-5-pruned-emaonly", WHOLE_15, {}, {"family": "sd15"}, "as nothing says otherwise"),
    (
        "mine",
        {**WHOLE_XL, **V, **ZERO},
        {},
        {"prediction_type": "v_prediction", "zero_terminal_snr": True},
        "v-prediction with zero terminal SNR, by its keys",
    ),
    ("mine", {**WHOLE_XL, **V}, {}, {"prediction_type": "v_prediction"}, "by its keys"),
    (
        "mine",
        {**WHOLE_15, **V},
        {"modelspec.prediction_type": "epsilon"},
        {"prediction_type": "v_prediction"},
        "by its keys",
    ),
    (
        "mine",
        WHOLE_XL,
        {"modelspec.prediction_type": "v"},
        {"prediction_type": "v_prediction"},
        "by its metadata",
    ),
    (
        "mine-vpred",
        WHOLE_XL,
        {"modelspec.predict_key": "epsilon"},
        {"prediction_type": "epsilon"},
        "noise prediction, by its metadata",
    ),
    (
        "mine",
        WHOLE_XL,
        {"ss_v_parameterization": "True", "ss_zero_terminal_snr": "True"},
        {"prediction_type": "v_prediction", "zero_terminal_snr": True},
        "by its metadata",
    ),
    (
        "noobaiXLNAIXL_vPred10Version",
        WHOLE_XL,
        {},
        {"prediction_type": "v_prediction", "zero_terminal_snr": True, "likes": "tags"},
        "by its name",
    ),
    (
        "v2-1_768-ema-pruned",
        WHOLE_SD2,
        {},
        {"family": "sd15", "prediction_type": "v_prediction", "side": 768},
        "v-prediction, by its name",
    ),
    (
        "512-base-ema",
        WHOLE_SD2,
        {},
        {"prediction_type": "epsilon", "side": 0},
        "noise prediction, by its name",
    ),
    (
        "mine",
        WHOLE_SD2,
        {"modelspec.architecture": "stable-diffusion-v2-768-v"},
        {"prediction_type": "v_prediction"},
        "by its metadata",
    ),
    (
        "sd_turbo",
        WHOLE_SD2,
        {},
        {"distillation": "sd-turbo", "prediction_type": "epsilon", "side": 512, "steps": 4},
        "SD Turbo (4 steps, guidance 0, scheduler euler-a), by its name",
    ),
    (
        "sd_xl_turbo_1.0_fp16",
        WHOLE_XL,
        {},
        {"distillation": "sdxl-turbo", "side": 512},
        "SDXL Turbo",
    ),
    (
        "sdxl_lightning_8step",
        WHOLE_XL,
        {},
        {"distillation": "lightning", "steps": 8},
        "SDXL Lightning (8 steps, guidance 0, scheduler euler), by its name",
    ),
    (
        "sdxl_lightning_1step_x0",
        WHOLE_XL,
        {},
        {"prediction_type": "sample", "steps": 1},
        "(1 step, guidance 0",
    ),
    (
        "mine",
        WHOLE_XL,
        DMD2_TITLE,
        {"distillation": "dmd2"},
        "DMD2 (4 steps, guidance 0, scheduler",
    ),
    ("mine", WHOLE_XL, {}, {"distillation": "", "steps": 0}, ""),
    ("sd-v1-5-inpainting", {**WHOLE_15, **MASKED}, {}, {"inpainting": True}, "inpainting, by the"),
    ("mine", {**WHOLE_XL, **MASKED}, {}, {"inpainting": True, "family": "sdxl"}, "channels"),
    ("ponyDiffusionV6XL", WHOLE_XL, {}, {"likes": "tags"}, "taught with tags, by its name"),
    (
        "mine",
        WHOLE_XL,
        {"modelspec.merged_from": "illustriousXL_v01, other"},
        {"likes": "tags"},
        "taught with tags, by its metadata",
    ),
]
NAMES = {
    "sdxl_lightning_4step": "lightning",
    "dreamshaperXL_lightningDPMSDE": "lightning",
    "dreamshaperXL_turboDPMSDE": "turbo",
    "turbovisionxlSuperFastXL": "turbo",
    "stabilityai/sdxl-turbo": "sdxl-turbo",
    "stabilityai/sd-turbo": "sd-turbo",
    "SimianLuo/LCM_Dreamshaper_v7": "lcm",
    "dreamshaper_8LCM": "lcm",
    "latent-consistency/lcm-lora-sdxl": "lcm",
    "realisticVisionV60B1_v51HyperVAE": "hyper",
    "Hyper-SDXL-8steps-lora": "hyper",
    "Hyper-SDXL-8steps-CFG-lora": "hyper-cfg",
    "TCD-SDXL-LoRA": "tcd",
    "dmd2_sdxl_4step_lora_fp16": "dmd2",
    "hyperrealistic": "",
    "HyperRealism_v3": "",
    "calcmode": "",
    "juggernautXL_v9": "",
    "sd_xl_base_1.0": "",
}


def recognised(path: Path, **words: Any) -> Recognised:
    return recognise_file(path, {}, **words)


@pytest.mark.parametrize(("name", "shapes", "metadata", "expected", "evidence"), FILES)
def test_files_are_recognised_by_their_headers(
    name: str,
    shapes: Shapes,
    metadata: Metadata,
    expected: dict[str, Any],
    evidence: str,
    tmp_path: Path,
) -> None:
    path = written(shapes, tmp_path / f"{name}.safetensors", **metadata)
    found = recognised(path)
    assert {key: getattr(found, key) for key in expected} == expected
    assert evidence in "; ".join(found.evidence)
    assert set(found.told) <= set(found.evidence)


@pytest.mark.parametrize(("name", "key"), NAMES.items())
def test_names_of_models_for_few_steps(name: str, key: str) -> None:
    assert distillation_named(name) == key


def test_what_follows_from_a_name_is_told_and_what_is_usual_is_not(tmp_path: Path) -> None:
    plain = recognised(written(WHOLE_XL, tmp_path / "mine.safetensors"))
    assert plain.told == () and len(plain.evidence) == 2
    named = recognised(written(WHOLE_XL, tmp_path / "lcm_vpred_pony.safetensors"))
    assert len(named.told) == 3 and all(phrase.endswith("by its name") for phrase in named.told)


def test_what_the_user_says_goes_before_the_file(tmp_path: Path) -> None:
    path = written({**WHOLE_XL, **V}, tmp_path / "mine.safetensors")
    found = recognised(path, prediction_type="epsilon")
    assert found.prediction_type == "epsilon" and found.told == ()
    assert found.scheduler_options == {"prediction_type": "epsilon"}
    with pytest.raises(ModelError, match="'eps': one of epsilon, v_prediction, sample$"):
        recognised(path, prediction_type="eps")


def test_a_file_of_sd_2_that_does_not_say_how_it_predicts_is_refused(tmp_path: Path) -> None:
    path = written(WHOLE_SD2, tmp_path / "mine.safetensors")
    with pytest.raises(ModelError, match="--prediction-type v_prediction .* or epsilon"):
        recognised(path)
    found = recognised(path, prediction_type="v_prediction")
    assert (found.family, found.side) == ("sd15", 768)


def test_a_name_says_nothing_against_the_user(tmp_path: Path) -> None:
    path = written(WHOLE_XL, tmp_path / "noobai_vpred_ztsnr.safetensors")
    found = recognised(path, prediction_type="epsilon")
    assert (found.prediction_type, found.zero_terminal_snr) == ("epsilon", False)


def test_zero_terminal_snr_and_few_steps_begin_with_pure_noise(tmp_path: Path) -> None:
    zero = recognised(written({**WHOLE_XL, **V, **ZERO}, tmp_path / "mine.safetensors"))
    assert zero.scheduler_options == {
        "prediction_type": "v_prediction",
        "rescale_betas_zero_snr": True,
        "timestep_spacing": "trailing",
    }
    few = recognised(written(WHOLE_XL, tmp_path / "mine_lightning.safetensors"))
    assert few.scheduler_options["timestep_spacing"] == "trailing"
    usual = recognised(written(WHOLE_XL, tmp_path / "mine.safetensors"))
    assert "timestep_spacing" not in usual.scheduler_options


def test_a_configuration_of_another_model_is_refused(tmp_path: Path) -> None:
    path = written({**WHOLE_XL, **MASKED}, tmp_path / "mine.safetensors")
    config = folder(tmp_path / "config", unet={**XL_UNET, "in_channels": 4})
    with pytest.raises(ModelError, match="does not fit config"):
        recognise_file(path, {"config": str(config)})
    folder(tmp_path / "config", unet={**XL_UNET, "in_channels": 9})
    assert recognise_file(path, {"config": str(config)}).inpainting


XL_UNET = {"addition_embed_type": "text_time", "cross_attention_dim": 2048, "in_channels": 4}
UNET = {"cross_attention_dim": 768, "in_channels": 4}
LEADING = {"_class_name": "EulerDiscreteScheduler", "timestep_spacing": "leading"}
XL, SD = "StableDiffusionXLPipeline", "StableDiffusionPipeline"
CLASSES = {XL: "sdxl", SD: "sd15", "LatentConsistencyModelPipeline": "sd15"}


def folder(
    path: Path,
    pipeline: str = XL,
    unet: dict[str, Any] = XL_UNET,
    scheduler: dict[str, Any] = LEADING,
) -> Path:
    """A model that is nothing but its descriptions."""
    index = {"_class_name": pipeline, "unet": ["diffusers", "UNet2DConditionModel"]}
    files = {
        "model_index.json": index,
        "unet/config.json": unet,
        "scheduler/scheduler_config.json": scheduler,
    }
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(json.dumps(content))
    return path


def in_folder(path: Path, **words: Any) -> Recognised:
    return recognise_folder(str(path), CLASSES, words)


@pytest.mark.parametrize(
    ("name", "pipeline", "unet", "scheduler", "expected", "options"),
    [
        ("mine", XL, XL_UNET, LEADING, {"family": "sdxl", "own_scheduler": True}, {}),
        (
            "mine",
            XL,
            XL_UNET,
            {"prediction_type": "v_prediction", "rescale_betas_zero_snr": True},
            {"prediction_type": "v_prediction", "zero_terminal_snr": True},
            {"timestep_spacing": "trailing"},
        ),
        ("mine", SD, {**UNET, "in_channels": 9}, LEADING, {"inpainting": True}, {}),
        (
            "stable-diffusion-2-1",
            SD,
            {**UNET, "cross_attention_dim": 1024},
            {**LEADING, "prediction_type": "v_prediction"},
            {"prediction_type": "v_prediction", "side": 768},
            {},
        ),
        (
            "mine",
            "LatentConsistencyModelPipeline",
            {**UNET, "time_cond_proj_dim": 256},
            {"_class_name": "LCMScheduler"},
            {"distillation": "lcm-guided", "steps": 4, "own_scheduler": True},
            {},
        ),
        (
            "mine",
            XL,
            XL_UNET,
            {"_class_name": "TCDScheduler"},
            {"distillation": "tcd", "own_scheduler": True},
            {},
        ),
        (
            "sdxl-turbo",
            XL,
            XL_UNET,
            {"_class_name": "EulerAncestralDiscreteScheduler", "timestep_spacing": "trailing"},
            {"distillation": "sdxl-turbo", "own_scheduler": True},
            {},
        ),
        (
            "mine-lightning",
            XL,
            XL_UNET,
            LEADING,
            {"distillation": "lightning", "own_scheduler": False},
            {"timestep_spacing": "trailing"},
        ),
    ],
)
def test_folders_are_recognised_by_their_configurations(
    name: str,
    pipeline: str,
    unet: dict[str, Any],
    scheduler: dict[str, Any],
    expected: dict[str, Any],
    options: dict[str, Any],
    tmp_path: Path,
) -> None:
    found = in_folder(folder(tmp_path / name, pipeline, unet, scheduler))
    assert {key: getattr(found, key) for key in expected} == expected
    assert found.scheduler_options == options and found.pipeline == pipeline


@pytest.mark.parametrize(
    ("pipeline", "unet", "says"),
    [
        (SD, {**UNET, "in_channels": 8}, "an InstructPix2Pix model"),
        (SD, {**UNET, "in_channels": 7}, "an upscaler"),
        (SD, {**UNET, "in_channels": 5}, "depth model"),
        (XL, {**XL_UNET, "encoder_hid_dim_type": "text_proj"}, "a UNet of another kind"),
        (SD, XL_UNET, "a UNet of another kind"),
        ("KolorsPipeline", XL_UNET, "KolorsPipeline: regions need"),
        ("StableDiffusionXLInstructPix2PixPipeline", XL_UNET, "InstructPix2PixPipeline: regions"),
    ],
)
def test_folders_of_something_else_are_refused_by_name(
    pipeline: str, unet: dict[str, Any], says: str, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match=says) as refused:
        in_folder(folder(tmp_path / "mine", pipeline, unet))
    assert "\n" not in str(refused.value)


WEIGHTS = "diffusion_pytorch_model"


@pytest.mark.parametrize(
    ("files", "asked", "variant"),
    [
        ([f"{WEIGHTS}.safetensors", f"{WEIGHTS}.fp16.safetensors"], None, None),
        ([f"{WEIGHTS}.safetensors", f"{WEIGHTS}.fp16.safetensors"], "fp16", "fp16"),
        ([f"{WEIGHTS}.fp16.safetensors"], None, "fp16"),
        ([f"{WEIGHTS}.fp16-00001-of-00002.safetensors"], None, "fp16"),
        ([f"{WEIGHTS}-00001-of-00002.safetensors"], None, None),
    ],
)
def test_the_only_variant_there_is_is_taken(
    files: list[str], asked: str | None, variant: str | None, tmp_path: Path
) -> None:
    path = folder(tmp_path / "mine")
    for name in files:
        (path / "unet" / name).touch()
    found = in_folder(path, variant=asked)
    assert found.variant == variant
    assert any("fp16" in phrase for phrase in found.told) == (asked is None and bool(variant))


@pytest.mark.parametrize(
    ("files", "asked", "says"),
    [
        ([f"{WEIGHTS}.fp16.safetensors"], "bf16", "no variant bf16 of its UNet: there are fp16$"),
        ([f"{WEIGHTS}.safetensors"], "fp16", "no variant fp16 of its UNet: leave out --variant$"),
        (
            [f"{WEIGHTS}.fp16.safetensors", f"{WEIGHTS}.non_ema.safetensors"],
            None,
            "only variants are there: give --variant with one of fp16, non_ema$",
        ),
        ([f"{WEIGHTS}.bin"], None, "no safetensors weights of its UNet are there$"),
        ([f"{WEIGHTS}.fp16.bin"], "fp16", "no safetensors weights of its UNet are there$"),
    ],
)
def test_variants_that_lack_are_told_with_those_there_are(
    files: list[str], asked: str | None, says: str, tmp_path: Path
) -> None:
    path = folder(tmp_path / "mine")
    for name in files:
        (path / "unet" / name).touch()
    with pytest.raises(ModelError, match=says):
        in_folder(path, variant=asked)


def test_few_steps_become_the_models_defaults(tmp_path: Path) -> None:
    for key, row in DISTILLATIONS.items():
        known = Recognised("sdxl", distillation=key, steps=row.steps, side=row.side)
        found = of_model(None, "sdxl", known)
        assert found.num_inference_steps == row.steps <= 8
        assert found.scheduler == row.scheduler
        assert found.width == found.height == (row.side or 1024)
        assert found.preset("fast")["num_inference_steps"] == row.steps
        kept = of_model(None, "sdxl", replace(known, own_scheduler=True))
        assert kept.scheduler is None


def test_a_batch_knows_few_steps_by_the_models_name() -> None:
    for name, steps in {"mine_lightning_2step": 2, "mine": 15}.items():
        assert known_defaults(ModelFlags(model=name)).preset("fast")["num_inference_steps"] == steps


def test_what_was_recognised_gives_way_to_the_models_own_file(tmp_path: Path) -> None:
    known = Recognised("sdxl", zero_terminal_snr=True, likes="tags")
    assert of_model(tmp_path, "sdxl", known).words()["guidance_rescale"] == 0.7
    assert of_model(tmp_path, "sdxl", known).likes == "tags"
    (tmp_path / "rpg.json").write_text('{"guidance_rescale": 0.2, "num_inference_steps": 6}')
    found = of_model(tmp_path, "sdxl", known)
    assert (found.words()["guidance_rescale"], found.num_inference_steps) == (0.2, 6)
    assert found.likes == "tags"


def test_an_ordinary_model_has_its_familys_defaults() -> None:
    for family, usual in FAMILIES.items():
        assert of_model(None, family, Recognised(family)) == usual


@pytest.mark.parametrize(
    ("name", "metadata", "says"),
    [
        (
            "sdxl_lightning_8step_lora",
            {},
            "(SDXL Lightning, by its name): --steps 8 --guidance-scale 0 --scheduler euler",
        ),
        (
            "mine",
            {"ss_output_name": "my_lcm"},
            "(LCM, by its metadata): --steps 4 --guidance-scale 1 --scheduler lcm",
        ),
        ("watercolour", {}, ""),
    ],
)
def test_a_lora_for_few_steps_is_told_with_what_to_choose(
    name: str, metadata: Metadata, says: str, tmp_path: Path
) -> None:
    shapes: Shapes = {"lora_unet_mid_block_attentions_0_proj_in.alpha": ()}
    path = written(shapes, tmp_path / f"{name}.safetensors", **metadata)
    elsewhere = tmp_path / "lightning" / "loras"  # no name of the file's own
    elsewhere.mkdir(parents=True)
    written(shapes, elsewhere / path.name, **metadata)
    for advice in (lora_advice(str(elsewhere / path.name)), lora_advice(str(tmp_path), path.name)):
        assert says in advice and bool(says) == bool(advice)
        assert str(tmp_path) not in advice


def test_the_page_has_every_way_to_few_steps() -> None:
    page = (ROOT / "docs/backbones.md").read_text()
    for row in DISTILLATIONS.values():
        side = f" {row.side} " if row.side else " "
        numbers = f"{row.steps} | {row.guidance_scale:g} | `{row.scheduler}` |{side}"
        assert f"| {row.title} | {numbers}| {row.source} |" in page


def test_the_page_names_tests_that_there_are() -> None:
    section = (ROOT / "docs/backbones.md").read_text().partition("### Kinds of files")[2]
    named = set(re.findall(r"`(test_\w+)`", section))
    there = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    assert named and all(f"def {name}(" in there for name in named)


def test_a_lora_of_the_hub_is_told_by_its_id() -> None:
    assert "LCM" in lora_advice(
        "latent-consistency/lcm-lora-sdxl", "pytorch_lora_weights.safetensors"
    )
    assert lora_advice("owner/watercolour") == ""
