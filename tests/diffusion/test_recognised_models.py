"""Models are loaded as what they are: files in the original layout, folders, few steps, masks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import diffusers
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from rpg.checkpoints import DISTILLATIONS
from rpg.diffusion import load_pipeline, load_single_file, regional, sibling
from rpg.errors import ModelError, SettingsError
from rpg.pipeline import RPGPipeline
from tests.cli.helpers import rpg as command
from tests.diffusion.headers import VAE_LDM, written
from tests.diffusion.helpers import assert_close, draw, whole
from tests.diffusion.original_layout import (
    original_layout,
    two_encoders,
    unet_layout,
    vae_layout,
)
from tests.tiny import tiny_sd15

PROMPT = "a red star to the left of a blue moon"
PARTS = ("unet", "vae", "text_encoder", "text_encoder_2")
_library: Any = diffusers
MAKERS = {"sdxl": two_encoders, "sd15": tiny_sd15}


@pytest.fixture(scope="module")
def pipes() -> dict[str, Any]:
    return {family: make() for family, make in MAKERS.items()}


@pytest.fixture(scope="module")
def configs(pipes: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Folders that stand for what diffusers fetches for a single file."""
    made = tmp_path_factory.mktemp("configs")
    for family, pipe in pipes.items():
        pipe.save_pretrained(made / family)
    return {family: str(made / family) for family in pipes}


def single(pipe: Any, path: Path, **more: Any) -> Path:
    save_file(original_layout(pipe) | more, path)
    return path


def drawn(rpg: RPGPipeline, **words: Any) -> Any:
    rpg.set_progress_bar_config(disable=True)
    return rpg(PROMPT, **{"width": 64, "height": 64, "seed": 3, **words})


@pytest.mark.parametrize("family", MAKERS)
def test_every_weight_of_a_file_arrives(
    family: str,
    pipes: dict[str, Any],
    configs: dict[str, str],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    path = single(pipes[family], tmp_path / "mine.safetensors")
    with caplog.at_level("WARNING"):
        loaded = load_single_file(path, config=configs[family], device="cpu")
    assert "float32" not in caplog.text
    for part in filter(lambda name: hasattr(loaded, name), PARTS):
        ours, theirs = getattr(pipes[family], part).state_dict(), getattr(loaded, part).state_dict()
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_keys_of_prediction_and_terminal_snr_are_obeyed(
    pipes: dict[str, Any], configs: dict[str, str], tmp_path: Path
) -> None:
    none = torch.zeros(0)
    path = single(pipes["sdxl"], tmp_path / "mine.safetensors", v_pred=none, ztsnr=none)
    rpg = RPGPipeline.from_single_file(path, config=configs["sdxl"], device="cpu")
    assert rpg.recognised.prediction_type == "v_prediction" and rpg.recognised.zero_terminal_snr
    by_hand = load_pipeline(configs["sdxl"], device="cpu")
    by_hand.scheduler = _library.EulerDiscreteScheduler(
        beta_schedule="scaled_linear",
        steps_offset=1,
        prediction_type="v_prediction",
        rescale_betas_zero_snr=True,
        timestep_spacing="trailing",
    )
    ours = drawn(rpg, num_inference_steps=3)
    theirs = drawn(RPGPipeline.from_pipe(by_hand), num_inference_steps=3, guidance_rescale=0.7)
    assert ours.records[0].settings.guidance_rescale == 0.7
    assert ours.images[0].tobytes() == theirs.images[0].tobytes()
    with pytest.raises(SettingsError, match="heun knows no zero terminal SNR"):
        drawn(rpg, scheduler="heun", num_inference_steps=2)


def test_a_scheduler_that_knows_no_zero_terminal_snr_makes_way(
    pipes: dict[str, Any], tmp_path: Path
) -> None:
    pipe = tiny_sd15()
    pipe.scheduler = _library.PNDMScheduler(beta_schedule="scaled_linear", steps_offset=1)
    pipe.save_pretrained(tmp_path / "config")
    path = single(pipes["sd15"], tmp_path / "mine.safetensors", ztsnr=torch.zeros(0))
    loaded = load_single_file(path, config=str(tmp_path / "config"), device="cpu")
    assert type(loaded.scheduler) is _library.DDIMScheduler
    assert (
        loaded.scheduler.config.rescale_betas_zero_snr and not loaded.scheduler.config.clip_sample
    )
    usual = single(pipes["sd15"], tmp_path / "usual.safetensors")
    kept = load_single_file(usual, config=str(tmp_path / "config"), device="cpu").scheduler
    assert type(kept) is _library.PNDMScheduler
    given = load_single_file(
        path, config=str(tmp_path / "config"), device="cpu", scheduler=pipe.scheduler
    )
    assert given.scheduler is pipe.scheduler


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("mine_lightning", "lightning"),
        ("mine_lcm", "lcm"),
        ("mine_tcd", "tcd"),
        ("mine_turbo", "turbo"),
        ("Hyper-SDXL", "hyper"),
        ("mine_dmd2", "dmd2"),
    ],
)
def test_files_for_few_steps_draw_as_their_makers_say(
    name: str, key: str, pipes: dict[str, Any], configs: dict[str, str], tmp_path: Path
) -> None:
    path = single(pipes["sdxl"], tmp_path / f"{name}.safetensors")
    rpg = RPGPipeline.from_single_file(path, config=configs["sdxl"], device="cpu")
    row, used = DISTILLATIONS[key], drawn(rpg).records[0].settings
    assert (used.num_inference_steps, used.guidance_scale) == (row.steps, row.guidance_scale)
    assert used.scheduler == row.scheduler
    assert rpg.scheduler.config.timestep_spacing == "trailing"
    asked = drawn(rpg, num_inference_steps=2, guidance_scale=3.0, scheduler="euler")
    said = asked.records[0].settings
    assert (said.num_inference_steps, said.guidance_scale, said.scheduler) == (2, 3.0, "euler")


