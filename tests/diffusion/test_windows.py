"""Windows: latents drawn in a region's box with what is around it."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from benchmarks import flops
from rpg.diffusion import regional
from rpg.diffusion.backbones.unet import UNet
from rpg.diffusion.crops import _crops
from rpg.diffusion.denoiser import RegionalDenoiser
from rpg.diffusion.embeds import RegionalPromptEmbeds
from rpg.diffusion.layout import RegionalLayout
from rpg.diffusion.masks import coefficients, region_weights
from rpg.diffusion.schedule import Schedule
from rpg.plans.geometry import FULL, Box, grid
from rpg.plans.plan import Plan, Region
from tests.diffusion.helpers import assert_close, assert_differ, draw, noted_calls, plan_of, whole
from tests.tiny import MAX_TOKENS, WIDTH, tiny_sd15, tiny_sdxl

CELLS = 16
BOX = Box(0.25, 0.25, 0.5, 0.5)  # cells 4 to 8
THINGS = (
    Box(0.05, 0.1, 0.35, 0.5),
    Box(0.55, 0.1, 0.9, 0.5),
    Box(0.1, 0.6, 0.4, 0.9),
    Box(0.6, 0.55, 0.95, 0.95),
)
INSIDE = (..., slice(4, 8), slice(4, 8))
ALL, EARLY = Schedule("latent"), Schedule("latent+attention", latent_fraction=0.1)
SCHEDULES = pytest.mark.parametrize("schedule", [ALL, EARLY], ids=["all steps", "early steps"])
TIME = torch.tensor(500)
SIZES = torch.tensor([[64.0, 64, 0, 0, 64, 64]])


def noise(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


SAMPLE = noise(1, 4, CELLS, CELLS, seed=1).repeat(2, 1, 1, 1)
TEXTS = noise(2, 2 * MAX_TOKENS, 2 * WIDTH, seed=2)[:, :MAX_TOKENS]  # negative and base prompt
POOLED = noise(2, WIDTH, seed=3)
STAR = noise(1, MAX_TOKENS, 2 * WIDTH, seed=4), noise(1, WIDTH, seed=5)


def added(pooled: Tensor) -> dict[str, Tensor]:
    return {"text_embeds": pooled, "time_ids": SIZES.expand(len(pooled), -1)}


def plain(unet: Any, sample: Tensor, text: Tensor, pooled: Tensor) -> Tensor:
    with torch.no_grad():
        words = {"added_cond_kwargs": added(pooled), "return_dict": False}
        found: Tensor = unet(sample, TIME, text, **words)[0]
    return found


def predicted(
    unet: Any,
    plan: Plan,
    window: int,
    schedule: Schedule,
    embeds: tuple[Tensor, Tensor] = STAR,
    base_ratio: float = 0.0,
) -> Tensor:
    """Negative and guided prediction of the first step, (2, 4, h, w)."""
    layout = RegionalLayout.of(plan, base_ratio=base_ratio, window=window)
    texts = RegionalPromptEmbeds.of(*embeds)
    with torch.no_grad(), RegionalDenoiser(UNet(unet, 4), layout, texts, schedule) as denoiser:
        denoiser.at(0, 10)
        return denoiser.predict(SAMPLE, TIME, "both", TEXTS, {"added_cond_kwargs": added(POOLED)})


def region(box: Box = BOX) -> Plan:
    return plan_of(Region(id="star", prompt="red star", box=box))


@settings(max_examples=100)
@given(
    first=st.tuples(st.integers(0, 19), st.integers(0, 13)),
    size=st.tuples(st.integers(1, 20), st.integers(1, 14)),
    least=st.integers(0, 24),
    multiple=st.sampled_from([1, 2, 4]),
)
def test_a_window_holds_its_box_and_lies_on_the_canvas(
    first: tuple[int, int], size: tuple[int, int], least: int, multiple: int
) -> None:
    canvas = (20, 14)
    last = tuple(min(a + b, c) for a, b, c in zip(first, size, canvas, strict=True))
    box = Box(first[1] / 14, first[0] / 20, last[1] / 14, last[0] / 20)
    weights = region_weights(region(box).layers(), *canvas, 0.0)
    (crop,) = _crops(coefficients(weights, [0.0]), multiple, least)
    spans = ((crop.y0, crop.y1), (crop.x0, crop.x1))
    for (start, end), low, high, length in zip(spans, first, last, canvas, strict=True):
        assert 0 <= start <= low < high <= end <= length
        assert end - start >= min(least, length)
        assert end - start < max(least, high - low) + 2 * multiple
        assert start % multiple == 0


@SCHEDULES
def test_a_window_over_the_whole_canvas_is_the_plain_pass(schedule: Schedule) -> None:
    """MultiDiffusion's step: the model's own prediction for the text, of which the box is kept."""
    unet = tiny_sdxl().unet
    found = predicted(unet, region(), CELLS, schedule)
    star = plain(unet, SAMPLE[1:], *STAR)
    base = plain(unet, SAMPLE, TEXTS, POOLED)
    assert_close(found[1:][INSIDE], star[INSIDE])
    assert_close(found[:1], base[:1])
    found[1:][INSIDE] = base[1:][INSIDE]
    assert_close(found, base)  # outside of the box nothing is taken


def test_in_all_steps_a_window_brings_its_own_negative() -> None:
    unet = tiny_sdxl().unet
    found = predicted(unet, region(), 8, ALL)
    cut = (..., slice(2, 10), slice(2, 10))  # eight cells with the box in their midst
    for row, text, pooled in ((0, TEXTS[:1], POOLED[:1]), (1, *STAR)):
        window = plain(unet, SAMPLE[:1][cut], text, pooled)
        assert_close(found[row : row + 1][INSIDE], window[..., 2:6, 2:6])


def test_in_early_steps_the_negative_is_the_whole_canvas_s() -> None:
    unet = tiny_sdxl().unet
    found = predicted(unet, region(), 8, EARLY)
    window = plain(unet, SAMPLE[:1, :, 2:10, 2:10], *STAR)
    assert_close(found[1:][INSIDE], window[..., 2:6, 2:6])
    assert_close(found[:1], plain(unet, SAMPLE[:1], TEXTS[:1], POOLED[:1]))


@SCHEDULES
def test_a_box_alone_is_a_canvas_of_its_own_as_ever(schedule: Schedule) -> None:
    unet = tiny_sdxl().unet
    boxes = predicted(unet, region(), 0, schedule)
    with torch.no_grad():
        sizes = {"text_embeds": STAR[1], "time_ids": torch.tensor([[16.0, 16, 0, 0, 16, 16]])}
        alone = unet(SAMPLE[1:][INSIDE], TIME, STAR[0], added_cond_kwargs=sizes).sample
    assert_close(boxes[1:][INSIDE], alone)
    assert_differ(boxes[1:][INSIDE], predicted(unet, region(), 8, schedule)[1:][INSIDE])


@SCHEDULES
def test_the_base_prompt_acts_in_the_windows_attention(schedule: Schedule) -> None:
    unet = tiny_sdxl().unet
    base = STAR[0], POOLED[1:]
    alone, mixed, given = (
        predicted(unet, region(FULL), CELLS, schedule, base, ratio) for ratio in (0.0, 0.4, 1.0)
    )
    whole_text = plain(unet, SAMPLE, TEXTS, POOLED)
    assert_close(given, whole_text)
    assert_differ(alone[1:], whole_text[1:])
    by_attention = Schedule("attention")
    assert_close(mixed, predicted(unet, region(FULL), 0, by_attention, base, 0.4))


@pytest.mark.parametrize("make", [tiny_sdxl, tiny_sd15])
@pytest.mark.parametrize("composer", ["latent", "latent+attention"])
def test_a_pipeline_draws_one_region_of_the_prompt_as_without(make: Any, composer: Any) -> None:
    pipe = make()
    expected = draw(pipe)
    with regional(pipe, whole(), composer=composer, share=0.4, window=32):
        assert_close(draw(pipe), expected)


@SCHEDULES
def test_a_region_s_own_negative_acts_where_it_is(schedule: Schedule) -> None:
    """Where the negative is one for all windows, and where each has its own."""
    unet, plan = tiny_sdxl().unet, region()
    layout = RegionalLayout.of(plan, base_ratio=0.0, window=CELLS)

    def negative(seed: int) -> Tensor:
        text, pooled = noise(1, MAX_TOKENS, 2 * WIDTH, seed=seed), noise(1, WIDTH, seed=seed)
        lengths, empty = (MAX_TOKENS,), torch.zeros_like(text)
        texts = RegionalPromptEmbeds(*STAR, text, pooled, (True,), lengths, empty)
        with torch.no_grad(), RegionalDenoiser(UNet(unet, 4), layout, texts, schedule) as denoiser:
            denoiser.at(0, 10)
            found = denoiser.predict(
                SAMPLE, TIME, "both", TEXTS, {"added_cond_kwargs": added(POOLED)}
            )
        assert_close(found[1:][INSIDE], plain(unet, SAMPLE[1:], *STAR)[INSIDE])
        if schedule is ALL:
            assert_close(found[:1][INSIDE], plain(unet, SAMPLE[:1], text, pooled)[INSIDE])
        return found[:1]

    assert_differ(negative(8)[INSIDE], negative(9)[INSIDE])


def test_early_windows_cost_a_negative_and_a_call_for_each_size() -> None:
    pipe = tiny_sdxl()
    calls = noted_calls(pipe)
    boxes = (Box(0, 0, 0.5, 0.5), Box(0.5, 0.5, 1, 1))
    plan = plan_of(
        *(Region(id=str(i), prompt="red star", box=box) for i, box in enumerate(boxes)),
        Region(id="rest", prompt="green sea", box=FULL, z=-1),
    )
    with regional(pipe, plan, composer="latent+attention", share=0.1, window=48, feather=0.0):
        draw(pipe, num_inference_steps=10)
    assert calls[:3] == [(1, 4, 16, 16), (1, 4, 16, 16), (2, 4, 12, 12)]
    assert calls[3:] == [(2, 4, 16, 16)] * 9  # attention, negative and guided


@pytest.mark.parametrize(
    ("boxes", "setting", "most"),
    [(grid(1, 4), "", 0.10), (THINGS, "at night", 0.105)],
    ids=["columns", "things apart"],
)
def test_a_tenth_of_the_steps_in_windows_costs_a_tenth_more_at_most(
    boxes: tuple[Box, ...], setting: str, most: float
) -> None:
    """SDXL's own UNet: four regions at 1024 x 1024, windows of 768 pixels."""
    row = flops.count("latent+attention", boxes, 0.3, setting, share=0.1, window=768)
    assert row.extra <= most
