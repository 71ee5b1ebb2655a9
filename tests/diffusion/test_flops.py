"""Regions cost no more than plain SDXL: its real UNet, counted on meta tensors."""

from __future__ import annotations

import pytest

from benchmarks import flops
from rpg.plans.geometry import grid


def test_a_plain_step_is_what_is_known_of_sdxl() -> None:
    """Two forwards of 6.761 TFLOP each."""
    assert flops.plain() == pytest.approx(2 * 6.761, rel=1e-3)


@pytest.mark.parametrize("regions", flops.COUNTS[::4])
def test_attention_costs_no_more_than_plain(regions: int) -> None:
    row = flops.count("attention", grid(1, regions), 0.2)
    assert row.extra <= 0
    assert row.later <= flops.plain() * 0.996
    assert row.later == pytest.approx(flops.count("attention", grid(1, 1), 0.2).later)


@pytest.mark.parametrize("size", flops.GRIDS[::4])
def test_latents_without_base_cost_no_more_than_plain(size: tuple[int, int]) -> None:
    assert flops.count("latent", grid(*size), 0.0).extra <= 0
