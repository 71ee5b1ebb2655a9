"""The training command on its tiny configuration: it resumes exactly and exports what loads."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
from diffusers import StableDiffusionXLPipeline

from rpg.toybox.vocabulary import known_words
from tests.processes import python
from training import __main__ as command
from training import autoencoder
from training.config import CONFIGS, Config
from training.data import draw_batch
from training.denoiser import Trainer, schedule
from training.export import load
from training.text import build_tokenizer

TINY = CONFIGS["tiny"]


def _until(steps: int) -> Config:
    return dataclasses.replace(TINY, denoiser=dataclasses.replace(TINY.denoiser, steps=steps))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    command.train(TINY, folder / "run", folder / "out")
    return folder


def test_the_export_draws_with_stock_diffusers(trained: Path) -> None:
    pipe = StableDiffusionXLPipeline.from_pretrained(trained / "out", use_safetensors=True)
    pipe.set_progress_bar_config(disable=True)
    image = pipe("a red star", num_inference_steps=2, output_type="np").images[0]
    assert image.shape == (64, 64, 3)


def test_a_resumed_run_ends_where_an_unbroken_one_does(trained: Path, tmp_path: Path) -> None:
    vae, tokenizer = autoencoder.train(TINY, trained / "run"), build_tokenizer()
    # The plateau's learning rate does not depend on where the run will end.
    broken = dataclasses.replace(_until(3), denoiser=dataclasses.replace(
        _until(3).denoiser, decay=0.0))  # fmt: skip
    Trainer(broken, vae, tokenizer, tmp_path).train()
    resumed = Trainer(TINY, vae, tokenizer, tmp_path)
    assert resumed.step == 3
    resumed.train()
    whole = Trainer(TINY, vae, tokenizer, trained / "run")
    for name, value in whole.average.state_dict().items():
        torch.testing.assert_close(resumed.average.state_dict()[name], value, msg=name)


def test_the_learning_rate_rises_stays_and_falls_to_zero() -> None:
    config = dataclasses.replace(TINY.denoiser, steps=100, warmup=10, decay=0.2)
    shares = [schedule(step, config) for step in range(101)]
    assert shares[0] == pytest.approx(0.1)
    assert shares[10:80] == [1.0] * 70
    assert shares[90] == pytest.approx(0.5)
    assert shares[100] == 0
    assert schedule(50, config, began=50) == pytest.approx(0.1)  # a new optimizer warms up again


def test_a_step_draws_the_same_batch_every_time() -> None:
    first, again = (draw_batch(TINY.buckets, 0, 7) for _ in range(2))
    assert first.captions == again.captions
    torch.testing.assert_close(first.pixels, again.pixels)
    assert draw_batch(TINY.buckets, 0, 8).captions != first.captions


def test_every_known_word_is_one_token_and_others_are_spelt() -> None:
    tokenizer = build_tokenizer()
    assert all(len(tokenizer.tokenize(word)) == 1 for word in known_words())
    assert len(tokenizer.tokenize("xylophone")) > 1


def test_the_tokenizer_is_the_same_in_every_process() -> None:
    script = (
        "from training.text import build_tokenizer as b; print(sorted(b().get_vocab().items()))"
    )
    assert python("-c", script).stdout.strip() == str(sorted(build_tokenizer().get_vocab().items()))


def test_training_goes_on_from_an_export(trained: Path, tmp_path: Path) -> None:
    longer = dataclasses.replace(TINY, denoiser=dataclasses.replace(TINY.denoiser, steps=8))
    command.continue_from(trained / "out", 6, longer, tmp_path / "run", tmp_path / "out")
    before, after = (load(folder / "out").unet.state_dict() for folder in (trained, tmp_path))
    assert str(trained) not in "".join(
        file.read_text() for file in (tmp_path / "out").rglob("*.json")
    )
    moved = max(float((after[name] - before[name]).abs().max()) for name in before)
    assert 0 < moved < 0.1  # two steps from there, not from nothing
    assert Trainer(longer, load(trained / "out").vae, build_tokenizer(), tmp_path / "run").step == 8


def test_training_never_shows_more_than_three_things() -> None:
    assert all(len(bucket.counts) == 3 for config in CONFIGS.values() for bucket in config.buckets)
