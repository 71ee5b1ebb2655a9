"""Batches of any number of predictions a picture: drawn by regions, or refused before a step."""

from __future__ import annotations

from typing import Any

import diffusers
import pytest
import torch
from PIL import Image
from torch import Tensor

from rpg.diffusion import regional
from rpg.errors import ModelError
from rpg.plans.plan import Plan
from tests.diffusion.helpers import (
    BASE,
    assert_close,
    assert_differ,
    draw,
    halves,
    noted_calls,
    split,
    whole,
)
from tests.tiny import tiny_sd15, tiny_sdxl

COMPOSERS = pytest.mark.parametrize("composer", ["attention", "latent", "latent+attention"])
_library: Any = diffusers


def perturbed(make: Any) -> Any:
    stock = make()
    kind = "XL" if make is tiny_sdxl else ""
    pipeline = getattr(_library, f"StableDiffusion{kind}PAGPipeline")
    held = {**stock.components, **({} if kind else {"requires_safety_checker": False})}
    pipe = pipeline(**held, pag_applied_layers="mid")
    if kind:
        pipe.register_to_config(force_zeros_for_empty_prompt=False)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def instructed() -> Any:
    stock = tiny_sdxl(in_channels=8)
    held = {name: part for name, part in stock.components.items() if "image" not in name}
    held.pop("feature_extractor")
    pipe = _library.StableDiffusionXLInstructPix2PixPipeline(
        **held, force_zeros_for_empty_prompt=False, add_watermarker=False
    )
    pipe.set_progress_bar_config(disable=True)
    return pipe


def inside(pipe: Any, plan: Plan, composer: Any, **words: Any) -> Tensor:
    with regional(pipe, plan, composer=composer):
        return draw(pipe, **words)


@COMPOSERS
@pytest.mark.parametrize("scale", [5.0, 1.0], ids=["three", "two"])
@pytest.mark.parametrize("make", [tiny_sdxl, tiny_sd15])
def test_perturbed_attention(make: Any, scale: float, composer: Any) -> None:
    """Two or three rows a picture: invariants, and that it is the guidance asked for."""
    pipe = perturbed(make)
    call = {"guidance_scale": scale, "pag_scale": 2.0, "num_inference_steps": 3}
    assert_close(inside(pipe, whole(), composer, **call), draw(pipe, **call))
    drawn = inside(pipe, split("1,2"), composer, **call)
    assert_differ(drawn, draw(pipe, **call))
    assert_differ(drawn, inside(pipe, split("1,2"), composer, **call | {"pag_scale": 0.0}))


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("make", [tiny_sdxl, tiny_sd15])
def test_perturbed_attention_in_early_windows(make: Any, count: int) -> None:
    """Its processors take the batch for all branches, so each window has its own negative."""
    pipe = perturbed(make)
    call = {"pag_scale": 2.0, "num_inference_steps": 3, "num_images_per_prompt": count}
    early: Any = {"composer": "latent+attention", "share": 0.4, "window": 32}
    with regional(pipe, whole(), **early):
        assert_close(draw(pipe, **call), draw(perturbed(make), **call))
    with regional(pipe, split("1,2"), **early):
        assert_differ(draw(pipe, **call), draw(perturbed(make), **call))


@pytest.mark.parametrize("composer", ["attention", "latent"])
def test_perturbed_attention_without_its_scale_is_the_stock_loop(composer: Any) -> None:
    expected = inside(tiny_sdxl(), halves(), composer)
    assert_close(inside(perturbed(tiny_sdxl), halves(), composer, pag_scale=0.0), expected)


@COMPOSERS
def test_a_perturbed_batch_is_its_pictures_one_by_one(composer: Any) -> None:
    pipe, plan = perturbed(tiny_sdxl), split("1,2")
    left = plan.regions[0].model_copy(update={"negative": "a dog"})
    plan = plan.model_copy(update={"regions": (left, plan.regions[1])})
    seeds = [torch.Generator().manual_seed(seed) for seed in (0, 1)]
    both = inside(pipe, plan, composer, num_images_per_prompt=2, generator=seeds)
    for number in (0, 1):
        alone = inside(pipe, plan, composer, generator=torch.Generator().manual_seed(number))
        assert_close(both[number : number + 1], alone)


@COMPOSERS
def test_image_guidance(composer: Any) -> None:
    """InstructPix2Pix: prompt and picture, picture alone, neither; in this order."""
    pipe = instructed()
    picture = Image.linear_gradient("L").resize((64, 64)).convert("RGB")
    call = {"image": picture, "image_guidance_scale": 1.5, "num_inference_steps": 3}
    assert_close(inside(pipe, whole(), composer, **call), draw(pipe, **call))
    drawn = inside(pipe, halves(), composer, **call)
    assert_differ(drawn, draw(pipe, **call))
    assert_differ(drawn, inside(pipe, halves(right="green sea"), composer, **call))


class Reversed(_library.StableDiffusionXLPipeline):  # type: ignore[misc]
    """A loop of somebody's own, with the prompt's half first."""

    def __call__(self, prompt: str, **_: Any) -> Any:
        self._guidance_scale, self._num_timesteps = 5.0, 1
        wanted, unwanted, pooled, unpooled = self.encode_prompt(prompt, device="cpu")
        added = {"text_embeds": torch.cat([pooled, unpooled]), "time_ids": torch.zeros(2, 6)}
        sample, text = torch.zeros(2, 4, 16, 16), torch.cat([wanted, unwanted])
        return self.unet(sample, 10, text, added_cond_kwargs=added)


class Tripled(Reversed):
    """One that asks for three predictions."""

    def __call__(self, prompt: str, **_: Any) -> Any:
        self._guidance_scale, self._num_timesteps = 5.0, 1
        wanted, unwanted, pooled, unpooled = self.encode_prompt(prompt, device="cpu")
        added = {"text_embeds": torch.cat([pooled] * 3), "time_ids": torch.zeros(3, 6)}
        text = torch.cat([unwanted, unwanted, wanted])
        return self.unet(torch.zeros(3, 4, 16, 16), 10, text, added_cond_kwargs=added)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (Reversed, r"^Reversed asks for predictions of other texts.* order: uncond, cond\Z"),
        (Tripled, r"^Tripled asks for 3 predictions a picture and step: .*\Z"),
    ],
)
def test_other_guidance_is_refused_in_a_line_before_anything_is_predicted(
    kind: Any, message: str
) -> None:
    stock = tiny_sdxl()
    pipe = kind(**stock.components, add_watermarker=False)
    calls = noted_calls(pipe)
    with torch.no_grad(), regional(pipe, halves()), pytest.raises(ModelError, match=message):
        pipe(BASE)
    assert not calls


def test_a_pipeline_whose_loop_is_not_known_is_refused_by_name() -> None:
    stock = tiny_sd15()
    held = {**stock.components, "requires_safety_checker": False}
    held["scheduler"] = _library.DDIMScheduler.from_config(stock.scheduler.config)
    pipe = _library.StableDiffusionPanoramaPipeline(**held)
    with pytest.raises(ModelError, match=r"^StableDiffusionPanoramaPipeline: regions need .*\Z"):
        with regional(pipe, halves()):
            pass