@pytest.mark.parametrize("name", ["lcm", "tcd"])
def test_schedulers_for_few_steps_are_diffusers_own(name: Any, pipes: dict[str, Any]) -> None:
    pipe = pipes["sdxl"]
    rpg = RPGPipeline.from_pipe(pipe)
    words: Any = {"num_inference_steps": 3, "guidance_scale": 1.0, "output_type": "latent"}
    ours = rpg(plan=whole(), scheduler=name, width=64, height=64, seed=0, **words)
    kind = {"lcm": _library.LCMScheduler, "tcd": _library.TCDScheduler}[name]
    own, pipe.scheduler = pipe.scheduler, kind.from_config(pipe.scheduler.config)
    try:
        with regional(pipe, whole()):
            theirs = draw(pipe, **words)
    finally:
        pipe.scheduler = own
    assert_close(torch.as_tensor(ours.images), theirs)
    with pytest.raises(SettingsError, match="60 are more than the 50 of"):
        rpg(plan=whole(), scheduler=name, width=64, height=64, num_inference_steps=60)


def test_a_file_in_eight_bits_draws(
    pipes: dict[str, Any], configs: dict[str, str], tmp_path: Path
) -> None:
    small = {
        name: weight.to(torch.float8_e4m3fn)
        for name, weight in original_layout(pipes["sdxl"]).items()
    }
    save_file(small, tmp_path / "mine_fp8.safetensors")
    rpg = RPGPipeline.from_pretrained(
        tmp_path / "mine_fp8.safetensors", config=configs["sdxl"], device="cpu"
    )
    assert rpg.dtype == torch.float32
    assert drawn(rpg, num_inference_steps=2).images[0].getbbox() is not None


