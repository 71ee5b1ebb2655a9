"""What goes wrong while drawing, and that the pipeline survives it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch

from rpg.errors import GenerationError
from rpg.events import Failed, Notice
from rpg.pipeline import RPGPipeline
from tests.pipeline.helpers import PROMPT, QUICK, called, same


def test_nan_latents_are_an_error_that_says_what_to_do(rpg: RPGPipeline) -> None:
    def poison(pipe: Any, i: int, t: Any, values: dict[str, Any]) -> dict[str, Any]:
        return {"latents": values["latents"] * float("nan")}

    with pytest.raises(GenerationError, match="float32"):
        called(rpg, PROMPT, callback_on_step_end=poison)
    events = list(rpg.stream(PROMPT, callback_on_step_end=poison, preview_every=0.0, **QUICK))
    assert isinstance(events[-1], Failed)


@pytest.fixture
def nan_decoder(pipe: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    decode = pipe.vae.decode

    def overflowed(*args: Any, **words: Any) -> Any:
        return tuple(part * float("nan") for part in decode(*args, **words))

    monkeypatch.setattr(pipe.vae, "decode", overflowed)
    yield


@pytest.mark.usefixtures("nan_decoder")
def test_a_black_picture_is_noticed(rpg: RPGPipeline) -> None:
    assert "entirely black" in called(rpg, PROMPT).notices[0]
    with pytest.raises(GenerationError, match="NaN"):
        called(rpg, PROMPT, output_type="np")


@pytest.mark.usefixtures("nan_decoder")
def test_a_black_picture_is_counted_within_its_prompt(rpg: RPGPipeline) -> None:
    prompts, words = [PROMPT, "a cat and a dog"], QUICK | {"num_images_per_prompt": 2}
    events = list(rpg.stream(prompts, batch_size=2, **words))
    said = [(e.text[:10], e.prompt_index) for e in events if isinstance(e, Notice)]
    assert said == [("picture 1 ", 0), ("picture 2 ", 0), ("picture 1 ", 1), ("picture 2 ", 1)]


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 EiB"),
        RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"),
        MemoryError(),
    ],
)
def test_out_of_memory_gives_advice_and_the_pipeline_stays_usable(
    rpg: RPGPipeline, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    reference = called(rpg, PROMPT, seed=1).images[0]

    def full(*_: Any, **__: Any) -> Any:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(rpg.pipe.vae, "decode", full)
        with pytest.raises(GenerationError, match="smaller size"):
            called(rpg, PROMPT)
    assert same(called(rpg, PROMPT, seed=1).images[0], reference)


def test_an_error_that_is_not_about_memory_is_not_renamed(
    rpg: RPGPipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    monkeypatch.setattr(rpg.pipe.vae, "decode", broken)
    with pytest.raises(RuntimeError, match="illegal memory access"):
        called(rpg, PROMPT)
