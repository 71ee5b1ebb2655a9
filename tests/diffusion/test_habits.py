"""Whatever a diffusers pipeline can be asked for, it can be asked for under `regional`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from rpg.diffusion import regional
from rpg.diffusion.schedule import CompositionMode, Schedule
from rpg.diffusion.state import RegionalState
from tests.diffusion.helpers import BASE, assert_close, assert_differ, draw, halves, split, whole
from tests.tiny import tiny_sd15, tiny_sdxl

COMPOSERS = pytest.mark.parametrize("composer", ["attention", "latent", "latent+attention"])
MAKERS = pytest.mark.parametrize("make", [tiny_sdxl, tiny_sd15])


def seeds(*numbers: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(number) for number in numbers]


@COMPOSERS
@MAKERS
def test_a_batch_is_its_pictures_one_by_one(make: Any, composer: Any) -> None:
    """Prompts, negatives, generators and copies, each picture as if drawn alone."""
    pipe = make()
    prompts, negatives = ["a scene", "a field"], ["a blur", "a sketch"]
    with regional(pipe, split("1,2"), composer=composer):
        batch = draw(
            pipe,
            prompt=prompts,
            negative_prompt=negatives,
            num_images_per_prompt=2,
            generator=seeds(1, 2, 3, 4),
        )
        alone = [
            draw(
                pipe,
                prompt=prompts[i // 2],
                negative_prompt=negatives[i // 2],
                generator=seeds(i + 1)[0],
            )
            for i in range(4)
        ]
    assert_close(batch, torch.cat(alone))


@COMPOSERS
def test_a_batch_with_negatives_of_regions_is_its_pictures_one_by_one(composer: Any) -> None:
    pipe, plan = tiny_sdxl(), split("1,2")
    left = plan.regions[0].model_copy(update={"negative": "a dog"})
    plan = plan.model_copy(update={"regions": (left, plan.regions[1])})
    words = {"prompt": [BASE, BASE], "negative_prompt": ["a blur", "a sketch"]}
    with regional(pipe, plan, composer=composer):
        batch = draw(pipe, **words, generator=seeds(1, 2))
        alone = [
            draw(pipe, negative_prompt=negative, generator=seeds(i + 1)[0])
            for i, negative in enumerate(words["negative_prompt"])
        ]
    assert_close(batch, torch.cat(alone))


@COMPOSERS
@pytest.mark.parametrize(
    "words",
    [
        {"guidance_scale": 1.0},
        {"guidance_rescale": 0.7},
        {"width": 72, "height": 40},
        {"num_inference_steps": 1},
        {"clip_skip": 1},
        {"negative_prompt": "a blur", "clip_skip": 1},
        {"prompt_2": "a field"},
        {"denoising_end": 0.6, "num_inference_steps": 5},
        {"original_size": (128, 128), "crops_coords_top_left": (8, 8)},
        {"timesteps": [900, 500, 100]},
    ],
    ids=lambda words: "+".join(words),
)
def test_a_call_with_one_whole_region_is_the_stock_call(
    words: dict[str, Any], composer: Any
) -> None:
    """What only the base pass knows (a second prompt, sizes) shows where its ratio is one."""
    pipe = tiny_sdxl()
    base_ratio = 1.0 if {"prompt_2", "original_size"} & words.keys() else 0.3
    with regional(pipe, whole(), composer=composer, base_ratio=base_ratio):
        ours = draw(pipe, **words)
    assert_close(ours, draw(pipe, **words))


@COMPOSERS
def test_embeddings_instead_of_a_prompt(composer: Any) -> None:
    pipe = tiny_sdxl()
    encoded = pipe.encode_prompt(prompt=BASE, device="cpu", num_images_per_prompt=1)
    names = ("prompt_embeds", "negative_prompt_embeds")
    names += ("pooled_prompt_embeds", "negative_pooled_prompt_embeds")  # type: ignore[assignment]
    with regional(pipe, halves(), composer=composer):
        assert_close(draw(pipe, prompt=None, **dict(zip(names, encoded, strict=True))), draw(pipe))


@COMPOSERS
def test_zeros_for_an_empty_negative(composer: Any) -> None:
    pipe = tiny_sdxl()
    pipe.register_to_config(force_zeros_for_empty_prompt=True)
    with regional(pipe, whole(), composer=composer):
        assert_close(draw(pipe), draw_stock(tiny_sdxl(), zeros=True))
        assert_differ(draw(pipe), draw(pipe, negative_prompt="a blur"))
    assert_differ(draw_stock(tiny_sdxl(), zeros=True), draw_stock(tiny_sdxl(), zeros=False))


def draw_stock(pipe: Any, *, zeros: bool) -> Tensor:
    pipe.register_to_config(force_zeros_for_empty_prompt=zeros)
    return draw(pipe)


@COMPOSERS
@MAKERS
def test_forms_of_the_answer(make: Any, composer: Any) -> None:
    pipe = make()
    with regional(pipe, halves(), composer=composer):
        latent = draw(pipe)
        (array,) = draw(pipe, output_type="np")
        (tensor,) = draw(pipe, output_type="pt")
        (picture,) = draw(pipe, output_type="pil")
        as_tuple = pipe(
            BASE,
            num_inference_steps=2,
            height=64,
            width=64,
            guidance_scale=5.0,
            generator=seeds(0)[0],
            output_type="latent",
            return_dict=False,
        )
    assert isinstance(as_tuple, tuple) and torch.equal(as_tuple[0], latent)
    assert isinstance(picture, Image.Image) and picture.size == (64, 64)
    np.testing.assert_allclose(np.moveaxis(tensor.numpy(), 0, -1), array, atol=1e-6)
    np.testing.assert_allclose(np.asarray(picture) / 255, array, atol=1 / 255)


@COMPOSERS
def test_callbacks_see_and_change_the_latents(composer: Any) -> None:
    pipe, seen = tiny_sdxl(), []

    def halve(pipe: Any, step: int, timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        seen.append(step)
        return {"latents": tensors["latents"] / 2}

    with regional(pipe, halves(), composer=composer):
        plain = draw(pipe, num_inference_steps=3)
        changed = draw(pipe, num_inference_steps=3, callback_on_step_end=halve)
    assert seen == [0, 1, 2]
    assert_differ(plain, changed)


@pytest.mark.parametrize("composer", ["attention", "latent"])
@pytest.mark.parametrize("in_place", [False, True])
def test_a_callback_that_changes_the_prompt_reaches_every_layer(
    in_place: bool, composer: Any
) -> None:
    pipe = tiny_sdxl()
    other = pipe.encode_prompt(prompt="a field", device="cpu", num_images_per_prompt=1)
    replaced = torch.cat([other[1], other[0]])

    def change(pipe: Any, step: int, timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        if step != 0:
            return {}
        if in_place:
            tensors["prompt_embeds"].copy_(replaced)
            return {}
        return {"prompt_embeds": replaced}

    call = {
        "callback_on_step_end": change,
        "callback_on_step_end_tensor_inputs": ["prompt_embeds"],
        "num_inference_steps": 3,
    }
    with regional(pipe, whole(), composer=composer, base_ratio=1):
        ours = draw(pipe, **call)
    assert_close(ours, draw(pipe, **call))


@COMPOSERS
def test_guidance_switched_off_by_a_callback(composer: Any) -> None:
    """The way that diffusers' guide on dynamic guidance shows."""
    names = ["prompt_embeds", "add_text_embeds", "add_time_ids"]

    def cut(pipe: Any, step: int, timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        if step != 1:
            return {}
        pipe._guidance_scale = 0.0
        return {name: tensors[name].chunk(2)[-1] for name in names}

    call = {
        "callback_on_step_end": cut,
        "callback_on_step_end_tensor_inputs": names,
        "num_inference_steps": 4,
    }
    pipe = tiny_sdxl()
    with regional(pipe, whole(), composer=composer):
        ours = draw(pipe, **call)
    assert_close(ours, draw(pipe, **call))


@contextmanager
def modes(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[CompositionMode]]:
    """The mode of each UNet call."""
    seen: list[CompositionMode] = []
    begin = RegionalState.begin_call

    def noted(self: RegionalState, *args: Any, **words: Any) -> None:
        begin(self, *args, **words)
        seen.append(self.mode)

    with monkeypatch.context() as patch:
        patch.setattr(RegionalState, "begin_call", noted)
        yield seen


PLAIN, LATENT, ATTENTION = CompositionMode.PLAIN, CompositionMode.LATENT, CompositionMode.ATTENTION


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ({}, [ATTENTION] * 10),
        ({"composer": "latent+attention"}, [LATENT] + [ATTENTION] * 9),
        ({"composer": "latent+attention", "share": 0.0}, [ATTENTION] * 10),
        ({"composer": "latent+attention", "share": 1.0}, [LATENT] * 10),
        ({"composer": "latent", "end": 0.5}, [LATENT] * 5 + [PLAIN] * 5),
        ({"composer": "attention", "start": 0.3}, [PLAIN] * 3 + [ATTENTION] * 7),
        (
            {"composer": "latent+attention", "start": 0.2, "end": 0.8, "share": 0.5},
            [PLAIN] * 2 + [LATENT] * 3 + [ATTENTION] * 3 + [PLAIN] * 2,
        ),
    ],
)
def test_start_end_and_share_switch_modes(
    words: dict[str, Any], expected: list[CompositionMode], monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe = tiny_sdxl()
    with modes(monkeypatch) as seen, regional(pipe, halves(), **words):
        draw(pipe, num_inference_steps=10)
        assert seen == expected
        draw(pipe, num_inference_steps=10)  # the second call counts from its own start
    assert seen == expected * 2


def test_every_step_count_has_a_mode_for_every_step() -> None:
    schedule = Schedule("latent+attention", 0.2, 0.8, 0.5)
    for steps in range(1, 60):
        counted = Counter(schedule.mode(step, steps) for step in range(steps))
        regional_steps = counted[LATENT] + counted[ATTENTION]
        assert abs(regional_steps - 0.6 * steps) <= 1
        assert abs(counted[LATENT] - counted[ATTENTION]) <= 1


def test_calls_of_several_sizes_in_one_context() -> None:
    pipe, plan = tiny_sdxl(), split("1,2,1;2,1,3")
    sizes = [(64, 64), (96, 48), (64, 64)]
    with regional(pipe, plan, composer="attention"):
        together = [draw(pipe, width=width, height=height) for width, height in sizes]
    for (width, height), drawn in zip(sizes, together, strict=True):
        with regional(pipe, plan, composer="attention"):
            assert torch.equal(draw(pipe, width=width, height=height), drawn)


def test_the_unet_called_by_hand_is_the_plain_unet() -> None:
    """Outside a call of the pipeline nothing is regional; the answer has its usual form."""
    pipe = tiny_sd15()
    sample, text = torch.randn(1, 4, 16, 16), torch.randn(1, 20, 16)
    expected = pipe.unet(sample, 10, text).sample
    with regional(pipe, halves()):
        assert torch.equal(
            pipe.unet(sample, timestep=10, encoder_hidden_states=text).sample, expected
        )


@COMPOSERS
def test_half_precision_stays_half(composer: Any) -> None:
    pipe = tiny_sdxl().to(torch.bfloat16)
    with regional(pipe, split("1,2", base_ratio=0.3), composer=composer, feather=0.1):
        drawn = draw(pipe)
    assert drawn.dtype == torch.bfloat16 and drawn.isfinite().all()


def test_inference_mode() -> None:
    pipe = tiny_sdxl()
    with regional(pipe, halves(), composer="latent+attention"):
        expected = draw(pipe)
        with torch.inference_mode():
            assert_close(draw(pipe), expected)


def test_a_prompt_that_is_not_the_plans_is_drawn_and_warned_of(
    caplog: pytest.LogCaptureFixture,
) -> None:
    pipe, plan = tiny_sdxl(), split("1,2").model_copy(update={"base_prompt": "two things"})
    with regional(pipe, plan):
        own = [draw(pipe, prompt=prompt) for prompt in (plan.prompt, " two things ")]
        assert not caplog.messages
        other = draw(pipe, prompt="a boat")
        draw(pipe, prompt=["a boat", "a car"], generator=seeds(0, 1))
    said = "the base prompt drawn is the call's 'a boat', not the plan's 'two things'"
    assert caplog.messages == [said, said]
    assert_differ(own[1], other)


def test_sliced_attention_serves_where_regions_do_not_act() -> None:
    pipe = tiny_sdxl()
    with regional(pipe, halves(), start=0.5, composer="attention"):
        unsliced = draw(pipe)
    pipe.enable_attention_slicing()
    with regional(pipe, halves(), start=0.5, composer="attention"):
        assert_close(draw(pipe), unsliced)
