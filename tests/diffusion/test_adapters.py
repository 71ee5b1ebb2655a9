"""LoRA and IP-Adapter act under regions, and leave no trace when they are gone."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from peft import LoraConfig
from torch import Tensor

from rpg.diffusion import regional
from rpg.diffusion.attention import cross_attention_layers
from rpg.plans.plan import Plan
from tests.diffusion.helpers import assert_close, assert_differ, draw, halves, split, whole
from tests.tiny import tiny_sd15, tiny_sdxl

COMPOSERS = pytest.mark.parametrize("composer", ["attention", "latent", "latent+attention"])
MAKERS = pytest.mark.parametrize("make", [tiny_sdxl, tiny_sd15])
CLIP = 8  # width of the image embeddings
PATCHES = 4  # tokens of an image prompt


def add_lora(pipe: Any) -> None:
    torch.manual_seed(5)
    targets = ["to_q", "to_k", "to_v", "to_out.0"]
    pipe.unet.add_adapter(LoraConfig(r=2, init_lora_weights=False, target_modules=targets))


def add_ip_adapter(pipe: Any, count: int = 1) -> None:
    pipe.load_ip_adapter(
        [ip_weights(pipe, seed) for seed in range(count)],
        subfolder=[""] * count,
        weight_name=[""] * count,
        image_encoder_folder=None,
    )
    pipe.set_ip_adapter_scale([0.8] * count)


def ip_weights(pipe: Any, seed: int) -> dict[str, dict[str, Tensor]]:
    """An IP-Adapter's file for this UNet, of random numbers."""
    generator = torch.Generator().manual_seed(seed)

    def noise(*shape: int) -> Tensor:
        scale: float = shape[-1] ** -0.5
        return torch.randn(*shape, generator=generator) * scale

    width = pipe.unet.config.cross_attention_dim
    projection = {
        "proj.weight": noise(PATCHES * width, CLIP),
        "proj.bias": noise(PATCHES * width),
        "norm.weight": torch.ones(width),
        "norm.bias": torch.zeros(width),
    }
    layers = {}
    for index, layer in enumerate(cross_attention_layers(pipe.unet)):
        for part in ("k", "v"):
            shape = (layer.to_q.out_features, width)
            layers[f"{2 * index + 1}.to_{part}_ip.weight"] = 2 * noise(*shape)
    return {"image_proj": projection, "ip_adapter": layers}


def reference(seed: int, pictures: int = 1) -> Tensor:
    """Embeddings of the reference pictures, none of them first as guidance needs it."""
    seen = torch.randn(1, pictures, CLIP, generator=torch.Generator().manual_seed(seed))
    return torch.cat([torch.zeros_like(seen), seen])


def regionally(pipe: Any, plan: Plan, composer: Any, **words: Any) -> Tensor:
    with regional(pipe, plan, composer=composer):
        return draw(pipe, **words)


@MAKERS
@COMPOSERS
def test_lora_acts_and_goes(make: Any, composer: Any) -> None:
    pipe = make()
    without = regionally(pipe, halves(), composer)
    add_lora(pipe)
    active = regionally(pipe, halves(), composer)
    assert_differ(active, without)
    assert_close(regionally(pipe, whole(), composer), draw(pipe))
    half = regionally(pipe, halves(), composer, cross_attention_kwargs={"scale": 0.5})
    assert_differ(half, active)
    assert_close(
        regionally(pipe, halves(), composer, cross_attention_kwargs={"scale": 0.0}), without
    )
    pipe.fuse_lora()
    assert_close(regionally(pipe, halves(), composer), active)
    pipe.unfuse_lora()
    pipe.unload_lora_weights()
    assert_close(regionally(pipe, halves(), composer), without)


def test_lora_removed_between_two_calls_of_one_context() -> None:
    """Keys and values are an image's, not a context's."""
    pipe = tiny_sdxl()
    without = regionally(pipe, halves(), "attention")
    add_lora(pipe)
    with regional(pipe, halves(), composer="attention"):
        assert_differ(draw(pipe), without)
        pipe.disable_lora()
        assert_close(draw(pipe), without)


