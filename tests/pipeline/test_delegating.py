"""What diffusers' users reach for: answered by the pipeline held, and seen by the next call."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import diffusers
import pytest
import torch
from peft import LoraConfig
from peft.utils import get_peft_model_state_dict

from rpg.defaults import FAMILIES, of_model
from rpg.pipeline import RPGPipeline
from rpg.toybox import weights_path
from tests.pipeline.helpers import PROMPT, HalvesPlanner, called, same
from tests.tiny import tiny_sd15, tiny_sdxl

_library: Any = diffusers


@pytest.fixture
def rpg() -> RPGPipeline:
    """With a model of its own, which these tests change."""
    return RPGPipeline.from_pipe(tiny_sdxl(), planner=HalvesPlanner())


@pytest.fixture
def lora(tmp_path: Path) -> Path:
    pipe = tiny_sdxl()
    torch.manual_seed(5)
    pipe.unet.add_adapter(LoraConfig(r=2, init_lora_weights=False, target_modules=["to_q"]))
    layers = get_peft_model_state_dict(pipe.unet)
    name = "style.safetensors"
    pipe.save_lora_weights(str(tmp_path), unet_lora_layers=layers, weight_name=name)
    return tmp_path / name


def test_parts_and_places_are_those_of_the_pipeline(rpg: RPGPipeline) -> None:
    pipe = rpg.pipe
    assert rpg.components == pipe.components
    assert (rpg.unet, rpg.vae, rpg.scheduler) == (pipe.unet, pipe.vae, pipe.scheduler)
    assert (rpg.device, rpg.dtype) == (torch.device("cpu"), torch.float32)
    assert rpg.to(torch.bfloat16) is rpg and rpg.dtype is pipe.unet.dtype is torch.bfloat16
    assert not hasattr(rpg, "transformer")
    rpg.set_progress_bar_config(disable=True, leave=False)
    assert pipe._progress_bar_config == {"disable": True, "leave": False}


def test_a_scheduler_that_is_set_draws_and_is_recorded(rpg: RPGPipeline) -> None:
    asked = called(rpg, PROMPT, seed=1, scheduler="ddim")
    rpg.defaults = rpg.defaults.model_copy(update={"scheduler": "euler-a"})
    rpg.scheduler = _library.DDIMScheduler.from_config(rpg.scheduler.config)
    output = called(rpg, PROMPT, seed=1)
    assert output.records[0].settings.scheduler == "ddim"
    assert same(output.images[0], asked.images[0])
    again = rpg(plan=output.plans[0], settings=output.records[0].settings)
    assert same(again.images[0], output.images[0])


def test_loras_act_and_are_recorded_until_they_are_gone(rpg: RPGPipeline, lora: Path) -> None:
    plain = called(rpg, PROMPT, seed=1)
    rpg.load_lora_weights(lora.parent, weight_name=lora.name, adapter_name="style")
    full = called(rpg, PROMPT, seed=1)
    rpg.set_adapters(["style"], [0.0])
    assert same(called(rpg, PROMPT, seed=1).images[0], plain.images[0])
    rpg.set_adapters("style")
    rpg.fuse_lora(components=["unet"])
    fused = called(rpg, PROMPT, seed=1)
    assert not same(full.images[0], plain.images[0])
    assert same(fused.images[0], full.images[0], tolerance=1)
    assert full.records[0].needs == fused.records[0].needs == ("lora",)
    rpg.unfuse_lora(components=["unet"])
    rpg.unload_lora_weights()
    bare = called(rpg, PROMPT, seed=1)
    assert same(bare.images[0], plain.images[0], tolerance=1) and bare.records[0].needs == ()


def test_a_lora_fused_for_good_is_still_recorded(rpg: RPGPipeline, lora: Path) -> None:
    rpg.load_lora_weights(lora.parent, weight_name=lora.name)
    rpg.fuse_lora()
    rpg.unload_lora_weights()
    assert called(rpg, PROMPT, seed=1).records[0].needs == ("lora",)
    image = called(rpg, PROMPT, seed=1).images[0]
    edited = rpg(PROMPT, image=image, strength=0.9, num_inference_steps=3)
    assert edited.records[0].needs == ("image", "lora")


@pytest.mark.parametrize("make", [tiny_sdxl, tiny_sd15])
def test_a_saved_model_comes_back_with_its_own_values(make: Any, tmp_path: Path) -> None:
    rpg = RPGPipeline.from_pipe(make(), planner=HalvesPlanner())
    sizes = {"width": 32, "height": 32, "num_inference_steps": 3}
    rpg.defaults = rpg.defaults.model_copy(update={**sizes, "scheduler": "euler-a"})
    rpg.save_pretrained(tmp_path)
    assert json.loads((tmp_path / "rpg.json").read_text()) == {**sizes, "scheduler": "euler-a"}
    back = RPGPipeline.from_pretrained(tmp_path, planner=HalvesPlanner(), device="cpu")
    back.set_progress_bar_config(disable=True)
    assert back.defaults == rpg.defaults
    assert same(back(PROMPT, seed=1).images[0], rpg(PROMPT, seed=1).images[0])


def test_a_model_without_values_of_its_own_leaves_none(rpg: RPGPipeline, tmp_path: Path) -> None:
    rpg.save_pretrained(tmp_path / "new")
    assert not (tmp_path / "new/rpg.json").exists()
    (tmp_path / "rpg.json").write_text('{"width": 64}')  # of another model, saved there before
    rpg.save_pretrained(tmp_path)
    assert of_model(tmp_path, "sdxl") == FAMILIES["sdxl"]


def test_toyboxs_own_values_are_those_of_its_file() -> None:
    folder = weights_path()
    said = json.loads((folder / "rpg.json").read_text())
    assert of_model(folder, "sdxl").own("sdxl").items() <= said.items()


@pytest.mark.parametrize(
    ("name", "given", "handed"),
    [
        ("enable_model_cpu_offload", (1,), (1, None)),
        ("enable_sequential_cpu_offload", (None, "cuda"), (None, "cuda")),
        ("enable_group_offload", ("cuda",), ("cuda",)),
    ],
)
def test_offloading_is_the_pipelines(
    rpg: RPGPipeline,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    given: tuple[Any, ...],
    handed: tuple[Any, ...],
) -> None:
    seen = []
    monkeypatch.setattr(type(rpg.pipe), name, lambda _, *words: seen.append(words))
    getattr(rpg, name)(*given)
    assert seen == [handed]


def test_attention_in_slices_draws_the_same(rpg: RPGPipeline) -> None:
    whole = called(rpg, PROMPT, seed=1, end=0.5)
    rpg.enable_attention_slicing()
    assert same(called(rpg, PROMPT, seed=1, end=0.5).images[0], whole.images[0], tolerance=1)
    rpg.disable_attention_slicing()
    assert same(called(rpg, PROMPT, seed=1, end=0.5).images[0], whole.images[0])