@pytest.mark.parametrize("family", MAKERS)
def test_models_that_see_a_mask_fill_it_from_file_and_folder(family: str, tmp_path: Path) -> None:
    pipe = MAKERS[family](in_channels=9)
    pipe.save_pretrained(tmp_path / "folder")  # as the pipeline for texts, as some are shared
    path = single(pipe, tmp_path / "mine.safetensors")
    room, mask = Image.new("RGB", (64, 64), "navy"), Image.linear_gradient("L").resize((64, 64))
    filled = []
    config: Any = {"config": str(tmp_path / "folder")}
    for source, words in ((path, config), (tmp_path / "folder", {})):
        rpg = RPGPipeline.from_pretrained(source, device="cpu", **words)
        assert rpg.recognised.inpainting
        assert type(rpg.pipe) is type(sibling(pipe, "inpaint"))
        filled.append(drawn(rpg, image=room, mask_image=mask, num_inference_steps=2).images[0])
    assert filled[0].tobytes() == filled[1].tobytes() != room.tobytes()


def test_weights_of_the_only_variant_are_read(pipes: dict[str, Any], tmp_path: Path) -> None:
    pipes["sd15"].save_pretrained(tmp_path / "mine", variant="fp16")
    rpg = RPGPipeline.from_pretrained(tmp_path / "mine", device="cpu")
    assert rpg.recognised.told == ("weights of the variant fp16, as no others are there",)
    ours, theirs = rpg.unet.state_dict(), pipes["sd15"].unet.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_an_lcm_that_is_told_its_guidance_draws_from_its_folder(tmp_path: Path) -> None:
    held = tiny_sd15(time_cond_proj_dim=8).components
    held["scheduler"] = _library.LCMScheduler(beta_schedule="scaled_linear", steps_offset=1)
    pipe = _library.LatentConsistencyModelPipeline(**held, requires_safety_checker=False)
    pipe.save_pretrained(tmp_path / "mine")
    rpg = RPGPipeline.from_pretrained(tmp_path / "mine", device="cpu")
    used = drawn(rpg).records[0].settings
    assert (used.num_inference_steps, used.guidance_scale, used.scheduler) == (4, 8.0, "lcm")


@pytest.mark.parametrize("model", ["folder", "file"])
@pytest.mark.parametrize("vae", ["folder", "file"])
def test_another_vae_takes_the_place_of_the_models(
    model: str, vae: str, pipes: dict[str, Any], configs: dict[str, str], tmp_path: Path
) -> None:
    other = MAKERS["sd15"](seed=9).vae
    other.save_pretrained(tmp_path / "folder")
    save_file(vae_layout(other), tmp_path / "file.safetensors")
    source = tmp_path / ("folder" if vae == "folder" else "file.safetensors")
    if model == "folder":
        loaded = load_pipeline(configs["sd15"], device="cpu", vae=source)
    else:
        path = single(pipes["sd15"], tmp_path / "mine.safetensors")
        loaded = load_single_file(path, config=configs["sd15"], device="cpu", vae=source)
    ours = loaded.vae.state_dict()
    assert all(torch.equal(ours[name], weight) for name, weight in other.state_dict().items())


def test_what_is_no_vae_for_the_model_is_told(configs: dict[str, str], tmp_path: Path) -> None:
    lora = written({"lora_unet_a.alpha": ()}, tmp_path / "lora.safetensors")
    flux = written(
        {**VAE_LDM, "decoder.conv_in.weight": (512, 16, 3, 3)}, tmp_path / "ae.safetensors"
    )
    (tmp_path / "config.json").write_text('{"_class_name": "AutoencoderTiny"}')
    for source, says in (
        (lora, "lora.safetensors is a LoRA and no VAE$"),
        (flux, "a VAE of another family"),
        (tmp_path, "AutoencoderTiny is no VAE of SDXL or SD 1.5$"),
        (tmp_path / "gone", "there is no such folder or file"),
    ):
        with pytest.raises(ModelError, match=says):
            load_pipeline(configs["sd15"], device="cpu", vae=str(source))


