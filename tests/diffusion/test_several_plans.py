"""Several plans in one pass: each comes out as it does alone."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from rpg.diffusion import regional
from rpg.errors import SettingsError
from rpg.plans.geometry import Box
from rpg.plans.plan import Plan, Region
from tests.diffusion.helpers import BASE, assert_close, draw, noted_calls, plan_of, split
from tests.diffusion.test_against_naive import NEGATIVES, OVERLAPPING
from tests.tiny import tiny_sd15, tiny_sdxl

COMPOSERS = pytest.mark.parametrize("composer", ["attention", "latent", "latent+attention"])
SPARE = plan_of(Region(id="a", prompt="red star", box=Box(0.25, 0.25, 0.75, 0.75)))
LONG = plan_of(
    Region(id="a", prompt="a big red star over a calm sea at night", box=Box(0, 0, 0.5, 1)),
    Region(id="b", prompt="a cat", box=Box(0.5, 0, 1, 1), base_ratio=0.7),
)
CASES: dict[str, list[Plan]] = {
    "alike": [split("1,1"), split("1,1", base_ratio=0.5)],
    "divided otherwise": [split("1,2,1;2,1,3"), split("1,1,1;1,1,1"), split("1,1,1;1,1,1")],
    "not all covered": [SPARE, split("1,1")],
    "without regions": [Plan(prompt=BASE), split("1,2")],
    "soft and hard": [OVERLAPPING, split("1,1")],
    "own negatives": [NEGATIVES, split("1,1")],
    "long texts": [LONG, split("1,1")],
}
FEATHERED = ("soft and hard",)


def noise(*seeds: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def apart(pipe: Any, plans: list[Plan], words: dict[str, Any], call: dict[str, Any]) -> Tensor:
    """Each plan in a call of its own, seeds following one another."""
    copies = call.get("num_images_per_prompt", 1)
    drawn = []
    for index, plan in enumerate(plans):
        seeds = range(index * copies, (index + 1) * copies)
        with regional(pipe, plan, **words):
            drawn.append(draw(pipe, **call, generator=noise(*seeds)))
    return torch.cat(drawn)


def together(pipe: Any, plans: list[Plan], words: dict[str, Any], call: dict[str, Any]) -> Tensor:
    count = len(plans) * call.get("num_images_per_prompt", 1)
    prompts = [plan.effective_base_prompt for plan in plans]
    with regional(pipe, plans, **words):
        return draw(pipe, prompt=prompts, **call, generator=noise(*range(count)))


@COMPOSERS
@pytest.mark.parametrize("case", CASES)
def test_each_is_drawn_as_alone(case: str, composer: str) -> None:
    pipe, plans = tiny_sdxl(), CASES[case]
    words = {"composer": composer, "feather": 0.2 if case in FEATHERED else 0.0}
    call = {"negative_prompt": "a blur"}
    several = call | {"negative_prompt": ["a blur"] * len(plans)}
    assert_close(together(pipe, plans, words, several), apart(pipe, plans, words, call))


@COMPOSERS
@pytest.mark.parametrize("case", ["divided otherwise", "not all covered"])
@pytest.mark.parametrize(
    "call", [{"num_images_per_prompt": 2}, {"guidance_scale": 1.0}], ids=["copies", "unguided"]
)
def test_copies_and_no_guidance(case: str, call: dict[str, Any], composer: str) -> None:
    pipe, plans = tiny_sdxl(), CASES[case]
    words = {"composer": composer}
    assert_close(together(pipe, plans, words, call), apart(pipe, plans, words, call))


@COMPOSERS
def test_on_sd15_without_a_base(composer: str) -> None:
    pipe, plans = tiny_sd15(), CASES["alike"]
    plans = [plan.model_copy(update={"base_ratio": 0.0}) for plan in plans]
    words = {"composer": composer}
    assert_close(together(pipe, plans, words, {}), apart(pipe, plans, words, {}))


def test_one_plan_serves_every_prompt() -> None:
    pipe, plan = tiny_sdxl(), split("1,2")
    with regional(pipe, plan):
        both = draw(pipe, prompt=[BASE, "a cat"], generator=noise(0, 1))
        alone = draw(pipe, prompt="a cat", generator=noise(1))
    assert_close(both[1:], alone)


@pytest.mark.parametrize(("prompts", "copies"), [(3, 1), (4, 1), (1, 2), (1, 1)])
def test_plans_and_prompts_have_to_be_as_many(prompts: int, copies: int) -> None:
    pipe, count = tiny_sdxl(), prompts * copies
    words = rf"2 plans want a prompt each: the call has {prompts}"
    with regional(pipe, CASES["alike"]), pytest.raises(SettingsError, match=words):
        draw(
            pipe,
            prompt=[BASE] * prompts if prompts > 1 else BASE,
            num_images_per_prompt=copies,
            generator=noise(*range(count)),
        )


def test_equal_crops_of_all_plans_are_one_call() -> None:
    pipe = tiny_sdxl()
    calls = noted_calls(pipe)
    plans = [split("1,1,1;1,1,1"), split("1,1,1;1,1,1")]
    with regional(pipe, plans, composer="latent", window=0, base_ratio=0.0):
        draw(pipe, prompt=[BASE] * 2, num_inference_steps=1, generator=noise(0, 1))
    assert calls == [(16, 4, 8, 8)]  # two halves of four crops of two pictures
