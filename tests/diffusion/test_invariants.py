"""What must hold whatever the weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from rpg.diffusion import regional
from rpg.diffusion.attention import cross_attention_layers
from rpg.plans.geometry import Box
from rpg.plans.plan import Plan, Region
from tests.diffusion.helpers import (
    BASE,
    assert_close,
    assert_differ,
    draw,
    halves,
    plan_of,
    split,
    whole,
)
from tests.tiny import tiny_sd15, tiny_sdxl

FAMILIES = pytest.mark.parametrize("make", [tiny_sdxl, tiny_sd15])
COMPOSERS = pytest.mark.parametrize("composer", ["attention", "latent", "latent+attention"])
Make = Callable[[], Any]


@FAMILIES
@COMPOSERS
def test_no_regions_is_the_stock_pipeline(make: Make, composer: Any) -> None:
    pipe = make()
    with regional(pipe, Plan(prompt=BASE), composer=composer):
        drawn = draw(pipe)
    assert torch.equal(drawn, draw(pipe))


@FAMILIES
@COMPOSERS
@pytest.mark.parametrize("base_ratio", [0.0, 0.3])
def test_one_region_with_the_base_prompt_is_the_stock_pipeline(
    make: Make, composer: Any, base_ratio: float
) -> None:
    pipe = make()
    with regional(pipe, whole(), composer=composer, base_ratio=base_ratio):
        drawn = draw(pipe, negative_prompt="a blur")
    assert_close(drawn, draw(pipe, negative_prompt="a blur"))


def test_identical_regions_are_one() -> None:
    pipe = tiny_sdxl()
    with regional(pipe, whole("red star"), composer="attention"):
        one = draw(pipe)
    boxes = [region.box for region in split("1,2,1;2,1,3").regions]
    many = (Region(id=str(i), prompt="red star", box=box) for i, box in enumerate(boxes))
    with regional(pipe, plan_of(*many), composer="attention"):
        assert_close(draw(pipe), one)
    assert_differ(one, draw(pipe))


@COMPOSERS
def test_regions_have_an_effect(composer: Any) -> None:
    pipe = tiny_sdxl()
    stock = draw(pipe)
    with regional(pipe, halves(), composer=composer):
        assert_differ(draw(pipe), stock)


@FAMILIES
@pytest.mark.parametrize("words", ["green sea", "green sea and many more words than one chunk"])
def test_another_regions_prompt_leaves_a_regions_rows_in_the_layer(make: Make, words: str) -> None:
    before, after = (_first_layer(make(), halves(right=right)) for right in ("blue moon", words))
    columns = before.shape[1] ** 0.5
    left = torch.arange(before.shape[1]) % columns < columns / 2
    assert_close(before[:, left], after[:, left], 1e-6)
    assert_differ(before[:, ~left], after[:, ~left])


def _first_layer(pipe: Any, plan: Plan) -> Tensor:
    """What the first patched layer gives in the first step, (B, T, C) in the picture's order."""
    seen: list[Tensor] = []

    def see(layer: Any, _: Any, states: Tensor) -> None:
        state = getattr(layer.processor, "state", None)
        seen.append(states if state is None else state.permutation.unsort(states))

    hook = next(cross_attention_layers(pipe.unet)).register_forward_hook(see)
    with regional(pipe, plan, composer="attention"):
        draw(pipe)
    hook.remove()
    return seen[0]


@FAMILIES
def test_another_regions_prompt_leaves_a_regions_latent(make: Make) -> None:
    """In the first step, with no base: crops do not see each other."""
    drawn = []
    for right in ("blue moon", "green sea and many more words than one chunk"):
        pipe = make()
        with regional(pipe, halves(right=right), composer="latent", base_ratio=0):
            drawn.append(draw(pipe, num_inference_steps=1))
    assert_close(drawn[0][..., :8], drawn[1][..., :8], 1e-6)
    assert_differ(drawn[0][..., 8:], drawn[1][..., 8:])


def test_the_base_ratio_of_argument_region_and_plan_in_this_order() -> None:
    pipe = tiny_sdxl()

    def drawn(plan: Plan, base_ratio: float | None = None) -> Tensor:
        with regional(pipe, plan, composer="attention", base_ratio=base_ratio):
            return draw(pipe)

    def plan(own: float | None, of_plan: float | None) -> Plan:
        box = Box(0, 0, 0.5, 1)
        region = Region(id="a", prompt="red star", box=box, base_ratio=own)
        return plan_of(region, base_ratio=of_plan)

    assert_close(drawn(plan(0.9, 0.1), 0.6), drawn(plan(None, None), 0.6))
    assert_close(drawn(plan(0.6, 0.1)), drawn(plan(None, None), 0.6))
    assert_close(drawn(plan(None, 0.6)), drawn(plan(None, None), 0.6))
    assert_close(drawn(plan(None, None)), drawn(plan(None, None), 0.3))
    assert_differ(drawn(plan(None, 0.6)), drawn(plan(None, None)))


def test_the_pooled_embedding_under_attention_is_the_base_prompts() -> None:
    pipe = tiny_sdxl()
    seen: list[Tensor] = []

    def look(module: Any, args: Any, words: dict[str, Any]) -> None:
        seen.append(words["added_cond_kwargs"]["text_embeds"])

    with pipe.unet.register_forward_pre_hook(look, with_kwargs=True):
        draw(pipe)
        with regional(pipe, halves(), composer="attention"):
            draw(pipe)
    stock, *_, ours = seen
    assert_close(ours, stock, 1e-6)


def test_uncovered_canvas_belongs_to_the_base_prompt() -> None:
    """With no base within the region, the rest of the layer is as the stock layer has it."""
    pipe = tiny_sdxl()
    plan = plan_of(Region(id="a", prompt="red star", box=Box(0, 0, 0.5, 1), base_ratio=0.0))
    ours, stock = _first_layer(pipe, plan), _first_layer(pipe, Plan(prompt=BASE))
    columns = ours.shape[1] ** 0.5
    right = torch.arange(ours.shape[1]) % columns >= columns / 2
    assert_close(ours[:, right], stock[:, right])
    assert_differ(ours[:, ~right], stock[:, ~right])