@MAKERS
@COMPOSERS
def test_ip_adapter_acts_and_goes(make: Any, composer: Any) -> None:
    pipe = make()
    without = regionally(pipe, split("1,2"), composer)
    add_ip_adapter(pipe)
    processors = list(pipe.unet.attn_processors.values())
    call = {"ip_adapter_image_embeds": [reference(1)]}
    active = regionally(pipe, split("1,2"), composer, **call)
    assert_differ(active, without)
    assert_differ(
        active, regionally(pipe, split("1,2"), composer, ip_adapter_image_embeds=[reference(2)])
    )
    assert_close(regionally(pipe, whole(), composer, **call), draw(pipe, **call))
    after = list(pipe.unet.attn_processors.values())
    assert all(one is other for one, other in zip(after, processors, strict=True))
    pipe.unload_ip_adapter()
    assert torch.equal(regionally(pipe, split("1,2"), composer), without)


@COMPOSERS
def test_two_ip_adapters_with_masks(composer: Any) -> None:
    """Over one whole region every mask falls where the stock processors put it."""
    pipe = tiny_sdxl()
    add_ip_adapter(pipe, 2)
    left = torch.zeros(1, 2, 64, 64)
    left[:, 0, :, :32], left[:, 1, 32:] = 1, 1
    call = {
        "ip_adapter_image_embeds": [reference(1, 2), reference(2)],
        "cross_attention_kwargs": {"ip_adapter_masks": [left, torch.ones(1, 1, 64, 64)]},
    }
    masked = draw(pipe, **call)
    assert_close(regionally(pipe, whole(), composer, **call), masked)
    assert_differ(masked, draw(pipe, ip_adapter_image_embeds=[reference(1, 2), reference(2)]))


def test_masks_are_cut_with_the_crops() -> None:
    """A picture masked to the right half says nothing to a crop of the left, in the first step."""
    pipe = tiny_sdxl()
    add_ip_adapter(pipe)
    right = torch.zeros(1, 1, 64, 64)
    right[..., 32:] = 1
    drawn = [draw_masked(pipe, {"ip_adapter_masks": [right]}, reference(seed)) for seed in (1, 2)]
    assert_close(drawn[0][..., :6], drawn[1][..., :6])
    assert_differ(drawn[0][..., 8:], drawn[1][..., 8:])


def draw_masked(pipe: Any, masks: dict[str, Any], image: Tensor) -> Tensor:
    with regional(pipe, halves(), composer="latent", window=0, base_ratio=0):
        return draw(
            pipe,
            num_inference_steps=1,
            ip_adapter_image_embeds=[image],
            cross_attention_kwargs=masks,
        )


@COMPOSERS
def test_ip_adapter_scale_set_within_the_context(composer: Any) -> None:
    """As diffusers' IPAdapterScaleCutoffCallback does."""
    pipe = tiny_sdxl()
    add_ip_adapter(pipe)

    def cut(pipe: Any, step: int, timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        pipe.set_ip_adapter_scale(0.0)
        return {}

    call = {"ip_adapter_image_embeds": [reference(1)], "num_inference_steps": 3}
    full = regionally(pipe, halves(), composer, **call)
    assert_differ(regionally(pipe, halves(), composer, **call, callback_on_step_end=cut), full)
    pipe.set_ip_adapter_scale(0.8)
    assert torch.equal(regionally(pipe, halves(), composer, **call), full)


def test_an_adapters_weights_stay_part_of_the_unet() -> None:
    """So that moving or offloading the UNet within the context moves them too."""
    pipe = tiny_sdxl()
    add_ip_adapter(pipe)
    before = {id(parameter) for parameter in pipe.unet.parameters()}
    with regional(pipe, halves()):
        assert {id(parameter) for parameter in pipe.unet.parameters()} == before
    assert {id(parameter) for parameter in pipe.unet.parameters()} == before
