"""The fast paths draw what the mathematics written out draws."""

from __future__ import annotations

from typing import Any

import pytest
from PIL import Image, ImageDraw

from rpg.diffusion import regional
from rpg.plans.geometry import Box
from rpg.plans.plan import Plan, Region, encode_mask
from tests.diffusion.helpers import assert_close, draw, plan_of, split
from tests.diffusion.naive import Naive, naive_attention, naive_latent
from tests.tiny import tiny_sd15, tiny_sdxl


def disc() -> str:
    image = Image.new("L", (50, 40), 0)
    ImageDraw.Draw(image).ellipse((5, 5, 40, 30), fill=255)
    return encode_mask(image)


NESTED = plan_of(
    Region(
        id="room",
        prompt="a room",
        box=Box(0, 0, 0.75, 1),
        children=(
            Region(id="cat", prompt="a cat", box=Box(0.1, 0.2, 0.45, 0.8)),
            Region(id="sea", prompt="pink sea", box=Box(0.5, 0.5, 0.75, 1)),
        ),
    )
)
OVERLAPPING = plan_of(
    Region(id="front", prompt="a cat", box=Box(0.2, 0.2, 0.7, 0.7), z=2),
    Region(id="back", prompt="old dog", box=Box(0.1, 0, 0.9, 0.6), z=-1),
    Region(id="side", prompt="blue moon", box=Box(0.5, 0.4, 1, 1)),
)
PAINTED = plan_of(
    Region(id="sky", prompt="blue sky", box=Box(0, 0, 1, 0.6)),
    Region(id="disc", prompt="red sun", box=Box(0, 0, 1, 1), mask=disc()),
)
RATIOS = plan_of(
    Region(id="a", prompt="a cat", box=Box(0, 0, 0.4, 1), base_ratio=0.0),
    Region(id="b", prompt="old dog", box=Box(0.4, 0, 0.7, 1), base_ratio=0.7),
    Region(id="c", prompt="pink sea", box=Box(0.7, 0, 1, 1), base_ratio=1.0),
)
NEGATIVES = plan_of(
    Region(id="a", prompt="a cat", box=Box(0, 0, 0.4, 1), negative="a dog"),
    Region(id="b", prompt="old dog", box=Box(0.4, 0, 1, 0.5)),
    Region(id="c", prompt="pink sea", box=Box(0.4, 0.5, 1, 1), negative="a sky"),
    negative="ugly",
)
SQUARE = (64, 64)
CASES: dict[str, tuple[Plan, tuple[int, int], dict[str, Any]]] = {
    "unequal": (split("1,2,3"), SQUARE, {}),
    "rows-and-columns": (split("1,2,1;2,1,3"), SQUARE, {}),
    "grid": (split("1,1,1;1,1,1"), SQUARE, {"base_ratio": 0.4}),
    "nested": (NESTED, SQUARE, {}),
    "overlapping": (OVERLAPPING, SQUARE, {}),
    "painted": (PAINTED, SQUARE, {}),
    "feathered": (split("1,2,1;2,1,3"), SQUARE, {"feather": 0.2}),
    "overlapping-feathered": (OVERLAPPING, SQUARE, {"feather": 0.3}),
    "non-square": (split("1,2,1;2,1,3"), (96, 48), {}),
    "odd": (split("1,2,1;2,1,3"), (72, 40), {"feather": 0.1}),
    "own-ratios": (RATIOS, SQUARE, {}),
    "own-negatives": (NEGATIVES, SQUARE, {}),
    "no-base": (split("1,2"), SQUARE, {"base_ratio": 0.0}),
    "all-base": (split("1,2"), SQUARE, {"base_ratio": 1.0}),
}
NAIVE = {"attention": naive_attention, "latent": naive_latent}


@pytest.mark.parametrize("composer", NAIVE)
@pytest.mark.parametrize("guidance", [5.0, 1.0], ids=["guided", "unguided"])
@pytest.mark.parametrize("case", CASES)
def test_fast_path_equals_naive_form(case: str, guidance: float, composer: Any) -> None:
    plan, (width, height), words = CASES[case]
    pipe = tiny_sdxl()
    call: dict[str, Any] = {"width": width, "height": height, "guidance_scale": guidance}
    call["negative_prompt"] = "a blur"
    with regional(pipe, plan, composer=composer, window=0, **words):
        fast = draw(pipe, **call)
    cells = (height // pipe.vae_scale_factor, width // pipe.vae_scale_factor)
    naive = Naive(pipe, plan, cells, guided=guidance > 1, negative="a blur", **words)
    with NAIVE[composer](pipe, naive):
        slow = draw(pipe, **call)
    assert_close(fast, slow)


@pytest.mark.parametrize("composer", NAIVE)
def test_fast_path_equals_naive_form_on_sd15(composer: Any) -> None:
    pipe = tiny_sd15()
    with regional(pipe, NEGATIVES, composer=composer, window=0):
        fast = draw(pipe)
    with NAIVE[composer](pipe, Naive(pipe, NEGATIVES, (16, 16))):
        slow = draw(pipe)
    assert_close(fast, slow)


@pytest.mark.parametrize("composer", NAIVE)
def test_deep_unet_at_an_odd_size(composer: Any) -> None:
    """Three levels: latents of 18 x 10 are not a multiple of four."""
    levels: dict[str, Any] = {
        "block_out_channels": (8, 8, 16),
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    }
    pipe, plan = tiny_sdxl(**levels), split("1,2,1;2,1,3")
    with regional(pipe, plan, composer=composer, window=0):
        fast = draw(pipe, width=72, height=40)
    with NAIVE[composer](pipe, Naive(pipe, plan, (10, 18))):
        slow = draw(pipe, width=72, height=40)
    assert_close(fast, slow)
