"""The training command on its tiny configuration: it resumes exactly and exports what loads."""

from __future__ import annotations

import dataclasses
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from diffusers import StableDiffusionXLPipeline
from torch.nn import functional

from rpg.toybox import weights_path
from rpg.toybox.captions import caption
from rpg.toybox.renderer import pixels
from rpg.toybox.scenery import ground
from rpg.toybox.vocabulary import PLACE_PHRASES, known_words
from training import __main__ as command
from training import autoencoder
from training.autoencoder_init import init_with_means
from training.config import CONFIGS, Config, LatentBufferConfig, schedule
from training.data import CELL, draw_batch, draw_crops, draw_views
from training.denoiser import Trainer, counted_cells, draw_timesteps
from training.export import load
from training.latent_buffer import LatentBuffer
from training.latents import LatentBatch, LatentPool
from training.model import Denoiser, is_deeper
from training.sheets import psnr
from training.text import build_tokenizer, spoken, tokenize
from training.threads import share_cores

ROOT = Path(__file__).parents[2]
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
    assert image.shape == (256, 256, 3)


def test_a_resumed_run_ends_where_an_unbroken_one_does(trained: Path, tmp_path: Path) -> None:
    vae, tokenizer = autoencoder.finished(TINY, trained / "run"), build_tokenizer()
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


def test_a_resumed_autoencoder_ends_where_an_unbroken_one_does(
    trained: Path, tmp_path: Path
) -> None:
    first = dataclasses.replace(TINY.autoencoder, decay=0.0)
    broken = dataclasses.replace(TINY, autoencoder=dataclasses.replace(first, steps=2))
    whole = dataclasses.replace(TINY, autoencoder=first)
    autoencoder.AutoencoderTrainer(broken, tmp_path / "broken").train()
    resumed = autoencoder.AutoencoderTrainer(whole, tmp_path / "broken")
    assert resumed.step == 2
    unbroken = autoencoder.AutoencoderTrainer(whole, tmp_path / "unbroken")
    for trainer in (resumed, unbroken):
        trainer.train()
    for name, value in unbroken.average.state_dict().items():
        torch.testing.assert_close(resumed.average.state_dict()[name], value, msg=name)
    assert (tmp_path / "unbroken" / "autoencoder.png").exists()


def test_the_autoencoder_begins_at_the_mean_colour_of_every_cell() -> None:
    torch.manual_seed(0)
    vae = autoencoder.build(CONFIGS["full"].autoencoder).eval()
    init_with_means(vae)
    pixels = draw_batch(TINY.judged, 0, 0).pixels
    means = functional.interpolate(functional.avg_pool2d(pixels, CELL), scale_factor=CELL)
    assert (autoencoder.reconstructed(vae, pixels) - means).abs().mean() < 0.03
    assert psnr(pixels, autoencoder.reconstructed(vae, pixels)) > psnr(pixels, means) - 1


def test_whitening_changes_the_latents_and_not_the_pictures(trained: Path) -> None:
    trained_one = autoencoder.AutoencoderTrainer(TINY, trained / "run").average
    pixels = draw_batch(TINY.judged, 0, 0).pixels
    before = autoencoder.reconstructed(trained_one, pixels)
    vae = autoencoder.whiten(trained_one, TINY)
    torch.testing.assert_close(autoencoder.reconstructed(vae, pixels), before, atol=1e-4, rtol=0)
    drawn = [draw_batch(TINY.buckets, TINY.seed + 1, step).pixels for step in range(24)]
    rows = [vae.encode(one).latent_dist.mean.movedim(1, -1).flatten(0, -2) for one in drawn]
    latents = torch.cat(rows)
    assert latents.mean(0).tolist() == pytest.approx([0] * 4, abs=1e-4)
    assert latents.std(0).tolist() == pytest.approx([1] * 4, abs=1e-4)
    assert vae.encode(pixels).latent_dist.std.max().item() == pytest.approx(0.02)


