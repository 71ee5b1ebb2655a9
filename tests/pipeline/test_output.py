"""What comes out: pictures, seeds, records, output types."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from rpg import metadata
from rpg.pipeline import RPGOutput, RPGPipeline
from tests.pipeline.helpers import PROMPT, QUICK, called, same


def test_a_prompt_becomes_a_plan_becomes_a_picture(rpg: RPGPipeline) -> None:
    output = called(rpg, PROMPT, seed=1)
    assert [image.size for image in output.images] == [(32, 32)]
    assert [[region.prompt for region in plan.layers()] for plan in output.plans] == [
        ["a red star", "a blue moon"]
    ]
    assert output.records[0].plan == output.plans[0]
    assert output.notices == []


def test_the_same_seed_makes_the_same_picture_and_another_does_not(rpg: RPGPipeline) -> None:
    first, again, other = (called(rpg, PROMPT, seed=seed).images[0] for seed in (1, 1, 2))
    assert same(first, again)
    assert not same(first, other)


def test_the_global_random_state_is_not_touched(rpg: RPGPipeline) -> None:
    before = torch.get_rng_state()
    called(rpg, PROMPT)
    assert torch.equal(before, torch.get_rng_state())


def test_a_seed_is_drawn_and_reported_when_none_is_given(rpg: RPGPipeline) -> None:
    drawn = [called(rpg, PROMPT, seed=seed) for seed in (None, -1)]
    seeds = [output.records[0].settings.seed for output in drawn]
    assert None not in seeds
    assert seeds[0] != seeds[1]
    assert same(called(rpg, PROMPT, seed=seeds[0]).images[0], drawn[0].images[0])


@pytest.mark.parametrize("scheduler", ["euler", "euler-a", "ddim", "dpm++2m-karras"])
def test_every_image_of_a_batch_alone_reproduces_itself(rpg: RPGPipeline, scheduler: str) -> None:
    batch = called(
        rpg, [PROMPT, "a cat and a dog"], seed=5, num_images_per_prompt=2, scheduler=scheduler
    )
    assert [record.settings.seed for record in batch.records] == [5, 6, 7, 8]
    for image, record in zip(batch.images, batch.records, strict=True):
        alone = rpg(plan=record.plan, settings=record.settings)
        assert isinstance(alone, RPGOutput)
        assert same(alone.images[0], image, tolerance=2)
        assert alone.records[0] == record


def test_seeds_wrap_round_at_the_largest(rpg: RPGPipeline) -> None:
    output = called(rpg, PROMPT, seed=2**63 - 1, num_images_per_prompt=2)
    assert [record.settings.seed for record in output.records] == [2**63 - 1, 0]


def test_a_record_is_complete_and_survives_the_file(rpg: RPGPipeline, tmp_path: Path) -> None:
    output = called(
        rpg, PROMPT, seed=3, negative_prompt="grey", scheduler="ddim", guidance_scale=3.0
    )
    path = metadata.save(output.images[0], tmp_path / "x.png", output.records[0])
    read = metadata.read(path)
    again = rpg(plan=read.plan, settings=read.settings)
    assert isinstance(again, RPGOutput)
    with Image.open(path) as saved:
        assert same(again.images[0], saved)
    open_ended = {"guidance_end", "guidance_rescale", "clip_skip", "strength"}
    open_ended |= {"variation_seed", "upscale_tile"}
    assert all(v is not None for k, v in dict(read.settings).items() if k not in open_ended)


def test_return_dict_false_is_the_plain_tuple(rpg: RPGPipeline) -> None:
    output = called(rpg, PROMPT, seed=1)
    plain = rpg(PROMPT, seed=1, return_dict=False, **QUICK)
    assert type(plain) is tuple
    assert same(plain[0][0], output[0][0])
    assert plain[1] == output.plans


def test_an_output_is_read_as_diffusers_are_and_unpacks_as_the_plain_tuple(
    rpg: RPGPipeline,
) -> None:
    output = called(rpg, PROMPT, seed=1)
    images, plans = output
    assert images is output.images is output[0] is output["images"]
    assert plans is output.plans is output[1] is output["plans"]
    assert output[:2] == output.to_tuple() == (images, plans) and len(output) == 2
    names = ["images", "plans", "records", "notices"]
    assert list(dict(output)) == names and output["records"] is output.records
    with pytest.raises(KeyError):
        output["to_tuple"]
    with pytest.raises(IndexError):
        output[2]


@pytest.mark.parametrize("kind", ["np", "pt", "latent"])
def test_output_types_are_those_of_diffusers(rpg: RPGPipeline, kind: str) -> None:
    one = called(rpg, PROMPT, seed=1, output_type=kind).images
    both = called(
        rpg, [PROMPT, "a cat and a dog"], seed=1, output_type=kind, num_images_per_prompt=2
    ).images
    shapes = {"np": (1, 32, 32, 3), "pt": (1, 3, 32, 32), "latent": (1, 4, 8, 8)}
    assert tuple(one.shape) == shapes[kind]
    assert tuple(both.shape) == (4, *shapes[kind][1:])
    assert isinstance(one, np.ndarray if kind == "np" else torch.Tensor)
