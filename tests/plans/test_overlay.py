"""Drawing: enlarged pictures keep what they show; plans are drawn where their boxes are."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from rpg.plans.geometry import FULL, Box
from rpg.plans.overlay import MAX_SHOWN_SIDE, PALETTE, draw_plan, enlarge, put_into, shrink
from rpg.plans.plan import Plan, Region, encode_mask

GREY = (90, 90, 90)


def plan_of(*regions: Region) -> Plan:
    return Plan(prompt="things", regions=regions)


def drawn(plan: Plan, size: tuple[int, int] = (512, 512)) -> np.ndarray:
    return np.asarray(draw_plan(Image.new("RGB", size, GREY), plan)).astype(int)


def share_of(pixels: np.ndarray, colour: tuple[int, int, int]) -> float:
    return float((np.abs(pixels - colour).max(axis=-1) < 12).mean())


def test_enlarging_keeps_flat_colours_and_the_middle_of_things() -> None:
    small = Image.new("RGB", (16, 16), (10, 20, 30))
    small.paste((200, 40, 60), (4, 4, 12, 12))
    large = enlarge(small, 8)
    assert large.size == (128, 128)
    assert large.getpixel((64, 64)) == (200, 40, 60)
    assert large.getpixel((2, 2)) == (10, 20, 30)


def test_enlarging_by_one_is_the_picture_itself() -> None:
    image = Image.new("RGB", (5, 5))
    assert enlarge(image, 1) is image


@pytest.mark.parametrize("scale", [1, 2, 5, 8])
def test_shrinking_undoes_enlarging(scale: int) -> None:
    data = np.random.default_rng(0).integers(0, 256, (12, 20, 3), dtype=np.uint8)
    small = Image.fromarray(data)
    back = np.asarray(shrink(enlarge(small, scale), scale)).astype(int)
    assert np.abs(back - data).max() <= 6 and np.abs(back - data).mean() < 0.5


def test_a_part_put_into_an_enlarged_picture_leaves_the_rest() -> None:
    shown = Image.fromarray(np.random.default_rng(1).integers(0, 256, (33, 33, 3), dtype=np.uint8))
    mask = Image.new("L", (8, 8))
    mask.paste(255, (2, 2, 4, 4))
    result = np.asarray(put_into(shown, Image.new("RGB", (8, 8), "red"), mask))
    assert (result[8:16, 8:16] == (255, 0, 0)).all()
    kept = np.ones((33, 33), bool)
    kept[8:16, 8:16] = False
    assert (result[kept] == np.asarray(shown)[kept]).all()


def test_enlarging_is_bounded() -> None:
    assert enlarge(Image.new("L", (MAX_SHOWN_SIDE // 2, 1)), 64).width == MAX_SHOWN_SIDE
    assert enlarge(Image.new("L", (MAX_SHOWN_SIDE, 1)), 64).width == MAX_SHOWN_SIDE


def test_each_region_is_framed_in_its_own_colour_inside_its_own_box() -> None:
    left = Region(id="a", prompt="a red star", box=Box(0, 0, 0.5, 1))
    right = Region(id="b", prompt="a blue moon", box=Box(0.5, 0, 1, 1))
    pixels = drawn(plan_of(left, right))
    assert pixels.shape == (1024, 1024, 3)
    halves = pixels[:, :512], pixels[:, 512:]
    for number, half in enumerate(halves):
        assert share_of(half, PALETTE[number]) > 0.01
        assert share_of(half, PALETTE[1 - number]) == 0


def test_a_plan_without_regions_leaves_the_picture() -> None:
    assert share_of(drawn(Plan(prompt="nothing to place")), GREY) == 1.0


def test_the_picture_given_is_left_as_it_is() -> None:
    image = Image.new("RGB", (64, 64), GREY)
    draw_plan(image, plan_of(Region(id="a", prompt="x", box=FULL)))
    assert image.getcolors() == [(64 * 64, GREY)]


def test_a_painted_mask_is_tinted_where_it_is_white() -> None:
    mask = Image.new("L", (32, 32), 0)
    mask.paste(255, (0, 0, 16, 32))
    pixels = drawn(plan_of(Region(id="a", prompt="", box=FULL, mask=encode_mask(mask), children=(
        Region(id="b", prompt="x", box=Box(0.9, 0.9, 1, 1)),)),))  # fmt: skip
    assert share_of(pixels, GREY) > 0.9  # a container is not drawn
    pixels = drawn(plan_of(Region(id="a", prompt="x", box=FULL, mask=encode_mask(mask))))
    assert share_of(pixels[300:700, 100:400], GREY) == 0
    assert share_of(pixels[300:700, 600:900], GREY) == 1


@pytest.mark.parametrize("size", [(64, 64), (1, 1), (2000, 16), (16, 700), (1536, 640)])
@pytest.mark.parametrize(
    "prompt", ["x", "a very long word" * 400, "pneumono" * 200, "寿司と星 ★ שלום", "{\\} <b>"]
)
def test_any_size_and_any_words_can_be_drawn(size: tuple[int, int], prompt: str) -> None:
    boxes = [FULL, Box(0, 0, 0.01, 0.01), Box(0.99, 0, 1, 1), Box(0, 0.4, 1, 0.5)]
    regions = [Region(id=str(i), prompt=prompt, box=box) for i, box in enumerate(boxes)]
    result = draw_plan(Image.new("RGBA", size), plan_of(*regions))
    assert result.mode == "RGB"
    assert result.width * size[1] == result.height * size[0]