@pytest.mark.parametrize(("load", "threads"), [(0.5, 2), (9.0, 1)])
def test_a_busy_machine_gets_one_thread(
    load: float, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = torch.get_num_threads()
    monkeypatch.setattr(os, "getloadavg", lambda: (load, load, load))
    try:
        share_cores(0, 2)
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize(("able", "halves"), [({"avx2": True}, False), ({"amx_bf16": True}, True)])
def test_half_precision_is_for_cpus_that_multiply_in_it(
    able: dict[str, bool], halves: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: able)
    configs: list[Config] = []
    monkeypatch.setattr(command, "train", lambda config, *_: configs.append(config))
    command.main("full")
    assert [config.bfloat16 for config in configs] == [halves]


def test_crops_lie_on_the_grid_of_the_latents() -> None:
    (crop,) = TINY.autoencoder.crops
    assert draw_crops([crop], 0, 0).shape == (crop.batch, 3, crop.side, crop.side)
    assert crop.side % CELL == 0 == crop.canvas % CELL
    assert all(
        side % CELL == 0 for config in CONFIGS.values() for b in config.buckets for side in b.size
    )


def test_the_pool_gives_the_same_latents_with_other_words(trained: Path, tmp_path: Path) -> None:
    vae = autoencoder.finished(TINY, trained / "run")
    tokenizer = build_tokenizer()
    pool = LatentPool(TINY, vae, tokenizer, tmp_path)
    first, again = pool.batch(1), pool.batch(1 + TINY.denoiser.pool)
    torch.testing.assert_close(first.latents, again.latents)
    same = LatentPool(TINY, vae, tokenizer, tmp_path).batch(1)
    assert torch.equal(first.ids, same.ids) and not torch.equal(first.ids, again.ids)
    height, width = first.time_ids[0, 4:].tolist()
    assert first.latents.shape[2:] == (height // CELL, width // CELL)


def test_parts_of_scenes_come_with_their_corners() -> None:
    (cropped,) = (bucket for bucket in TINY.buckets if bucket.margin)
    views = draw_views([cropped], random.Random(2), 8)
    assert len({(view.left, view.top) for view in views}) > 1
    for view in views:
        assert view.left % CELL == 0 == view.top % CELL
        assert view.time_ids() == [96, 96, view.top, view.left, 64, 64]
        whole = pixels(view.scene)
        assert (view.pixels() == whole[view.top :, view.left :][:64, :64]).all()
    (whole_view,) = draw_views(TINY.buckets[:1], random.Random(2), 1)
    assert whole_view.time_ids() == [64, 64, 0, 0, 64, 64]


def test_empty_places_are_named_and_hold_nothing() -> None:
    bucket = dataclasses.replace(TINY.buckets[0], counts=(0.0, 0.0, 0.0), empty=1.0)
    views = draw_views([bucket], random.Random(0), 40)
    phrases = {phrase for of in PLACE_PHRASES.values() for phrase in of}
    for view in views:
        assert (view.pixels() == ground(view.scene.place, 64, 64, view.scene.backdrop)).all()
        assert view.boxes() == [(0, 0, 0, 0)] * 3
        assert caption(view.scene, random.Random(1)) in phrases
    ids, named = spoken(build_tokenizer(), [view.scene for view in views], random.Random(0))
    assert len({tuple(row) for row in ids.tolist()}) > 5 and not named.any()
    counts = [len(one.scene.things) for one in draw_views(
        [dataclasses.replace(bucket, counts=(1.0, 0.0, 0.0))], random.Random(0), 200)]  # fmt: skip
    assert 60 < counts.count(0) < 140 and counts.count(1) == 200 - counts.count(0)


def test_captions_of_the_place_alone_come_as_often_as_asked() -> None:
    scenes = [view.scene for view in draw_views(TINY.buckets[:1], random.Random(0), 200)]
    _, named = spoken(build_tokenizer(), scenes, random.Random(0), 0.25)
    assert 25 < (~named.any(2).any(1)).sum() < 80
    assert spoken(build_tokenizer(), scenes, random.Random(0))[1].any(2).any(1).all()


def test_what_things_cover_counts_only_where_they_are_named() -> None:
    boxes, words = torch.zeros(3, 3, 4), torch.zeros(3, 3, 48, dtype=torch.bool)
    boxes[:2, 0] = torch.tensor([2.0, 2, 5, 5])
    words[0, 0, 3] = True
    nothing = torch.zeros(3, 0)
    named, unnamed, empty = counted_cells(
        LatentBatch(torch.zeros(3, 4, 8, 8), nothing, nothing, boxes, words)
    )
    assert named.all() and empty.all()
    assert not unnamed[2:5, 2:5].any() and unnamed[6:].all() and unnamed[:, 6:].all()


def test_the_learning_rate_rises_stays_and_falls_to_zero() -> None:
    config = dataclasses.replace(TINY.denoiser, steps=100, warmup=10, decay=0.2)
    shares = [schedule(step, config) for step in range(101)]
    assert shares[0] == pytest.approx(0.1)
    assert shares[10:80] == [1.0] * 70
    assert shares[90] == pytest.approx(0.5)
    assert shares[100] == 0
    assert schedule(50, config, began=50) == pytest.approx(0.1)  # a new optimizer warms up again


def test_larger_canvases_are_seen_in_more_noise() -> None:
    def drawn(cells: int) -> torch.Tensor:
        return draw_timesteps(4000, cells, torch.Generator().manual_seed(0))

    small, large = drawn(16 * 16), drawn(32 * 32)
    assert small.min() >= 0 and large.max() <= 999
    assert torch.equal(small, drawn(8 * 8))
    assert abs(small.float().mean() - 500) < 15
    assert (small > 850).float().mean() < 0.17
    assert (large > 850).float().mean() > 0.3


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
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stdout.strip() == str(sorted(build_tokenizer().get_vocab().items()))


def test_an_export_says_of_itself_what_the_shipped_model_says(trained: Path) -> None:
    written, shipped = (
        json.loads((folder / "rpg.json").read_text())
        for folder in (trained / "out", weights_path())
    )
    assert written == shipped


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


@pytest.mark.enable_socket  # the processes hand their pictures over through one
def test_a_latent_buffer_trains_and_never_runs_out(trained: Path, tmp_path: Path) -> None:
    latent_buffer = LatentBufferConfig(workers=1, size=32, reuse=2, chunk=8)
    config = dataclasses.replace(TINY, latent_buffer=latent_buffer)
    vae, tokenizer = autoencoder.finished(TINY, trained / "run"), build_tokenizer()
    Trainer(config, vae, tokenizer, tmp_path).train()
    assert Trainer(config, vae, tokenizer, tmp_path).step == TINY.denoiser.steps


def test_the_newest_scenes_take_the_place_of_the_oldest(trained: Path) -> None:
    vae, tokenizer = autoencoder.finished(TINY, trained / "run"), build_tokenizer()
    bucket = dataclasses.replace(TINY.buckets[1], batch=16)
    config = dataclasses.replace(TINY, buckets=(bucket,))
    latent_buffer = LatentBuffer(
        config, LatentBufferConfig(workers=0, size=16, reuse=1, chunk=8), vae, tokenizer, 0
    )
    before = latent_buffer.buffers[0].latents[:8].clone()
    batch = latent_buffer.batch(0)
    assert batch.latents.shape == (16, 4, 8, 12) and batch.ids.shape == (16, 48)
    assert batch.time_ids[0].tolist() == [64, 96, 0, 0, 64, 96]
    latent_buffer.batch(1)
    assert not torch.equal(latent_buffer.buffers[0].latents[:8], before)
    assert latent_buffer.buffers[0].filled == 16
    said = tokenizer.batch_decode(batch.ids, skip_special_tokens=True)
    assert all(known_words() & set(text.split()) for text in said) and len(set(said)) > 1


def test_training_ends_when_its_time_is_over(trained: Path, tmp_path: Path) -> None:
    timed = dataclasses.replace(TINY, denoiser=dataclasses.replace(
        TINY.denoiser, steps=10_000, seconds=0.5))  # fmt: skip
    vae, tokenizer = autoencoder.finished(TINY, trained / "run"), build_tokenizer()
    trainer = Trainer(timed, vae, tokenizer, tmp_path)
    trainer.train()
    assert 0 < trainer.step < 10_000 and trainer.seconds >= 0.5
    assert schedule(5, timed.denoiser, past=1.0) == 0


def test_a_deeper_model_goes_on_where_the_shallower_stood(trained: Path, tmp_path: Path) -> None:
    deeper = dataclasses.replace(TINY, denoiser=dataclasses.replace(
        TINY.denoiser, transformer_layers=2))  # fmt: skip
    exported = load(trained / "out")
    trainer = Trainer(deeper, exported.vae, build_tokenizer(), tmp_path)
    trainer.begin_from(exported, 6)
    ids = tokenize(exported.tokenizer, ["a red star"])
    inputs = torch.randn(1, 4, 8, 8), torch.tensor([500]), ids, torch.zeros(1, 6)
    shallow = Denoiser(TINY.denoiser, 4, exported.tokenizer)
    shallow.unet, shallow.text.first = exported.unet, exported.text_encoder
    shallow.text.second = exported.text_encoder_2
    with torch.no_grad():
        expected, deep = shallow(*inputs), trainer.model.eval()(*inputs)
    torch.testing.assert_close(deep, expected)
    assert sum(map(is_deeper, trainer.model.unet.state_dict())) > 20
