"""LoRAs of one drawing act beside the user's own, which are afterwards exactly as before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import StableDiffusionXLPipeline
from peft import LoraConfig
from peft.tuners.tuners_utils import BaseTunerLayer
from peft.utils import get_peft_model_state_dict
from torch import Tensor

from rpg.diffusion import regional
from rpg.diffusion.adapters import loras
from rpg.errors import ModelError
from tests.diffusion.helpers import assert_close, assert_differ, draw, halves
from tests.tiny import tiny_sdxl

ATTENTION = ("to_q", "to_k", "to_v", "to_out.0")
FEED_FORWARD = ("ff.net.2",)


def lora_file(folder: Path, seed: int, targets: tuple[str, ...] = ATTENTION) -> Path:
    """A LoRA for the tiny UNet and its first text encoder, of random numbers."""
    pipe = tiny_sdxl()
    torch.manual_seed(seed)
    wide = LoraConfig(r=2, init_lora_weights=False, target_modules=list(targets))
    pipe.unet.add_adapter(wide)
    text = LoraConfig(r=2, init_lora_weights=False, target_modules=["q_proj", "v_proj"])
    pipe.text_encoder.add_adapter(text)
    saver: Any = StableDiffusionXLPipeline
    name = f"lora{seed}.safetensors"
    saver.save_lora_weights(
        str(folder),
        unet_lora_layers=get_peft_model_state_dict(pipe.unet),
        text_encoder_lora_layers=get_peft_model_state_dict(pipe.text_encoder),
        weight_name=name,
    )
    return folder / name


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three for the attention, one for layers that the others leave alone."""
    folder = tmp_path_factory.mktemp("loras")
    made = [lora_file(folder, seed) for seed in (1, 2, 3)]
    return [*made, lora_file(folder, 4, FEED_FORWARD)]


def load(pipe: Any, file: Path, name: str) -> None:
    pipe.load_lora_weights(str(file.parent), weight_name=file.name, adapter_name=name)


def layers(pipe: Any) -> Iterator[tuple[str, Any]]:
    for part in ("unet", "text_encoder", "text_encoder_2"):
        for name, module in getattr(pipe, part).named_modules():
            if isinstance(module, BaseTunerLayer):
                yield f"{part}.{name}", module


def state(pipe: Any) -> dict[str, Any]:
    """All that a user can see of the LoRAs in a pipeline, and each module, with its hooks."""
    seen: dict[str, Any] = {"adapters": pipe.get_list_adapters()}
    seen["fused"] = (set(pipe.fused_loras), pipe.num_fused_loras)
    for name, layer in layers(pipe):
        flags = (layer.active_adapters, list(layer.merged_adapters), layer.disable_adapters)
        seen[name] = (flags, list(layer.scaling.items()), list(layer.lora_A))
    for part in ("unet", "text_encoder", "text_encoder_2"):
        model = getattr(pipe, part)
        seen[part] = [
            (name, module, list(module._forward_hooks)) for name, module in model.named_modules()
        ]
        grads = [(name, value.requires_grad) for name, value in model.named_parameters()]
        seen[f"{part} trains"] = grads
        seen[f"{part} config"] = list(getattr(model, "peft_config", {}).items())
    return seen


def weights(pipe: Any) -> list[Tensor]:
    models = (pipe.unet, pipe.text_encoder, pipe.text_encoder_2)
    return [value.clone() for model in models for value in model.state_dict().values()]


def none(pipe: Any, files: list[Path]) -> None:
    pass


def one(pipe: Any, files: list[Path]) -> None:
    """As LCM's and Lightning's are loaded."""
    load(pipe, files[0], "lcm")


def weighted(pipe: Any, files: list[Path]) -> None:
    load(pipe, files[0], "rpg_0")  # a name that we might take
    load(pipe, files[1], "style")
    pipe.set_adapters(["style", "rpg_0"], [0.7, {"unet": {"down": 0.2, "mid": 0.0, "up": 1.3}}])


def one_of_two(pipe: Any, files: list[Path]) -> None:
    load(pipe, files[0], "a")
    load(pipe, files[1], "b")
    pipe.set_adapters("b", 0.4)


def disabled(pipe: Any, files: list[Path]) -> None:
    load(pipe, files[0], "off")
    pipe.disable_lora()


def fused(pipe: Any, files: list[Path]) -> None:
    load(pipe, files[0], "within")
    pipe.fuse_lora(components=["unet", "text_encoder"])


def fused_for_good(pipe: Any, files: list[Path]) -> None:
    fused(pipe, files)
    pipe.unload_lora_weights()


def models_offloaded(pipe: Any, files: list[Path]) -> None:
    one(pipe, files)
    pipe.enable_model_cpu_offload(device="cpu")


def offloaded(pipe: Any, files: list[Path]) -> None:
    one(pipe, files)
    pipe.enable_group_offload(torch.device("cpu"), offload_type="leaf_level")