def test_a_configuration_that_makes_no_sense_is_one_line(
    pipes: dict[str, Any], tmp_path: Path
) -> None:
    pipes["sd15"].save_pretrained(tmp_path)
    for content in ('{"cross_attention_dim": 16, "in_channels": [4]}', "[]", "{"):
        (tmp_path / "unet" / "config.json").write_text(content)
        with pytest.raises(ModelError) as refused:
            load_pipeline(tmp_path, device="cpu")
        assert "\n" not in str(refused.value)


def test_sd_2_is_drawn_with_as_the_user_says(tmp_path: Path) -> None:
    pipe = tiny_sd15(cross_attention_dim=1024)
    pipe.save_pretrained(tmp_path / "config")
    save_file(unet_layout(pipe.unet), tmp_path / "mine.safetensors")
    rest = {
        name: part
        for name, part in pipe.components.items()
        if part is not None and name not in ("unet", "scheduler")
    }
    rpg = RPGPipeline.from_pretrained(
        tmp_path / "mine.safetensors",
        config=str(tmp_path / "config"),
        device="cpu",
        prediction_type="v_prediction",
        **rest,
    )
    assert rpg.scheduler.config.prediction_type == "v_prediction"
    assert (rpg.defaults.width, rpg.defaults.height) == (768, 768)


def test_a_pipeline_that_is_there_is_recognised_and_left_as_it_is(pipes: dict[str, Any]) -> None:
    pipe = pipes["sdxl"]
    own = pipe.scheduler
    pipe.scheduler = _library.TCDScheduler.from_config(own.config)
    try:
        rpg = RPGPipeline.from_pipe(pipe)
        assert rpg.recognised.distillation == "tcd" and rpg.defaults.num_inference_steps == 4
        assert rpg.scheduler is pipe.scheduler
        assert RPGPipeline.from_pipe(rpg).recognised is rpg.recognised
    finally:
        pipe.scheduler = own
    assert RPGPipeline.from_pipe(pipe).recognised.distillation == ""


def test_what_a_file_was_recognised_as_is_saved_with_it(
    pipes: dict[str, Any], configs: dict[str, str], tmp_path: Path
) -> None:
    path = single(pipes["sdxl"], tmp_path / "lightning_pony.safetensors")
    rpg = RPGPipeline.from_single_file(path, config=configs["sdxl"], device="cpu")
    rpg.save_pretrained(tmp_path / "mine")
    again = RPGPipeline.from_pretrained(tmp_path / "mine", device="cpu")
    assert again.defaults == rpg.defaults and again.defaults.likes == "tags"


def test_the_command_says_what_it_recognised(
    pipes: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    pipes["sdxl"].save_pretrained(tmp_path / "mine_lightning_2step")
    flags = ("-m", "mine_lightning_2step", "--size", "64x64", "--device", "cpu", "--no-session")
    said = command("generate", PROMPT, *flags, "--prediction-type", "v_prediction").stderr
    assert "note: recognised SDXL Lightning (2 steps, guidance 0, scheduler euler)" in said
    assert "by its name" in said and "v-prediction" not in said


def test_where_the_hub_is_not_reached_the_folder_of_a_configuration_is_asked_for(
    pipes: dict[str, Any], configs: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = single(pipes["sdxl"], tmp_path / "own.safetensors")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "empty"))
    with pytest.raises(ModelError, match=r"stable-diffusion-xl-base-1.0 is neither .* --config"):
        RPGPipeline.from_pretrained(path, device="cpu", local_files_only=True)
    with pytest.raises(ModelError, match="config is for single files"):
        RPGPipeline.from_pretrained(configs["sdxl"], config=configs["sdxl"], device="cpu")
    made = command(
        "generate", PROMPT, "-m", path, "--config", configs["sdxl"], "-o", tmp_path / "own.png",
        "--steps", "2", "--size", "64x64", "--no-session",
    )  # fmt: skip
    assert (tmp_path / "own.png").exists() and "wrote" in made.stdout
