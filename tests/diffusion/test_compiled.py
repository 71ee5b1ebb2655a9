"""Compiled blocks draw what plain ones do, with regions, without, and with others after."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from rpg.diffusion import regional
from rpg.plan import Plan
from tests.diffusion.helpers import BASE, assert_close, draw, split
from tests.tiny import tiny_sdxl

PLANS = [Plan(prompt=BASE), split("1,1"), split("1,2,1;2,1,3"), Plan(prompt=BASE), split("1,1")]


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


def drawn(compiled: bool, composer: str) -> list[Tensor]:
    pipe = tiny_sdxl(transformer_layers_per_block=2)
    if compiled:
        pipe.unet.compile_repeated_blocks(backend="eager")
    found = []
    for plan in PLANS:
        with regional(pipe, plan, composer=composer):
            found.append(draw(pipe))
    return found


@pytest.mark.parametrize("composer", ["attention", "latent+attention"])
def test_compiled_blocks_follow_the_regions_of_now(composer: str) -> None:
    for one, other in zip(drawn(True, composer), drawn(False, composer), strict=True):
        assert_close(one, other)
