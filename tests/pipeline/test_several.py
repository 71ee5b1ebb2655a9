"""Prompts that are drawn at once come out as one after another."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from rpg.errors import SettingsError
from rpg.events import Planned, Rendered, Step
from rpg.pipeline import RPGOutput, RPGPipeline
from tests.pipeline.helpers import QUICK, STEPS, called, same

PROMPTS = ["a star and a moon", "a cat and dog and cow", "a tree", "grass and sea", "a heart"]
LONG = "a big red star over a calm sea at night"


def passes(rpg: RPGPipeline, **words: Any) -> list[int]:
    """The first prompt of each pass."""
    return [
        event.prompt_index
        for event in rpg.stream(PROMPTS, **{**QUICK, "seed": 1, **words})
        if isinstance(event, Step) and event.i == 1
    ]


def compared(rpg: RPGPipeline, prompts: list[str], size: int, **words: Any) -> None:
    alone, together = (called(rpg, prompts, batch_size=n, seed=7, **words) for n in (1, size))
    assert together.records == alone.records
    assert together.plans == alone.plans
    assert len(together.images) == len(alone.images) == len(alone.records)
    for one, other in zip(together.images, alone.images, strict=True):
        assert same(one, other, tolerance=1)


@pytest.mark.parametrize("copies", [1, 2])
@pytest.mark.parametrize("composer", ["latent+attention", "attention"])
def test_the_pictures_are_those_of_one_after_another(
    rpg: RPGPipeline, composer: str, copies: int
) -> None:
    compared(rpg, PROMPTS, 2, composer=composer, num_images_per_prompt=copies)


def test_a_pass_holds_as_many_prompts_as_asked(rpg: RPGPipeline) -> None:
    assert passes(rpg) == [0, 1, 2, 3, 4]
    assert passes(rpg, batch_size=2) == [0, 2, 4]
    assert passes(rpg, batch_size=64) == [0]


def test_a_prompt_without_a_negative_does_not_get_an_empty_one(rpg: RPGPipeline) -> None:
    negatives = ["grey", "grey", "", "", "grey"]
    assert passes(rpg, batch_size=64, negative_prompt=negatives) == [0, 2, 4]
    compared(rpg, PROMPTS, 64, negative_prompt=negatives)


def test_long_prompts_do_not_lengthen_short_ones(rpg: RPGPipeline) -> None:
    compared(rpg, ["a star and a moon", LONG, LONG, "a tree"], 64)


def test_from_a_picture_each_is_drawn_alone(rpg: RPGPipeline) -> None:
    image = called(rpg, PROMPTS[0], seed=1).images[0]
    assert passes(rpg, batch_size=64, image=image, strength=1.0) == [0, 1, 2, 3, 4]


def test_from_one_generator_each_is_drawn_alone(rpg: RPGPipeline) -> None:
    def drawn(size: int) -> RPGOutput:
        generator = torch.Generator().manual_seed(3)
        return called(rpg, PROMPTS, batch_size=size, generator=generator, scheduler="euler-a")

    one, other = drawn(1), drawn(64)
    assert one.records == other.records
    assert all(same(a, b) for a, b in zip(one.images, other.images, strict=True))


def test_events_tell_of_every_prompt(rpg: RPGPipeline) -> None:
    events = list(rpg.stream(PROMPTS, **QUICK, batch_size=3, seed=1))
    for kind in (Planned, Rendered):
        told = [event.prompt_index for event in events if isinstance(event, kind)]
        assert told == [0, 1, 2, 3, 4]
    assert sum(isinstance(event, Step) for event in events) == 2 * STEPS


def test_arrays_are_joined(rpg: RPGPipeline) -> None:
    images = called(rpg, PROMPTS, batch_size=3, output_type="np", seed=1).images
    assert isinstance(images, np.ndarray) and images.shape == (5, 32, 32, 3)


@pytest.mark.parametrize("size", [0, 65, -1, 2.0, "two"])
def test_sizes_that_cannot_be(rpg: RPGPipeline, size: Any) -> None:
    with pytest.raises(SettingsError, match="batch_size is .*: must be from 1 to 64"):
        called(rpg, PROMPTS[0], batch_size=size)
