"""LoRAs that act in one region, under every composer, and leave the pipeline as it was."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers.models.attention_processor import AttnProcessor2_0
from peft import LoraConfig
from peft.tuners.tuners_utils import BaseTunerLayer
from peft.utils import get_peft_model_state_dict
from safetensors.torch import load_file, save_file
from torch import Tensor

from rpg.diffusion import regional
from rpg.errors import ModelError, RPGError, SettingsError
from rpg.plans.geometry import Box
from rpg.plans.plan import Plan, Region
from tests.diffusion.helpers import (
    BASE,
    assert_close,
    assert_differ,
    draw,
    halves,
    plan_of,
    whole,
)
from tests.diffusion.test_hooks import leaf_offload, model_offload, sequential_offload
from tests.tiny import tiny_sd15, tiny_sdxl

COMPOSERS = pytest.mark.parametrize("composer", ["attention", "latent", "latent+attention"])
MAKERS = pytest.mark.parametrize("make", [tiny_sdxl, tiny_sd15])
EVERYWHERE = ("to_q", "attn2.to_k", "attn2.to_v", "to_out.0", "proj_in", "conv1", "conv_out")
TEXTS = ("q_proj", "v_proj", "fc1")


def lora_file(
    folder: Path,
    make: Callable[[], Any],
    name: str = "lora",
    *,
    unet: tuple[str, ...] = EVERYWHERE,
    texts: tuple[str, ...] = TEXTS,
    pooled: bool = False,
    **words: Any,
) -> Path:
    """A LoRA of random numbers for a tiny model, as diffusers writes one.

    Args:
        folder: where the file goes.
        make: the model.
        name: of the file.
        unet: its layers.
        texts: likewise those of the text encoder.
        pooled: whether of the second, too, which makes the pooled embedding.
        words: of the LoRA.
    """
    torch.manual_seed(len(name))
    file = folder / f"{name}-{len(list(folder.iterdir()))}.safetensors"
    pipe, layers = make(), {}
    second = texts if pooled else ()
    for model, targets in (("unet", unet), ("text_encoder", texts), ("text_encoder_2", second)):
        if targets and hasattr(pipe, model):
            config = LoraConfig(r=2, init_lora_weights=False, target_modules=list(targets), **words)
            getattr(pipe, model).add_adapter(config)
            layers[f"{model}_lora_layers"] = get_peft_model_state_dict(getattr(pipe, model))
    pipe.save_lora_weights(str(folder), weight_name=file.name, **layers)
    return file


@pytest.fixture(scope="module")
def lora(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """As `lora_file`, in a folder of the module's; equal files are made once."""
    return cache(partial(lora_file, tmp_path_factory.mktemp("loras")))


def load(pipe: Any, file: Path, name: str) -> None:
    """As a user does, who is warned of a second one."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Already found a `peft_config`")
        pipe.load_lora_weights(str(file.parent), weight_name=file.name, adapter_name=name)


def regionally(
    pipe: Any,
    plan: Plan,
    loras: Any,
    composer: Any = "attention",
    base_ratio: float = 0.0,
    **words: Any,
) -> Tensor:
    """Drawn without a base prompt, if not asked for, as that has no region."""
    with regional(pipe, plan, composer=composer, base_ratio=base_ratio, region_loras=loras):
        return draw(pipe, **words)


@MAKERS
@COMPOSERS
def test_over_the_whole_canvas_it_is_a_loaded_lora(make: Any, composer: Any, lora: Any) -> None:
    """Under attention but for the pooled embedding, which is the base prompt's."""
    file, stock = lora(make, pooled=composer == "latent"), make()
    load(stock, file, "one")
    stock.set_adapters(["one"], [0.7])
    call: dict[str, Any] = {"negative_prompt": "grey fog"}
    expected = draw(stock, **call)
    assert_differ(expected, draw(make(), **call))
    assert_close(regionally(make(), whole(), {"all": [(file, 0.7)]}, composer, **call), expected)


def test_among_windows_that_share_a_negative(lora: Any) -> None:
    """What is told to the whole canvas in one pass hears each region's LoRA in its cells."""
    file, stock, pipe = lora(tiny_sd15), tiny_sd15(), tiny_sd15()
    load(stock, file, "one")
    sides = halves(BASE, BASE)
    words: dict[str, Any] = {"composer": "latent+attention", "share": 0.4, "window": 64}
    loras = {"left": [(file, 1.0)], "right": [(file, 1.0)]}
    with regional(pipe, sides, base_ratio=0.0, region_loras=loras, **words):
        drawn = draw(pipe, negative_prompt="grey fog", num_inference_steps=4)
    expected = draw(stock, negative_prompt="grey fog", num_inference_steps=4)
    assert_close(drawn, expected)


