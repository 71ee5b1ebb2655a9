"""Image-to-image, inpainting and ControlNet of both families: diffusers' own, with regions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from rpg.diffusion import regional, sibling
from rpg.diffusion.backbones import family
from rpg.errors import ModelError
from tests.diffusion.helpers import assert_close, assert_differ, draw, halves, split, whole
from tests.tiny import tiny_controlnet, tiny_sd15, tiny_sdxl

COMPOSERS = pytest.mark.parametrize("composer", ["attention", "latent", "latent+attention"])
MAKERS = pytest.mark.parametrize("make", [tiny_sdxl, tiny_sd15])
SIZE = (72, 40)


def picture(seed: int = 0) -> Image.Image:
    shades = np.random.default_rng(seed).integers(0, 255, (SIZE[1], SIZE[0], 3), np.uint8)
    return Image.fromarray(shades)


def right_half() -> Image.Image:
    mask = Image.new("L", SIZE, 0)
    mask.paste(255, (SIZE[0] // 2, 0, *SIZE))
    return mask


def call_of(task: str) -> dict[str, Any]:
    """What a task asks for beside the prompt."""
    return {
        "img2img": {"image": picture(), "strength": 0.6, "num_inference_steps": 5},
        "inpaint": {
            "image": picture(),
            "mask_image": right_half(),
            "strength": 1.0,
            "width": SIZE[0],
            "height": SIZE[1],
        },
        "controlnet": {"image": picture(), "width": SIZE[0], "height": SIZE[1]},
    }[task]


def drawn(pipe: Any, task: str) -> Tensor:
    words = call_of(task)
    if task == "img2img":
        words |= {"width": None, "height": None}
        words = {"prompt": "a scene"} | {k: v for k, v in words.items() if v is not None}
        generator = torch.Generator().manual_seed(0)
        latents: Tensor = pipe(**words, generator=generator, output_type="latent").images
        return latents
    return draw(pipe, **words)


@MAKERS
@COMPOSERS
@pytest.mark.parametrize("task", ["img2img", "inpaint", "controlnet"])
def test_every_task_takes_regions(make: Any, task: Any, composer: Any) -> None:
    origin = make()
    pipe = sibling(origin, task, controlnet=tiny_controlnet(origin))
    stock = drawn(pipe, task)
    with regional(pipe, whole(), composer=composer):
        assert_close(drawn(pipe, task), stock)
    with regional(pipe, split("1,2,1;2,1,3", base_ratio=0.3), composer=composer, feather=0.1):
        assert_differ(drawn(pipe, task), stock)
    assert torch.equal(drawn(pipe, task), stock)


@MAKERS
@COMPOSERS
def test_inpainting_unet_of_nine_channels(make: Any, composer: Any) -> None:
    pipe = sibling(make(in_channels=9), "inpaint")
    stock = drawn(pipe, "inpaint")
    with regional(pipe, whole(), composer=composer):
        assert_close(drawn(pipe, "inpaint"), stock)
    with regional(pipe, halves(), composer=composer):
        assert_differ(drawn(pipe, "inpaint"), stock)


@COMPOSERS
def test_inpainting_keeps_what_lies_outside_the_mask(composer: Any) -> None:
    pipe = sibling(tiny_sdxl(), "inpaint")
    with regional(pipe, halves(), composer=composer):
        ours = drawn(pipe, "inpaint")
    assert_close(ours[..., :9], drawn(pipe, "inpaint")[..., :9])


@COMPOSERS
def test_a_control_image_reaches_the_crops(composer: Any) -> None:
    origin = tiny_sdxl()
    pipe = sibling(origin, "controlnet", controlnet=tiny_controlnet(origin))
    words = {"width": SIZE[0], "height": SIZE[1]}
    with regional(pipe, halves(), composer=composer, base_ratio=0):
        one = draw(pipe, image=picture(0), **words)
        other = draw(pipe, image=picture(1), **words)
        weak = draw(pipe, image=picture(0), controlnet_conditioning_scale=0.2, **words)
        guess = draw(pipe, image=picture(0), guess_mode=True, **words)
    assert_differ(one, other)
    assert_differ(one, weak)
    assert_differ(one, guess)


@MAKERS
def test_siblings_share_everything_and_change_nothing(make: Any) -> None:
    pipe = make()
    pipe.vae.to(torch.float64)  # a mixed pipeline stays mixed
    make_sibling: Any = sibling
    for task, kind in family(pipe).pipelines.items():
        made: Any = make_sibling(
            pipe, task, controlnet=tiny_controlnet(pipe) if "control" in task else None
        )
        assert made.__class__ == kind
        assert made.unet is pipe.unet and made.vae is pipe.vae
        assert made.scheduler is pipe.scheduler
        assert made._progress_bar_config == pipe._progress_bar_config
    assert pipe.vae.dtype == torch.float64 and pipe.unet.dtype == torch.float32


def test_a_sibling_of_a_sibling_and_back() -> None:
    pipe = tiny_sdxl()
    pipe.register_to_config(force_zeros_for_empty_prompt=True)
    control = sibling(pipe, "controlnet", controlnet=tiny_controlnet(pipe))
    assert sibling(control, "controlnet") is control
    back = sibling(sibling(control, "img2img"), "text2img")
    assert back.config.force_zeros_for_empty_prompt
    assert torch.equal(draw(back), draw(pipe))


def test_siblings_that_cannot_be() -> None:
    with pytest.raises(ModelError, match="ControlNet"):
        sibling(tiny_sdxl(), "controlnet")
    with pytest.raises(ModelError, match="video"):
        sibling(tiny_sdxl(), "video")  # type: ignore[arg-type]
