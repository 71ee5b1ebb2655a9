"""What others do to the model, before a context and within it, works there and outlasts it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import wraps
from typing import Any

import accelerate  # type: ignore[import-untyped]
import pytest
import torch
from accelerate.hooks import (  # type: ignore[import-untyped]
    ModelHook,
    add_hook_to_module,
    remove_hook_from_module,
)
from diffusers.models.attention_processor import AttnProcessor2_0
from torch import Tensor

from rpg.diffusion import regional
from rpg.errors import ModelError
from tests.diffusion.helpers import BASE, assert_close, assert_differ, draw, halves, whole
from tests.diffusion.test_adapters import add_ip_adapter, reference
from tests.tiny import tiny_sdxl

COMPOSERS = pytest.mark.parametrize("composer", ["attention", "latent", "latent+attention"])


def inside(pipe: Any, composer: Any, **words: Any) -> Tensor:
    with regional(pipe, halves(), composer=composer):
        return draw(pipe, **words)


@COMPOSERS
def test_a_hook_registered_within_fires_after(composer: Any) -> None:
    pipe, fired = tiny_sdxl(), []
    with regional(pipe, halves(), composer=composer):
        draw(pipe)
        pipe.unet.register_forward_hook(lambda *_: fired.append(1))
        draw(pipe)
        within, fired[:] = len(fired), []
    draw(pipe, num_inference_steps=3)
    assert within >= 2 and len(fired) == 3


class Counting(ModelHook):  # type: ignore[misc]
    """A hook of accelerate's kind, which replaces `forward`."""

    def __init__(self) -> None:
        self.calls = 0

    def pre_forward(self, module: Any, *args: Any, **words: Any) -> Any:
        self.calls += 1
        return args, words


@COMPOSERS
def test_accelerates_hooks_set_within_stay_and_those_removed_are_gone(composer: Any) -> None:
    pipe, hook, before = tiny_sdxl(), Counting(), Counting()
    expected, stock = inside(pipe, composer), draw(pipe)
    add_hook_to_module(pipe.unet, before)
    with regional(pipe, halves(), composer=composer):
        remove_hook_from_module(pipe.unet)
        assert torch.equal(draw(pipe), expected)
        add_hook_to_module(pipe.unet, hook)
        assert torch.equal(draw(pipe), expected)
        assert hook.calls >= 2 and before.calls == 0
    hook.calls = 0
    assert torch.equal(draw(pipe), stock) and hook.calls == 2
    remove_hook_from_module(pipe.unet)
    assert torch.equal(draw(pipe), stock)


def model_offload(pipe: Any) -> None:
    pipe.enable_model_cpu_offload(device="cpu")


def sequential_offload(pipe: Any) -> None:
    """What `enable_sequential_cpu_offload` does to each model; here to those it can on a CPU."""
    for model in (pipe.unet, pipe.vae):
        accelerate.cpu_offload(model, execution_device=torch.device("cpu"))


def leaf_offload(pipe: Any) -> None:
    pipe.enable_group_offload(torch.device("cpu"), offload_type="leaf_level")


def block_offload(pipe: Any) -> None:
    cpu = torch.device("cpu")
    pipe.enable_group_offload(cpu, offload_type="block_level", num_blocks_per_group=1)


OFFLOADS = [model_offload, sequential_offload, leaf_offload, block_offload]
DOG = "a scene, a dog"


@pytest.mark.parametrize("composer", ["attention", "latent+attention"])
@pytest.mark.parametrize("offload", OFFLOADS)
@pytest.mark.parametrize("within", [False, True], ids=["before", "within"])
def test_two_calls_of_one_context_under_offloading_are_those_of_the_plain_order(
    offload: Callable[[Any], None], within: bool, composer: Any
) -> None:
    """Model offloading takes its hooks off and puts them on again after every call."""
    plain, pipe, fired = tiny_sdxl(), tiny_sdxl(), []
    with regional(plain, halves(base_prompt=DOG), composer=composer):
        expected = [draw(plain), draw(plain, prompt=DOG)]
    if not within:
        offload(pipe)
    with regional(pipe, halves(base_prompt=DOG), composer=composer):
        if within:
            assert torch.equal(draw(pipe), expected[0])
            offload(pipe)
        pipe.unet.register_forward_hook(lambda *_: fired.append(1))
        assert torch.equal(draw(pipe), expected[0])
        assert torch.equal(draw(pipe, prompt=DOG), expected[1])
    fired.clear()
    assert torch.equal(draw(pipe), draw(plain)) and len(fired) == 2


def cached(unet: Any) -> list[float]:
    """As DeepCache: every second step takes the middle's features from the step before."""
    plain, middle = unet.forward, unet.mid_block.forward
    times: list[float] = []
    kept: list[Any] = []

    def forward(sample: Tensor, timestep: Any, *args: Any, **words: Any) -> Any:
        if not times or times[-1] != float(timestep):
            times.append(float(timestep))
        return plain(sample, timestep, *args, **words)

    def block(*args: Any, **words: Any) -> Any:
        if len(times) % 2:
            kept[:] = [middle(*args, **words)]
        return kept[0]

    unet.forward, unet.mid_block.forward = forward, block
    return times