@pytest.mark.parametrize("guidance", [1.0, 5.0], ids=["tokens sorted", "tokens in order"])
def test_in_all_regions_it_is_a_loaded_lora(guidance: float, lora: Any) -> None:
    file, stock = lora(tiny_sdxl), tiny_sdxl()
    load(stock, file, "one")
    corner = Region(id="corner", prompt=BASE, box=Box(0.25, 0.5, 1, 1))
    plan = plan_of(Region(id="rest", prompt=BASE, box=Box(0, 0, 1, 1)), corner)
    loras = {"corner": [(str(file), 1.0)], 1: [(str(file), 1.0)]}
    drawn = regionally(tiny_sdxl(), plan, loras, guidance_scale=guidance)
    assert_close(drawn, draw(stock, guidance_scale=guidance))


class InOrder(AttnProcessor2_0):  # type: ignore[misc]
    """Not one of those that are known to mind no order."""


def test_sorted_tokens_are_those_of_its_region(lora: Any) -> None:
    pipe, loras = tiny_sdxl(), {"right": [(lora(tiny_sdxl), 1.0)]}
    drawn = regionally(pipe, halves(), loras, guidance_scale=1.0)
    pipe.unet.set_attn_processor(InOrder())
    assert_close(regionally(pipe, halves(), loras, guidance_scale=1.0), drawn)


@pytest.mark.parametrize("composer", ["attention", "latent"])
def test_layers_over_the_canvas_change_in_its_region_alone(composer: Any, lora: Any) -> None:
    """The last layer, after which nothing mixes cells."""
    file = lora(tiny_sdxl, unet=("conv_out",), texts=())
    call = {"num_inference_steps": 1}
    pipe = tiny_sdxl()
    one, other = (
        regionally(pipe, halves(), {"right": [(file, weight)]}, composer, **call)
        for weight in (1.0, -2.0)
    )
    assert torch.equal(one[..., :8], other[..., :8])
    assert float((one - other)[..., 8:].abs().amax(1).min()) > 0


def heard(pipe: Any, plan: Plan, loras: Any) -> Tensor:
    """What the first cross-attention layer says in one step, (2, rows, columns, C)."""
    said: list[Tensor] = []
    layer = pipe.unet.down_blocks[0].attentions[0].transformer_blocks[0].attn2
    handle = layer.register_forward_hook(lambda module, args, out: said.append(out))
    regionally(pipe, plan, loras, num_inference_steps=1)
    handle.remove()
    return said[0].view(2, 16, 16, -1)


@pytest.mark.parametrize(
    ("unet", "texts"), [(("attn2.to_k", "attn2.to_v"), ()), ((), TEXTS)], ids=["keys", "encoder"]
)
def test_texts_change_in_its_region_alone(unet: Any, texts: Any, lora: Any) -> None:
    """With guidance in both halves of the batch."""
    file = lora(tiny_sdxl, unet=unet, texts=texts)
    pipe = tiny_sdxl()
    without = heard_by_place(pipe, None)
    drawn = heard_by_place(pipe, {"right": [(file, 1.0)]})
    assert torch.equal(drawn[:, :, :8], without[:, :, :8])
    assert float((drawn - without)[:, :, 8:].abs().amax(-1).min()) > 0


def heard_by_place(pipe: Any, loras: Any) -> Tensor:
    """Likewise, in the picture's order: a negative of a region's own keeps tokens unsorted."""
    left = Region(id="left", prompt="red star", box=Box(0, 0, 0.5, 1), negative="fog")
    right = Region(id="right", prompt="blue moon", box=Box(0.5, 0, 1, 1), negative="fog")
    return heard(pipe, plan_of(left, right), loras)


