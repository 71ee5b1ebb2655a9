"""Variations: between the noises of two seeds, met to the byte at both ends."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from PIL import Image

from rpg.errors import SettingsError
from rpg.generation.variations import slerp
from rpg.pipeline import RPGPipeline
from rpg.settings import GenerationSettings
from tests.pipeline.helpers import PROMPT, called, pixels, same

NEAR: dict[str, Any] = {"seed": 7, "variation_seed": 40, "variation_strength": 0.2}


def test_interpolated_noise_is_as_long_as_noise_and_meets_the_ends() -> None:
    one, other = (torch.randn(2, 4, 32, 32, generator=torch.manual_seed(i)) for i in (1, 2))
    assert torch.equal(slerp(one, other, 0.0), one)
    assert torch.equal(slerp(one, other, 1.0), other)
    for share in (0.1, 0.5, 0.8):
        mixed = slerp(one, other, share)
        assert abs(float(mixed.std()) - 1) < 0.03
        nearer = (mixed - one).norm() < (mixed - other).norm()
        assert bool(nearer) == (share < 0.5) or share == 0.5
    assert torch.allclose(slerp(one, one, 0.3), one, atol=1e-6)
    each = torch.cat([slerp(one[i : i + 1], other[i : i + 1], 0.4) for i in range(2)])
    assert torch.allclose(slerp(one, other, 0.4), each, atol=1e-6)


@pytest.mark.parametrize("composer", ["latent", "attention"])
def test_the_ends_are_the_pictures_of_the_two_seeds(rpg: RPGPipeline, composer: str) -> None:
    def bytes_of(**words: Any) -> bytes:
        made: bytes = called(rpg, PROMPT, composer=composer, **words).images[0].tobytes()
        return made

    assert bytes_of(seed=7) == bytes_of(**{**NEAR, "variation_strength": 0.0})
    assert bytes_of(seed=40) == bytes_of(**{**NEAR, "variation_strength": 1.0})


def test_the_further_the_noise_goes_the_less_the_picture_stays(rpg: RPGPipeline) -> None:
    first = pixels(called(rpg, PROMPT, seed=7).images[0])
    off = [
        float(
            abs(
                pixels(called(rpg, PROMPT, **{**NEAR, "variation_strength": share}).images[0])
                - first
            ).mean()
        )
        for share in (0.05, 0.2, 0.8)
    ]
    assert 0 < off[0] < off[1] < off[2]


def test_all_keep_the_seed_and_count_the_variation_seed_up(rpg: RPGPipeline) -> None:
    made = called(rpg, [PROMPT, PROMPT], num_images_per_prompt=2, **NEAR)
    seeds = [(one.settings.seed, one.settings.variation_seed) for one in made.records]
    assert seeds == [(7, 40), (7, 41), (7, 42), (7, 43)]
    assert len({image.tobytes() for image in made.images}) == 4
    for image, record in zip(made.images, made.records, strict=True):
        again = rpg(plan=record.plan, settings=record.settings)
        assert again.records == [record] and same(again.images[0], image, tolerance=1)
    together = called(rpg, [PROMPT, PROMPT], num_images_per_prompt=2, batch_size=2, **NEAR)
    assert together.records == made.records
    for one, other in zip(together.images, made.images, strict=True):
        assert same(one, other, tolerance=1)


def test_a_variation_seed_is_drawn_and_recorded(rpg: RPGPipeline) -> None:
    made = called(rpg, PROMPT, seed=7, variation_strength=0.3, variation_seed=-1)
    record = made.records[0]
    assert record.settings.variation_seed is not None
    assert rpg(settings=record.settings, plan=record.plan).images[0].tobytes() == (
        made.images[0].tobytes()
    )
    assert called(rpg, PROMPT, seed=7).records[0].settings.variation_seed is None


def test_generators_are_each_varied_by_the_one_variation_seed(rpg: RPGPipeline) -> None:
    """As batches call it, whose pictures have a seed each already."""
    sources = [torch.Generator().manual_seed(seed) for seed in (7, 8)]
    words = {name: value for name, value in NEAR.items() if name != "seed"}
    made = called(rpg, PROMPT, generator=sources, num_images_per_prompt=2, **words)
    seeds = [(one.settings.seed, one.settings.variation_seed) for one in made.records]
    assert seeds == [(7, 40), (8, 40)]
    for image, seed in zip(made.images, (7, 8), strict=True):
        assert same(called(rpg, PROMPT, **{**NEAR, "seed": seed}).images[0], image, tolerance=1)


def test_ancestral_samplers_take_their_later_noise_from_the_seed(rpg: RPGPipeline) -> None:
    """So that little of another noise is little of another picture."""
    plain = called(rpg, PROMPT, seed=7, scheduler="euler-a").images[0]
    near = called(rpg, PROMPT, scheduler="euler-a", **{**NEAR, "variation_strength": 1e-6})
    assert same(plain, near.images[0], tolerance=1)


def test_a_picture_to_start_from_has_no_noise_of_its_own_to_vary(rpg: RPGPipeline) -> None:
    for words in ({"image": Image.new("RGB", (32, 32))}, {"latents": torch.zeros(1, 4, 8, 8)}):
        with pytest.raises(SettingsError, match="variation_strength mixes the noise"):
            called(rpg, PROMPT, **NEAR, **words)


@pytest.mark.parametrize(("strength", "seeds"), [(0.0, (12, 3)), (0.5, (10, 5))])
def test_settings_of_a_later_picture_of_a_call(strength: float, seeds: tuple[int, int]) -> None:
    used = GenerationSettings(seed=10, variation_seed=3, variation_strength=strength)
    later = used.numbered(2)
    assert (later.seed, later.variation_seed) == seeds
    assert later.numbered(-2) == used
    assert GenerationSettings().numbered(3) == GenerationSettings()
