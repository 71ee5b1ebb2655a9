"""Compiled blocks draw what plain ones do, with regions, without, and with others after."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor
from torch._dynamo.utils import counters

from rpg.diffusion import regional
from rpg.plans.plan import Plan
from tests.diffusion.helpers import BASE, assert_close, draw, split
from tests.tiny import tiny_sdxl

PLANS = [Plan(prompt=BASE), split("1,1"), split("1,2,1;2,1,3"), Plan(prompt=BASE), split("1,1")]


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    torch._dynamo.reset()
    counters.clear()
    yield
    torch._dynamo.reset()


def drawn(pipe: Any, composer: Any) -> list[Tensor]:
    found = []
    for plan in PLANS:
        with regional(pipe, plan, composer=composer):
            found.append(draw(pipe))
    return found


@pytest.mark.parametrize("composer", ["attention", "latent+attention"])
def test_compiled_blocks_follow_the_regions_of_now(composer: str) -> None:
    """And are compiled no more once they have seen every size."""
    pipe = tiny_sdxl(transformer_layers_per_block=2)
    pipe.unet.compile_repeated_blocks(backend="eager")
    with torch._dynamo.config.patch(fail_on_recompile_limit_hit=True):
        first = drawn(pipe, composer)
        graphs = counters["stats"]["unique_graphs"]
        again = drawn(pipe, composer)
        assert 0 < counters["stats"]["unique_graphs"] == graphs
    plain = drawn(tiny_sdxl(transformer_layers_per_block=2), composer)
    for one, other, stock in zip(first, again, plain, strict=True):
        assert torch.equal(one, other)
        assert_close(one, stock)