def test_tokens_change_in_its_region_alone(lora: Any) -> None:
    """The first layer over tokens, as the next one hears it."""
    said: list[Tensor] = []
    pipe, file = tiny_sdxl(), lora(tiny_sdxl, unet=("proj_in",), texts=())
    block = pipe.unet.down_blocks[0].attentions[0].transformer_blocks[0]
    block.register_forward_pre_hook(lambda module, args: said.append(args[0]))
    for weight in (0.5, -2.0):
        regionally(pipe, halves(), {"right": [(file, weight)]}, num_inference_steps=1)
    one, other = (states.view(2, 16, 16, -1) for states in said)
    assert torch.equal(one[:, :, :8], other[:, :, :8])
    assert float((one - other)[:, :, 8:].abs().amax(-1).min()) > 0


def test_under_latents_far_cells_do_not_change_in_the_first_step(lora: Any) -> None:
    """The base prompt's pass has no region, and so no LoRA."""
    file = lora(tiny_sdxl)
    pipe = tiny_sdxl()
    without, drawn = (
        regionally(pipe, halves(), loras, "latent", 0.4, num_inference_steps=1)
        for loras in (None, {"a blue moon": [(file, 1.0)]})
    )
    assert torch.equal(drawn[..., :8], without[..., :8])
    assert_differ(drawn[..., 8:], without[..., 8:])


@COMPOSERS
def test_weight_zero_is_none(composer: Any, lora: Any) -> None:
    file = lora(tiny_sdxl)
    without = regionally(tiny_sdxl(), halves(), None, composer)
    assert torch.equal(regionally(tiny_sdxl(), halves(), {2: [(file, 0)]}, composer), without)


def test_several_of_one_region_add_up(lora: Any) -> None:
    one, two = lora(tiny_sd15), lora(tiny_sd15, "other")
    stock = tiny_sd15()
    load(stock, one, "lora")
    load(stock, two, "other")
    stock.set_adapters(["lora", "other"], [0.5, -0.4])
    drawn = regionally(tiny_sd15(), whole(), {"all": [(one, 0.5), (two, -0.4)]})
    assert_close(drawn, draw(stock))


def lora_state(pipe: Any) -> Any:
    """All that somebody may see of the LoRAs in a pipeline, and of hooks on its layers."""
    models = {name: one for name, one in pipe.components.items() if hasattr(one, "named_modules")}
    layers = [
        (name, path, layer) for name, one in models.items() for path, layer in one.named_modules()
    ]
    return (
        pipe.get_list_adapters(),
        [(path, len(layer._forward_hooks), type(layer)) for _, path, layer in layers],
        [
            (path, list(layer.active_adapters), dict(layer.scaling), layer.disable_adapters)
            for _, path, layer in layers
            if isinstance(layer, BaseTunerLayer)
        ],
        {
            f"{name}.{key}": float(value.double().sum())
            for name, one in models.items()
            for key, value in one.state_dict().items()
        },
    )


def test_loaded_loras_act_beside_it_and_stay_as_they_are(lora: Any) -> None:
    """In a step of latents and one of attention."""
    composer: Any = "latent+attention"
    file, user = lora(tiny_sdxl), lora(tiny_sdxl, "users")
    pipe, both = tiny_sdxl(), tiny_sdxl()
    for one in (pipe, both):
        load(one, user, "users")
        load(one, user, "idle")
        one.set_adapters(["users"], [0.6])
    load(both, file, "region")
    both.set_adapters(["users", "region"], [0.6, 0.8])
    before = draw(pipe)  # first: the text encoders' own library puts hooks on them meanwhile
    state = lora_state(pipe)
    drawn = regionally(pipe, whole(), {"all": [(file, 0.8)]}, composer)
    assert_close(drawn, draw(both))
    assert lora_state(pipe) == state
    with pytest.raises(ZeroDivisionError):
        with regional(pipe, halves(), composer=composer, region_loras={"left": [(file, 1.0)]}):
            draw(pipe, callback_on_step_end=lambda *_: 1 / 0)
    assert lora_state(pipe) == state
    assert torch.equal(draw(pipe), before)


def test_loaded_loras_may_be_unloaded_within(lora: Any) -> None:
    file, pipe = lora(tiny_sdxl), tiny_sdxl()
    loras = {"left": [(file, 1.0)]}
    load(pipe, lora(tiny_sdxl, "users"), "users")
    with regional(pipe, halves(), composer="attention", base_ratio=0.0, region_loras=loras):
        pipe.unload_lora_weights()
        assert_close(draw(pipe), regionally(tiny_sdxl(), halves(), loras))


