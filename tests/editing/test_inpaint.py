"""What stands before and after inpainting, and what of a picture need not be denoised."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from rpg.diffusion import regional, sibling
from rpg.editing import inpaint
from rpg.editing.inpaint import Frame, SoftMask
from rpg.plans.geometry import Box, grid
from rpg.plans.plan import Plan, Region
from rpg.plans.prose import scene_of, thing_in
from tests.diffusion.helpers import plan_of
from tests.tiny import tiny_sdxl


def noisy(width: int, height: int, mode: str = "RGB", seed: int = 0) -> Image.Image:
    count = len(mode) * width * height
    data = np.random.default_rng(seed).integers(0, 256, count, dtype=np.uint8).tobytes()
    return Image.frombytes(mode, (width, height), data)


@given(st.integers(1, 70), st.integers(1, 70), st.sampled_from(["RGB", "RGBA", "L", "LA"]))
def test_outside_the_mask_every_byte_stays(width: int, height: int, mode: str) -> None:
    image, mask = noisy(width, height, mode), noisy(width, height, "L", seed=1)
    mask = mask.point(lambda grey: max(0, grey - 128) * 2)
    frame = Frame.of(image, mask)
    size = (-(-width // 8) * 8, -(-height // 8) * 8)
    padded = frame.padded(size, 4)
    assert padded.image.size == padded.mask.size == size
    result = np.asarray(frame.put_back(noisy(*size, seed=2)))
    before, grey = np.asarray(inpaint.flattened(image)), np.asarray(mask)
    assert (result[grey == 0] == before[grey == 0]).all()
    white = np.asarray(noisy(*size, seed=2))[:height, :width]
    assert (result[grey == 255] == white[grey == 255]).all()


def test_pictures_of_every_kind_are_flattened() -> None:
    clear = Image.new("RGBA", (4, 4), (10, 20, 30, 0))
    assert inpaint.flattened(clear).getpixel((0, 0)) == (255, 255, 255)
    deep = Image.fromarray(np.full((4, 4), 65535, np.uint16))
    assert inpaint.flattened(deep).getpixel((0, 0)) == (255, 255, 255)
    assert inpaint.flattened(Image.new("CMYK", (4, 4))).mode == "RGB"


def test_a_mask_of_one_pixel_frees_its_whole_cell() -> None:
    mask = Image.new("L", (16, 16))
    mask.putpixel((5, 6), 200)
    padded = Frame.of(noisy(16, 16), mask).padded((16, 16), 4)
    assert (np.asarray(padded.mask)[4:8, 4:8] == 200).all()
    assert (np.asarray(padded.mask) > 0).sum() == 16


def test_grey_is_a_share_of_the_last_steps() -> None:
    levels = Image.fromarray(np.array([[0, 51, 128, 255]], np.uint8))
    soft = SoftMask(levels, 1)
    like = torch.zeros(2, 1, 1, 4)
    opened = [[int(x) for x in soft.at(i, 10, like)[0, 0, 0]] for i in range(10)]
    counts = [sum(step[k] for step in opened) for k in range(4)]
    assert counts == [0, 2, 5, 10]
    assert opened[-1] == [0, 1, 1, 1]
    assert list(np.asarray(soft.at_first())[0]) == [0, 0, 0, 255]


def halves() -> Plan:
    left, right = grid(1, 2)
    return plan_of(
        Region(id="l", prompt="a star in the snow", box=left),
        Region(id="r", prompt="a moon in the snow", box=right),
    )


def test_the_ground_shows_where_nothing_is() -> None:
    plan = plan_of(Region(id="l", prompt="a star in the snow", box=Box(0, 0, 0.5, 1)))
    mask = Image.new("L", (16, 16), 255)
    place = inpaint.freed(plan, mask)
    assert place[:, 8:].all() and not place[:, :8].any()
    drawn = inpaint.with_ground(plan, place, "in the snow")
    assert [(r.prompt, r.box) for r in drawn.layers()] == [
        ("in the snow", Box(0.5, 0, 1, 1)),
        ("a star in the snow", Box(0, 0, 0.5, 1)),
    ]
    assert inpaint.with_ground(plan, place, "") is plan
    assert not inpaint.freed(halves(), mask).any()
    eased = np.asarray(inpaint.eased(mask, place))
    assert (eased[:, :8] == 255).all() and (eased[:, 8:] == 153).all()
    red = Image.new("RGB", (16, 16), "red")
    red.paste((0, 0, 255), (9, 2, 15, 14))
    hole = np.zeros((16, 16), bool)
    hole[1:15, 8:16] = True
    assert inpaint.grown_over(red, hole).getpixel((12, 8)) == (255, 0, 0)


def test_only_ground_grows_over_a_place_where_there_is_any() -> None:
    white = Image.new("RGB", (48, 24), "white")
    white.paste((255, 0, 0), (22, 4, 46, 20))  # the other region's thing, out of its box
    hole = np.zeros((24, 48), bool)
    hole[4:20, 8:22] = True
    ground = np.zeros((24, 48), bool)
    ground[:, :24] = True
    alone = np.asarray(inpaint.grown_over(white, hole, ground))
    assert (alone[hole] == 255).all()
    assert (np.asarray(inpaint.grown_over(white, hole))[hole] != 255).any()
    for nothing in (hole, ground & False):  # no ground is left to grow: anything does
        same = inpaint.grown_over(white, hole, nothing)
        assert same.tobytes() == inpaint.grown_over(white, hole).tobytes()
    assert (alone[~hole] == np.asarray(white)[~hole]).all()


def test_pictures_blend_along_the_edge_of_a_mask_alone() -> None:
    mask = np.zeros((100, 100), np.uint8)
    mask[20:80, 20:80] = 60
    frame = Frame.of(Image.new("RGB", (100, 100)), Image.fromarray(mask))
    drawn = np.asarray(frame.put_back(Image.new("RGB", (100, 100), "white")))[50, :, 0]
    assert not drawn[:20].any() and 0 < drawn[20] < 255 and (drawn[25:75] == 255).all()


@pytest.mark.parametrize(
    ("prompts", "base", "scene"),
    [
        (["a star in the snow", "a moon in the snow"], "x", "in the snow"),
        (["a red star", "a blue star"], "two stars at night", "at night"),
        (["a red star"], "a red star", ""),
        (["a cat on a sofa"], "a cat", "on a sofa"),
        ([], "a fox in a forest, oil painting", "in a forest, oil painting"),
    ],
)
def test_the_scene_is_what_all_subprompts_end_with(
    prompts: list[str], base: str, scene: str
) -> None:
    boxes = grid(1, max(len(prompts), 1))
    regions = [Region(id=p, prompt=p, box=b) for p, b in zip(prompts, boxes, strict=False)]
    assert scene_of(Plan(prompt=base, regions=tuple(regions))) == scene


def inpainted(pipe: Any, *, redrawn: bool, base_ratio: float) -> torch.Tensor:
    mask = Image.new("L", (64, 64))
    mask.paste(255, (36, 8, 60, 56))
    within = mask if redrawn else None
    with regional(pipe, halves(), composer="latent", redrawn=within, base_ratio=base_ratio):
        latents: torch.Tensor = pipe(
            "a scene",
            image=noisy(64, 64),
            mask_image=mask,
            strength=1.0,
            num_inference_steps=3,
            height=64,
            width=64,
            generator=torch.Generator().manual_seed(0),
            output_type="latent",
        ).images
    return latents


def test_regions_outside_the_mask_are_not_denoised_and_nothing_else_changes() -> None:
    pipe = sibling(tiny_sdxl(), "inpaint")
    rows: list[int] = []
    pipe.unet.register_forward_pre_hook(lambda _, given: rows.append(len(given[0])))
    whole = inpainted(pipe, redrawn=False, base_ratio=0.0)
    every, rows[:] = sum(rows), []
    less = inpainted(pipe, redrawn=True, base_ratio=0.0)
    assert torch.allclose(whole, less, atol=1e-3)
    assert (every, sum(rows)) == (3 * 2 * 2, 3 * 2)  # steps x halves of guidance x regions
    blended = inpainted(pipe, redrawn=False, base_ratio=0.3)
    again = inpainted(pipe, redrawn=True, base_ratio=0.3)
    assert torch.allclose(blended, again, atol=1e-3)


@pytest.mark.parametrize(
    ("prompt", "thing"),
    [
        ("a red star at night", "star"),
        ("A big House, oil painting", "house"),
        ("a fox", "fox"),
        ("at night", "at night"),
    ],
)
def test_the_thing_of_a_subprompt_is_its_last_word_before_the_scene(
    prompt: str, thing: str
) -> None:
    assert thing_in(prompt) == thing
