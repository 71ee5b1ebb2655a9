"""`regional` leaves no trace, whatever happens within."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest
import torch

from rpg.diffusion import regional
from rpg.diffusion.attention import RegionalAttnProcessor, cross_attention_layers
from rpg.errors import ModelError, RPGError, SettingsError
from rpg.plans.plan import Plan
from tests.diffusion.helpers import draw, halves
from tests.tiny import tiny_sd15, tiny_sdxl

MAKERS = pytest.mark.parametrize("make", [tiny_sdxl, tiny_sd15])
COMPOSERS = pytest.mark.parametrize("composer", ["attention", "latent", "latent+attention"])


def traces(pipe: Any) -> tuple[Any, ...]:
    """Everything that `regional` touches, by identity."""
    processors = tuple(id(processor) for processor in pipe.unet.attn_processors.values())
    return processors, tuple(vars(pipe.unet)), tuple(vars(pipe)), tuple(pipe.unet.state_dict())


@MAKERS
@COMPOSERS
def test_all_is_as_before_on_leaving(make: Any, composer: Any) -> None:
    pipe = make()
    stock = draw(pipe)
    before = traces(pipe)
    with regional(pipe, halves(), composer=composer) as entered:
        assert entered is pipe
        draw(pipe)
        assert traces(pipe) != before
    assert traces(pipe) == before
    assert "forward" not in vars(pipe.unet) and "encode_prompt" not in vars(pipe)
    assert torch.equal(draw(pipe), stock)


class Stop(Exception):
    """Raised by a test."""


@COMPOSERS
@pytest.mark.parametrize("step", [0, 1])
def test_all_is_as_before_after_an_exception_in_the_middle_of_a_step(
    composer: Any, step: int
) -> None:
    pipe = tiny_sdxl()
    stock = draw(pipe)
    before = traces(pipe)
    layers = list(cross_attention_layers(pipe.unet))
    calls = []

    def fail(*_: Any) -> None:
        calls.append(1)
        if len(calls) > 2 * step:
            raise Stop

    hook = layers[-1].register_forward_hook(fail)
    with pytest.raises(Stop), regional(pipe, halves(), composer=composer, base_ratio=0):
        draw(pipe, num_inference_steps=4)
    hook.remove()
    assert traces(pipe) == before
    assert torch.equal(draw(pipe), stock)
    with regional(pipe, halves(), composer=composer):
        draw(pipe)


def test_an_exception_in_a_callback() -> None:
    pipe = tiny_sdxl()
    before = traces(pipe)

    def stop(*_: Any) -> dict[str, Any]:
        raise Stop

    with pytest.raises(Stop), regional(pipe, halves()):
        draw(pipe, callback_on_step_end=stop)
    assert traces(pipe)[0] == before[0] and "forward" not in vars(pipe.unet)


def test_a_call_that_failed_does_not_disturb_the_next_one() -> None:
    pipe = tiny_sdxl()

    def stop(*_: Any) -> dict[str, Any]:
        raise Stop

    with regional(pipe, halves()):
        expected = draw(pipe, num_inference_steps=5)
        with pytest.raises(Stop):
            draw(pipe, num_inference_steps=5, callback_on_step_end=stop)
        assert torch.equal(draw(pipe, num_inference_steps=5), expected)


def test_patches_of_others_are_put_back() -> None:
    """Offloading hooks sit on the instance's `forward`; ours goes over them and comes off again."""
    pipe = tiny_sdxl()
    plain, calls = pipe.unet.forward, []

    def hooked(*args: Any, **words: Any) -> Any:
        calls.append(1)
        return plain(*args, **words)

    pipe.unet.forward = hooked
    with regional(pipe, halves(), composer="attention"):
        draw(pipe, num_inference_steps=3)
    assert pipe.unet.forward is hooked and len(calls) == 3


def test_keys_are_dropped() -> None:
    pipe = tiny_sdxl()
    with regional(pipe, halves(), composer="attention"):
        draw(pipe)
        layer = next(cross_attention_layers(pipe.unet))
        processor: Any = layer.processor
        assert isinstance(processor, RegionalAttnProcessor)
        assert processor._keys is not None
        kept = weakref.ref(processor._keys[0])
        del processor, layer
    gc.collect()
    assert kept() is None


@COMPOSERS
def test_a_second_context_on_the_same_model_is_refused(composer: Any) -> None:
    pipe = tiny_sdxl()
    draw(pipe)
    before = traces(pipe)
    with regional(pipe, halves(), composer=composer):
        expected = draw(pipe)
        with pytest.raises(ModelError, match="already"), regional(pipe, halves()):
            pass
        assert torch.equal(draw(pipe), expected)
    assert traces(pipe) == before
    with regional(pipe, halves(), composer=composer):
        assert torch.equal(draw(pipe), expected)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"composer": "both"}, "both"),
        ({"base_ratio": 1.5}, "base_ratio is 1.5"),
        ({"base_ratio": float("nan")}, "base_ratio"),
        ({"start": -0.1}, "start"),
        ({"end": 1.1}, "end"),
        ({"start": 0.5, "end": 0.5}, "start"),
        ({"share": 2}, "share"),
        ({"feather": 0.6}, "feather is 0.6: must be from 0 to 0.5"),
        ({"feather": -0.1}, "feather"),
    ],
)
def test_arguments_out_of_range(words: dict[str, Any], message: str) -> None:
    pipe = tiny_sdxl()
    before = traces(pipe)
    with pytest.raises(SettingsError, match=message), regional(pipe, halves(), **words):
        pass
    with pytest.raises(SettingsError), regional(pipe, Plan(prompt="none"), **words):
        pass  # a plan without regions says so too
    assert traces(pipe) == before


@pytest.mark.parametrize("pipe", [object(), tiny_sdxl().vae, None])
def test_another_family_is_refused(pipe: Any) -> None:
    with pytest.raises(ModelError, match="SDXL"), regional(pipe, halves()):
        pass
    assert issubclass(ModelError, RPGError)