def test_a_loaded_lora_by_its_name(lora: Any) -> None:
    file = lora(tiny_sdxl)
    expected = regionally(tiny_sdxl(), halves(), {"left": [(file, 0.5)]})
    pipe = tiny_sdxl()
    load(pipe, file, "mine")
    pipe.set_adapters(["mine"], [3.0])
    with pytest.raises(ModelError, match="^the LoRA mine acts on the whole canvas already"):
        regionally(pipe, halves(), {"left": [("mine", 0.5)]})
    pipe.disable_lora()
    draw(pipe)
    state = lora_state(pipe)
    assert_close(regionally(pipe, halves(), {"left": [("mine", 0.5)]}), expected)
    assert lora_state(pipe) == state


@pytest.mark.parametrize("offload", [model_offload, sequential_offload, leaf_offload])
def test_offloading_over_two_calls(offload: Callable[[Any], None], lora: Any) -> None:
    file = lora(tiny_sdxl)
    expected = regionally(tiny_sdxl(), halves(), {"left": [(file, 1.0)]})
    pipe = tiny_sdxl()
    offload(pipe)
    with regional(
        pipe, halves(), composer="attention", base_ratio=0.0, region_loras={"left": [(file, 1.0)]}
    ):
        for _ in range(2):
            assert_close(draw(pipe), expected)


def test_files_of_the_other_trainers_form(lora: Any, tmp_path: Path) -> None:
    """kohya's names, with an alpha for each layer."""
    file = lora(tiny_sd15, unet=("to_q", "to_k"), texts=())
    weights = {}
    for key, value in load_file(file).items():
        path, part = key.removeprefix("unet.").split(".lora_")
        name = "lora_unet_" + path.replace(".", "_")
        weights[f"{name}.lora_{'down' if part[0] == 'A' else 'up'}.weight"] = value
        weights[f"{name}.alpha"] = torch.tensor(1.0)  # of rank 2: half as strong
    save_file(weights, tmp_path / "kohya.safetensors")
    drawn = regionally(tiny_sd15(), halves(), {"left": [(tmp_path / "kohya.safetensors", 2.0)]})
    assert_close(drawn, regionally(tiny_sd15(), halves(), {"left": [(file, 1.0)]}))


def refusal(pipe: Any, loras: Any, kind: type[RPGError], plan: Any = None) -> str:
    """Why it cannot be, before anything is encoded."""
    asked: list[Any] = []
    pipe.text_encoder.register_forward_hook(lambda *_: asked.append(1))
    state = lora_state(pipe)
    with pytest.raises(kind) as caught:
        with regional(pipe, plan or halves(), region_loras=loras):
            draw(pipe)
    assert not asked and lora_state(pipe) == state
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_cannot_be_is_said_before_the_first_step(lora: Any, tmp_path: Path) -> None:
    file, pipe = lora(tiny_sdxl), tiny_sdxl()
    said = refusal(pipe, {"middle": [(file, 1.0)]}, SettingsError)
    assert said == "no region 'middle'; there are: 1 'left' (red star), 2 'right' (blue moon)"
    assert "twice" in refusal(pipe, {"left": [(file, 1)], 1: [(file, 1)]}, SettingsError)
    assert "one plan" in refusal(pipe, {1: [(file, 1)]}, SettingsError, [halves(), halves()])
    for wrong in ([], file, [file], [(file, "much")], [(file, float("nan"))]):
        assert "list of" in refusal(pipe, {"left": wrong}, SettingsError)
    assert "neither a file nor" in refusal(pipe, {"left": [("gone", 1.0)]}, ModelError)
    other = lora(tiny_sd15, "small")
    said = refusal(pipe, {"left": [(other, 1.0)]}, ModelError)
    assert said.startswith(f"cannot load the LoRA {other.stem}, which may be made for another kind")
    save_file({"decoder.up.0.weight": torch.zeros(1)}, tmp_path / "vae.safetensors")
    said = refusal(pipe, {"left": [(tmp_path / "vae.safetensors", 1.0)]}, ModelError)
    assert said == "the LoRA vae is a VAE and no LoRA"
    special = lora(tiny_sdxl, "dora", use_dora=True, texts=())
    assert "no DoRA" in refusal(pipe, {"left": [(special, 1.0)]}, ModelError)
    pipe.unet.mid_block._compiled_call_impl = pipe.unet.mid_block._call_impl  # as compiled
    assert "compil" in refusal(pipe, {"left": [(file, 1.0)]}, ModelError)
