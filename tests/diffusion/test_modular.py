"""Regions in modular pipelines: the classic pipeline's picture, and any guider."""

from __future__ import annotations

from typing import Any

import diffusers
import pytest
import torch
from diffusers.modular_pipelines.stable_diffusion_xl.modular_blocks_stable_diffusion_xl import (
    StableDiffusionXLAutoBlocks,
    StableDiffusionXLDecodeStep,
)
from torch import Tensor

from rpg.diffusion import load_pipeline, regional
from rpg.diffusion.modular import regional_blocks
from rpg.errors import ModelError, SettingsError
from rpg.plans.geometry import Box
from rpg.plans.plan import Plan, Region
from rpg.toybox import weights_path
from rpg.toybox.detector import detect
from tests.diffusion.helpers import BASE, assert_close, assert_differ, draw, halves, split, whole
from tests.tiny import tiny_controlnet, tiny_sdxl

COMPOSERS = pytest.mark.parametrize("composer", ["attention", "latent", "latent+attention"])
_library: Any = diffusers
PERTURBED = {
    "indices": [0],
    "fqn": "mid_block.attentions.0.transformer_blocks",
    "skip_attention": False,
    "skip_attention_scores": True,
    "skip_ff": False,
}


def perturbing(scale: float) -> Any:
    """Perturbed-attention guidance in the UNet's middle, from its second step on."""
    return _library.PerturbedAttentionGuidance(
        guidance_scale=7.0,
        perturbed_guidance_scale=scale,
        perturbed_guidance_start=0.0,
        perturbed_guidance_stop=1.0,
        perturbed_guidance_config=PERTURBED,
    )


GUIDERS = {
    "cfg": _library.ClassifierFreeGuidance(guidance_scale=7.0),
    "apg": _library.AdaptiveProjectedGuidance(guidance_scale=7.0),
    "pag": perturbing(1.0),
}


def modular(stock: Any, guider: Any = None) -> Any:
    """A modular pipeline that draws regions, over the components of a classic one."""
    pipe = regional_blocks(StableDiffusionXLAutoBlocks()).init_pipeline()
    held = {name: part for name, part in stock.components.items() if part is not None}
    pipe.update_components(**{name: held[name] for name in pipe.component_names if name in held})
    pipe.register_to_config(force_zeros_for_empty_prompt=stock.config.force_zeros_for_empty_prompt)
    pipe.update_components(guider=guider or _library.ClassifierFreeGuidance(guidance_scale=5.0))
    pipe.set_progress_bar_config(disable=True)
    return pipe


def drawn(pipe: Any, plan: Plan | list[Plan] | None, **words: Any) -> Tensor:
    """As `draw` does it."""
    asked: dict[str, Any] = {
        "prompt": BASE,
        "num_inference_steps": 2,
        "height": 64,
        "width": 64,
        "generator": torch.Generator().manual_seed(0),
        "output": "latents",
    }
    latents: Tensor = pipe(plan=plan, **(asked | words))
    return latents


def own_negative() -> Plan:
    plan = split("1,2,1;2,1,3", base_ratio=0.3)
    first = plan.regions[0].model_copy(update={"negative": "a dog"})
    return plan.model_copy(update={"regions": (first, *plan.regions[1:])})


@COMPOSERS
@pytest.mark.parametrize("plan", [halves(), own_negative()], ids=["two", "negatives"])
def test_under_the_usual_guidance_it_is_the_classic_picture(composer: Any, plan: Plan) -> None:
    """The branches in two batches there, in one here."""
    stock = tiny_sdxl()
    call = {"negative_prompt": "a blur", "num_inference_steps": 4}
    with regional(stock, plan, composer=composer, feather=0.1):
        expected = draw(stock, **call)
    pipe = modular(stock)
    assert_close(drawn(pipe, plan, composer=composer, feather=0.1, **call), expected)
    assert_differ(drawn(pipe, None, **call), expected)


@COMPOSERS
@pytest.mark.parametrize("guider", GUIDERS)
def test_one_region_with_the_base_prompt_is_the_plain_pipeline(guider: str, composer: Any) -> None:
    pipe = modular(tiny_sdxl(), GUIDERS[guider])
    steps = {"num_inference_steps": 3}
    assert_close(drawn(pipe, whole(), composer=composer, **steps), drawn(pipe, None, **steps), 5e-5)