HELD = [
    none,
    one,
    weighted,
    one_of_two,
    disabled,
    fused,
    fused_for_good,
    offloaded,
    models_offloaded,
]


def regionally(pipe: Any) -> Tensor:
    with regional(pipe, halves(), composer="attention"):
        return draw(pipe)


@pytest.mark.filterwarnings("ignore:Already found a `peft_config`")
@pytest.mark.parametrize("held", HELD)
def test_the_users_own_loras_are_exactly_as_before(
    held: Callable[[Any, list[Path]], None], files: list[Path]
) -> None:
    pipe = tiny_sdxl()
    held(pipe, files)
    fired: list[int] = []
    layer = next(part for name, part in pipe.unet.named_modules() if name.endswith("attn2.to_q"))
    layer.register_forward_hook(lambda *_: fired.append(1))
    drawn = regionally(pipe)  # first, as transformers sets hooks of its own when a model runs
    before, numbers = state(pipe), weights(pipe)
    fired.clear()
    with loras(pipe, [(files[2], 0.8), (files[3], -0.5)]):
        assert_differ(regionally(pipe), drawn)
    assert len(fired) == 2
    assert state(pipe) == before
    assert all(map(torch.equal, weights(pipe), numbers))
    assert torch.equal(regionally(pipe), drawn)


@pytest.mark.filterwarnings("ignore:Already found a `peft_config`")
@pytest.mark.parametrize("held", [weighted, one_of_two])
def test_both_act_as_if_the_user_had_loaded_all(
    held: Callable[[Any, list[Path]], None], files: list[Path]
) -> None:
    """Ours are loaded by hand with the user's weights; a disabled or fused one, see below."""
    pipe, by_hand = tiny_sdxl(), tiny_sdxl()
    held(pipe, files)
    held(by_hand, files)
    scaling = {name: dict(layer.scaling) for name, layer in layers(by_hand)}
    active = by_hand.get_active_adapters()
    load(by_hand, files[2], "ours")
    for name, layer in layers(by_hand):
        layer.set_adapter([*active, "ours"])
        layer.set_scale("ours", 0.8)
        layer.scaling.update(scaling.get(name, {}))
    with loras(pipe, [(files[2], 0.8)]):
        assert_close(regionally(pipe), regionally(by_hand))


@pytest.mark.filterwarnings("ignore:Already found a `peft_config`")
def test_beside_a_disabled_lora_ours_acts_alone_and_beside_a_fused_one_with_it(
    files: list[Path],
) -> None:
    pipes = [tiny_sdxl() for _ in range(4)]
    disabled(pipes[0], files)
    fused(pipes[2], files)
    fused_for_good(pipes[3], files)
    drawn = []
    for pipe in pipes:
        with loras(pipe, [(files[2], 0.8)]):
            drawn.append(regionally(pipe))
    assert_close(drawn[0], drawn[1])
    assert_close(drawn[2], drawn[3])
    assert_differ(drawn[1], drawn[2])


@pytest.mark.filterwarnings("ignore:Already found a `peft_config`")
def test_a_failure_leaves_the_users_own_alone(files: list[Path], tmp_path: Path) -> None:
    pipe = tiny_sdxl()
    weighted(pipe, files)
    before = state(pipe)
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"nothing of the kind")
    with pytest.raises(ModelError, match="broken"), loras(pipe, [(files[2], 1), (broken, 1)]):
        pass
    assert state(pipe) == before
    with pytest.raises(KeyError), loras(pipe, [(files[2], 1)]):
        raise KeyError
    assert state(pipe) == before


@pytest.mark.filterwarnings("ignore:Already found a `peft_config`")
def test_what_the_user_does_meanwhile_stays(files: list[Path]) -> None:
    pipe, by_hand = tiny_sdxl(), tiny_sdxl()
    for each in (pipe, by_hand):
        load(each, files[0], "a")
    with loras(pipe, [(files[2], 1)]):
        load(pipe, files[3], "b")
        pipe.set_adapters(["a", "b"], [0.5, 2.0])
    load(by_hand, files[3], "b")
    by_hand.set_adapters(["a", "b"], [0.5, 2.0])
    assert pipe.get_list_adapters() == by_hand.get_list_adapters()
    names = [[name for name, _ in one.unet.named_modules()] for one in (pipe, by_hand)]
    assert names[0] == names[1]
    assert torch.equal(regionally(pipe), regionally(by_hand))
    with loras(pipe, [(files[2], 1)]):
        pipe.disable_lora()
    by_hand.disable_lora()
    assert torch.equal(regionally(pipe), regionally(by_hand))


def test_two_contexts_within_each_other(files: list[Path]) -> None:
    pipe = tiny_sdxl()
    plain = regionally(pipe)
    with loras(pipe, [(files[0], 1)]):
        outer = regionally(pipe)
        with loras(pipe, [(files[2], 1)]):
            assert_differ(regionally(pipe), outer)
        assert torch.equal(regionally(pipe), outer)
    assert torch.equal(regionally(pipe), plain)