@pytest.mark.parametrize("within", [False, True], ids=["before", "within"])
def test_a_cache_over_steps(within: bool) -> None:
    pipe, plain = tiny_sdxl(), inside(tiny_sdxl(), "attention", num_inference_steps=4)
    if not within:
        times = cached(pipe.unet)
    with regional(pipe, halves(), composer="attention"):
        if within:
            times = cached(pipe.unet)
        drawn = draw(pipe, num_inference_steps=4)
    assert len(times) == 4
    assert 1e-6 < float((drawn - plain).abs().max()) < 0.5 * float(plain.abs().max())
    stock = tiny_sdxl()
    cached(stock.unet)
    expected = draw(stock, num_inference_steps=4)
    with regional(stock, whole(), composer="attention"):
        assert_close(draw(stock, num_inference_steps=4), expected)


@pytest.mark.parametrize("base_ratio", [0.2, 0.0], ids=["sizes differ", "sizes alike"])
def test_a_cache_under_latents_is_refused_rather_than_mix_regions(base_ratio: float) -> None:
    pipe, plan = tiny_sdxl(), halves(right="green sea and many more words than one chunk")
    cached(pipe.unet)
    with regional(pipe, plan, composer="latent", base_ratio=base_ratio):
        with pytest.raises(ModelError, match=r'^the model answers from a cache.*"attention"\Z'):
            draw(pipe, num_inference_steps=4)


@COMPOSERS
def test_a_wrapper_around_forward_set_within_stays(composer: Any) -> None:
    pipe, calls = tiny_sdxl(), []
    expected = inside(pipe, composer)
    with regional(pipe, halves(), composer=composer):
        plain = pipe.unet.forward

        def wrapper(*args: Any, **words: Any) -> Any:
            calls.append(1)
            return plain(*args, **words)

        pipe.unet.forward = wrapper
        assert torch.equal(draw(pipe), expected)
    assert pipe.unet.forward is wrapper
    calls.clear()
    draw(pipe, num_inference_steps=3)
    assert len(calls) == 3


@COMPOSERS
def test_processors_set_within_draw_regions_too_and_stay(composer: Any) -> None:
    pipe = tiny_sdxl()
    expected = inside(pipe, composer)
    own = AttnProcessor2_0()
    with regional(pipe, halves(), composer=composer):
        pipe.unet.set_attn_processor(own)
        assert_close(draw(pipe), expected)
    assert all(processor is own for processor in pipe.unet.attn_processors.values())


@COMPOSERS
def test_an_ip_adapter_loaded_within(composer: Any) -> None:
    image = {"ip_adapter_image_embeds": [reference(1)]}
    pipe, other = tiny_sdxl(), tiny_sdxl()
    add_ip_adapter(other)
    with regional(pipe, halves(), composer=composer):
        without = draw(pipe)
        add_ip_adapter(pipe)
        active = draw(pipe, **image)
    assert_close(active, inside(other, composer, **image))
    assert_differ(active, without)
    assert_close(draw(pipe, **image), draw(other, **image))


def test_an_encode_prompt_set_within_stays() -> None:
    pipe, asked = tiny_sdxl(), []
    with regional(pipe, halves()):
        ours = pipe.encode_prompt

        @wraps(ours)
        def noted(*args: Any, **words: Any) -> Any:
            asked.append(words["prompt"])
            return ours(*args, **words)

        pipe.encode_prompt = noted
        draw(pipe)
    assert_close(draw(pipe), draw(tiny_sdxl()))
    assert asked == [BASE, BASE]


@COMPOSERS
def test_a_copy_made_within_is_the_plain_model(composer: Any) -> None:
    pipe, other = tiny_sdxl(), tiny_sdxl()
    stock = draw(pipe)
    with regional(pipe, halves(), composer=composer):
        draw(pipe)
        other.unet = copy.deepcopy(pipe.unet)
        assert torch.equal(draw(other), stock)
    assert torch.equal(draw(other), stock)


def test_the_model_called_past_its_own_call_is_plain() -> None:
    """Its `forward` by hand, between two images: no regions of the image before."""
    pipe = tiny_sdxl()
    sample, text = torch.randn(1, 4, 16, 16), torch.randn(1, 20, 32)
    added = {"text_embeds": torch.randn(1, 16), "time_ids": torch.zeros(1, 6)}
    expected = pipe.unet.forward(sample, 10, text, added_cond_kwargs=added).sample
    with regional(pipe, halves(), composer="attention"):
        draw(pipe)
        assert torch.equal(
            pipe.unet.forward(sample, 10, text, added_cond_kwargs=added).sample, expected
        )
