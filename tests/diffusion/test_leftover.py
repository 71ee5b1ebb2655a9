"""Canvas that no region covers is drawn from setting and style alone."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from benchmarks import flops
from rpg.diffusion import regional
from rpg.plans.geometry import FULL, Box
from rpg.plans.plan import Plan, Region
from rpg.plans.scene import Scene, Thing
from tests.diffusion.helpers import assert_close, assert_differ, draw, noted_calls, plan_of
from tests.tiny import tiny_sd15, tiny_sdxl

SEA = Scene(setting="green sea")
BOX = Box(0.25, 0.25, 0.75, 0.75)
STAR = Region(id="a", prompt="red star", box=BOX)
REST, TEXT = "green sea", "red star, green sea"
COMPOSERS = pytest.mark.parametrize("composer", ["attention", "latent", "latent+attention"])


def drawn(pipe: Any, plan: Plan, composer: Any, **words: Any) -> Tensor:
    with regional(pipe, plan, composer=composer, window=0, **words):
        return draw(pipe, prompt=plan.effective_base_prompt)


def by_hand(base_ratio: float) -> Plan:
    """The same without a scene: what is left over is a region of its own below the others."""
    return plan_of(
        Region(id="rest", prompt=REST, box=FULL, base_ratio=0.0),
        Region(id="a", prompt=TEXT, box=BOX, base_ratio=base_ratio),
        base_prompt="a scene, green sea",
    )


@pytest.mark.parametrize("make", [tiny_sdxl, tiny_sd15])
@pytest.mark.parametrize(
    ("composer", "base_ratio"),
    [("attention", 0.0), ("attention", 0.3), ("latent", 0.0), ("latent+attention", 0.0)],
)
def test_the_leftover_is_a_region_of_setting_and_style(
    make: Any, composer: Any, base_ratio: float
) -> None:
    pipe, plan = make(), plan_of(STAR, scene=SEA, base_ratio=base_ratio)
    assert_close(drawn(pipe, plan, composer), drawn(pipe, by_hand(base_ratio), composer))


@COMPOSERS
@pytest.mark.parametrize("base_ratio", [0.0, 0.3])
def test_another_setting_changes_what_is_left_over(composer: Any, base_ratio: float) -> None:
    pipe = tiny_sdxl()
    sea, tree = (
        drawn(pipe, plan_of(STAR, scene=Scene(setting=text), base_prompt="a scene"), composer)
        for text in ("green sea", "old tree")
    )
    assert_differ(sea[..., :2, :], tree[..., :2, :])


def test_things_of_the_base_prompt_do_not_reach_what_is_left_over() -> None:
    pipe = tiny_sdxl()
    texts = ("a cat", "an old dog")
    plans = [plan_of(STAR, scene=SEA, base_prompt=text, base_ratio=0.0) for text in texts]
    first, second = (drawn(pipe, plan, "latent") for plan in plans)
    assert_close(first, second)


@pytest.mark.parametrize("base_ratio", [0.0, 0.3])
def test_latents_pass_over_the_whole_canvas_once(base_ratio: float) -> None:
    pipe = tiny_sdxl()
    calls = noted_calls(pipe)
    drawn(pipe, plan_of(STAR, scene=SEA, base_ratio=base_ratio), "latent")
    largest = max(size[-1] for size in calls)
    whole = [size for size in calls if size[-2:] == (largest, largest)]
    assert len(calls) == 4 and len(whole) == 2  # two steps, in each a crop and the canvas


@COMPOSERS
def test_what_a_model_knows_as_empty_is_drawn_where_things_have_no_setting(composer: Any) -> None:
    pipe = tiny_sdxl()
    alone = plan_of(STAR, scene=Scene(things=(Thing(id="star", name="star"),)), base_ratio=0.0)
    plain = drawn(pipe, alone, composer)
    assert_differ(plain, drawn(pipe, alone, composer, empty="green sea"))
    assert torch.equal(plain, drawn(pipe, plan_of(STAR, base_ratio=0.0), composer))


def test_a_plan_with_a_rest_and_one_without_share_a_call() -> None:
    pipe = tiny_sdxl()
    plans = [
        plan_of(STAR, scene=SEA, base_ratio=0.3),
        plan_of(Region(id="b", prompt="blue moon", box=FULL), base_ratio=0.0),
    ]
    noise = [torch.Generator().manual_seed(seed) for seed in (1, 2)]
    with regional(pipe, plans, composer="latent", window=0):
        both = draw(pipe, prompt=[one.effective_base_prompt for one in plans], generator=noise)
    for index, plan in enumerate(plans):
        with regional(pipe, plan, composer="latent", window=0):
            generator = torch.Generator().manual_seed(index + 1)
            alone = draw(pipe, prompt=plan.effective_base_prompt, generator=generator)
        assert_close(both[index : index + 1], alone, 1e-4)


def test_a_rest_costs_no_more_than_the_base_prompt_there() -> None:
    boxes = (Box(0.1, 0.1, 0.45, 0.6), Box(0.55, 0.3, 0.9, 0.8))
    before, after = (flops.count("latent", boxes, 0.3, text) for text in ("", "at night"))
    assert after.image <= before.image * 1.002