@pytest.mark.parametrize("guider", GUIDERS)
def test_identical_regions_are_one(guider: str) -> None:
    pipe = modular(tiny_sdxl(), GUIDERS[guider])
    boxes = [region.box for region in split("1,2,1;2,1,3").regions]
    many = tuple(Region(id=str(i), prompt="red star", box=box) for i, box in enumerate(boxes))
    one = drawn(pipe, whole("red star"), composer="attention")
    plan = Plan(prompt=BASE, regions=many)
    assert_close(drawn(pipe, plan, composer="attention"), one, 5e-5)
    assert_differ(drawn(pipe, None), one)


@COMPOSERS
def test_perturbed_attention_acts_on_regions(composer: Any) -> None:
    """Its hooks on self-attention are there for the third prediction, and gone after."""
    stock = tiny_sdxl()
    call = {"plan": halves(), "composer": composer, "num_inference_steps": 3}
    perturbed = drawn(modular(stock, perturbing(100.0)), **call)
    assert_differ(perturbed, drawn(modular(stock, GUIDERS["cfg"]), **call))
    assert_close(drawn(modular(stock, perturbing(100.0)), **call), perturbed)


def test_keys_are_computed_once_for_each_branch() -> None:
    stock = tiny_sdxl()
    layer = stock.unet.mid_block.attentions[0].transformer_blocks[0].attn2
    calls: list[int] = []
    layer.to_k.register_forward_hook(lambda *_: calls.append(1))
    drawn(modular(stock), halves(), composer="attention", num_inference_steps=5)
    assert len(calls) == 2


def test_the_model_is_as_before_on_leaving() -> None:
    stock = tiny_sdxl()
    before = (type(stock.unet), list(vars(stock.unet)), list(stock.unet.attn_processors.values()))
    pipe = modular(stock)
    drawn(pipe, halves())
    with pytest.raises(SettingsError, match="share is 2"):
        drawn(pipe, halves(), share=2.0)
    after = (type(stock.unet), list(vars(stock.unet)), list(stock.unet.attn_processors.values()))
    assert after == before


def test_several_plans_want_a_prompt_each() -> None:
    pipe, plans = modular(tiny_sdxl()), [halves(), split("1,1")]
    seeds = [torch.Generator().manual_seed(seed) for seed in (0, 1)]
    both = drawn(pipe, plans, prompt=[BASE, BASE], generator=seeds)
    assert_close(both[:1], drawn(pipe, plans[0]))
    with pytest.raises(SettingsError, match="2 plans want a prompt each"):
        drawn(pipe, plans)


@COMPOSERS
def test_with_a_controlnet(composer: Any) -> None:
    stock = tiny_sdxl()
    pipe = modular(stock)
    pipe.update_components(controlnet=tiny_controlnet(stock))
    picture = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(5))
    call = {"control_image": picture, "composer": composer}
    assert_differ(drawn(pipe, halves(), **call), drawn(pipe, halves(), composer=composer))
    assert_close(drawn(pipe, whole(), **call), drawn(pipe, None, **call))


def test_blocks_without_a_loop_are_refused() -> None:
    with pytest.raises(ModelError, match="StableDiffusionXLDecodeStep holds no denoising loop"):
        regional_blocks(StableDiffusionXLDecodeStep())


SCENE = Plan(
    prompt="a red star and a blue circle",
    regions=(
        Region(id="star", prompt="a red star", box=Box(0, 0, 0.5, 1)),
        Region(id="circle", prompt="a blue circle", box=Box(0.5, 0, 1, 1)),
    ),
)


@pytest.mark.parametrize("guider", GUIDERS)
def test_toybox_draws_each_thing_in_its_region(guider: str) -> None:
    """Judged by what stands in the picture, in ten steps."""
    pipe = modular(load_pipeline(weights_path(), device="cpu"), GUIDERS[guider])
    (picture,) = pipe(
        prompt=SCENE.prompt,
        plan=SCENE,
        composer="latent",
        base_ratio=0.0,
        window=0,
        feather=0.0,
        num_inference_steps=10,
        width=256,
        height=256,
        generator=torch.Generator().manual_seed(1),
        output="images",
    )
    found = {thing.name: thing.centre[0] / 256 for thing in detect(picture)}
    assert found.keys() == {"star", "circle"}
    assert found["star"] < 0.5 < found["circle"]
