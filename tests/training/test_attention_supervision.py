"""Attention supervision: the known words of a cell, the loss, and rescaled logits."""

from __future__ import annotations

import dataclasses
import math
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from diffusers.models.attention_processor import AttnProcessor
from torch import Tensor

from rpg.toybox.captions import worded
from rpg.toybox.scene import Scene, Thing, random_scene
from training import __main__ as command
from training import autoencoder
from training.attention_supervision import SupervisedAttention, clear_of_things, own_words
from training.config import CONFIGS
from training.data import CELL, View
from training.denoiser import Trainer
from training.export import load
from training.halves import Halves
from training.logit_rescale import MOST_OVER_CELLS, MOST_OVER_WORDS, rescale_logits
from training.model import Denoiser, is_lower
from training.optimizer import Optimizer
from training.text import build_tokenizer, naming, tokenize

TINY = CONFIGS["tiny"]
TOKENIZER = build_tokenizer()
STAR, DOTTED = Thing("star", "red", 40, 40, 60), Thing("star", "red", 200, 200, 80, "dotted")
CATS = Thing("cat", "blue", 60, 190, 70), Thing("cat", "blue", 190, 60, 70)


@pytest.fixture
def model() -> Denoiser:
    torch.manual_seed(3)
    return Denoiser(TINY.denoiser, 4, TOKENIZER)


def _inputs(count: int = 2) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    ids = tokenize(TOKENIZER, ["a red star and a blue cat"] * count)
    noisy = torch.randn(count, 4, 16, 16, generator=generator)
    return noisy, torch.full((count,), 600), ids, torch.full((count, 6), 128)


def _named(scene: Scene, seed: int) -> tuple[str, list[str]]:
    """A caption, and for each thing the words that are said to name it."""
    caption = worded(scene, random.Random(seed))
    ids = tokenize(TOKENIZER, [caption.text])
    words = naming(TOKENIZER, [caption], [scene], ids)[0]
    return caption.text, [TOKENIZER.decode(ids[0][own]) for own in words]


@pytest.mark.parametrize("things", [1, 2, 3])
def test_every_thing_is_named_once_by_words_of_the_caption(things: int) -> None:
    rng = random.Random(things)
    for _ in range(100):
        scene = random_scene(rng, 256, 256, things)
        caption = worded(scene, rng)
        named = [thing for phrase in caption.phrases for thing in phrase.things]
        assert sorted(map(id, named)) == sorted(map(id, scene.things))
        at = 0
        for phrase in caption.phrases:
            at = caption.text.index(phrase.words, at) + len(phrase.words)


def test_the_tokens_of_a_thing_are_its_own() -> None:
    scene = Scene(256, 256, (DOTTED, STAR))
    for seed in range(40):
        text, (dotted, star, none) = _named(scene, seed)
        assert none == ""
        assert ("dot" in dotted or "spot" in dotted) and "dot" not in star, text
        assert not {"a", "an", "one", "the", "and"} & set(f"{dotted} {star}".split()), text


def test_things_of_one_kind_share_their_words() -> None:
    for seed in range(20):
        text, named = _named(Scene(256, 256, (CATS[0], STAR, CATS[1])), seed)
        if "two" in text:
            assert named[0] == named[2] != named[1], text
            return
    raise AssertionError("never two of a kind")


def test_boxes_are_in_the_cells_of_the_part_that_is_shown() -> None:
    view = View(Scene(256, 256, (STAR,)), 8, 16, 64, 64)
    box, *none = view.boxes()
    half = STAR.side / 2
    assert box == tuple(
        side / CELL for side in (40 - half - 8, 40 - half - 16, 40 + half - 8, 40 + half - 16)
    )
    assert none == [(0, 0, 0, 0)] * 2


@pytest.mark.parametrize("side", [1, 2, 4])
def test_cells_inside_a_thing_have_its_words_and_no_others_have_any(side: int) -> None:
    boxes = torch.tensor([[[0.0, 0, 8, 8], [8, 8, 16, 24], [0, 0, 0, 0]]])
    words = torch.zeros(1, 3, 48, dtype=torch.bool)
    words[0, 0, 2], words[0, 1, 5], words[0, 2, 9] = True, True, True
    height, width = 24 // side, 16 // side
    own = own_words(boxes, words, (24, 16), height * width).view(height, width, 48)
    assert not own[..., 9].any()
    assert own[8 // side - 2 if side < 4 else 0, 0 if side == 4 else 1, 2]
    assert own[16 // side, 12 // side, 5] and not own[16 // side, 12 // side, 2]
    assert not own[-1, 0].any() and not own[0, -1].any()


def test_supervised_attention_attends_as_diffusers_does(model: Denoiser) -> None:
    with torch.no_grad():
        model.unet.set_attn_processor(AttnProcessor())
        expected = model(*_inputs())
        model.unet.set_attn_processor(SupervisedAttention())
        torch.testing.assert_close(model(*_inputs()), expected, atol=1e-5, rtol=1e-4)


def test_cells_clear_of_things_hear_none_of_their_words() -> None:
    boxes = torch.tensor([[[0.0, 0, 8, 8], [0, 0, 0, 0], [0, 0, 0, 0]]])
    clear = clear_of_things(boxes, (16, 16), 64).view(8, 8)
    assert not clear[:4, :4].any()  # the thing and half a cell of this level about it
    assert clear[5:].all() and clear[:, 5:].all()
    assert clear_of_things(torch.zeros(1, 3, 4), (16, 16), 64).all()


def _loss(logits: Tensor, boxes: Tensor, words: Tensor) -> float:
    attention_supervision = SupervisedAttention()
    attention_supervision.logits_per_layer = [logits]
    found = float(attention_supervision.loss(boxes, words, (4, 4)))
    assert not attention_supervision.logits_per_layer
    return found


def test_the_loss_is_of_the_words_that_cells_may_attend_to() -> None:
    words = torch.zeros(1, 3, 48, dtype=torch.bool)
    words[0, 0, 3:6] = True
    everywhere = torch.tensor([[[0.0, 0, 4, 4], [0, 0, 0, 0], [0, 0, 0, 0]]])
    nowhere = torch.zeros(1, 3, 4)
    even, logits_per_layer = torch.zeros(1, 2, 16, 48), torch.zeros(1, 2, 16, 48)
    logits_per_layer[:, 0, :, 3:6] = 20.0  # the second head is not judged
    assert _loss(even, everywhere, words) == pytest.approx(math.log(48 / 3))
    assert _loss(even, nowhere, words) == pytest.approx(math.log(48 / 45))
    assert _loss(logits_per_layer, everywhere, words) == pytest.approx(0, abs=1e-6)
    assert _loss(logits_per_layer, nowhere, words) > 10
    for boxes in (everywhere, nowhere):
        assert _loss(logits_per_layer, boxes, words & False) == 0  # nothing is said


class _Measuring(SupervisedAttention):
    """Keeps each attention's largest deviation of a head, and what its likeliest word has."""

    def __init__(self) -> None:
        super().__init__()
        self.over_words: list[float] = []
        self.over_cells: list[float] = []
        self.largest: list[float] = []

    def weighed(self, attn: object, logits: Tensor) -> Tensor:
        spread = (logits - logits.mean(-1, keepdim=True)).square().mean((0, 2, 3)).sqrt()
        if logits.shape[-1] == 48:
            self.over_words.append(float(spread.max()))
            self.largest.append(float(logits.softmax(-1).amax(-1).mean()))
        else:
            self.over_cells.append(float(spread.max()))
        return logits


@torch.no_grad()
def _measured(model: Denoiser) -> _Measuring:
    measuring = _Measuring()
    model.unet.set_attn_processor(measuring)
    model(*_inputs())
    return measuring


def test_saturated_heads_are_rescaled_and_others_stay(model: Denoiser) -> None:
    queries = [v for n, v in model.unet.named_parameters() if "attn2.to_q" in n]
    with torch.no_grad():
        for value in queries:
            value.mul_(3e4)

    hard = _measured(model)
    before = {name: type(one) for name, one in model.unet.attn_processors.items()}
    with torch.no_grad():
        rescale_logits(model.unet, lambda: model(*_inputs()))
    assert {name: type(one) for name, one in model.unet.attn_processors.items()} == before
    soft = _measured(model)
    assert max(soft.over_words) < MOST_OVER_WORDS * 1.01
    assert max(soft.over_cells) < MOST_OVER_CELLS * 1.01
    assert min(hard.largest) > 0.8 and max(soft.largest) < 0.5
    kept = [value.clone() for value in queries]
    rescale_logits(model.unet, lambda: model(*_inputs()))
    for value, was in zip(queries, kept, strict=True):
        torch.testing.assert_close(value, was)  # what is soft stays as it is


def test_rates_follow_the_size_of_the_weights(model: Denoiser) -> None:
    settings = dataclasses.replace(TINY.denoiser, relative_rate=0.01, lower_half=3.0)
    name = "unet.up_blocks.1.resnets.0.conv1.weight"
    value = model.get_parameter(name).detach()
    small = Optimizer(model, settings).rates[name]
    with torch.no_grad():
        value.mul_(10)
    large = Optimizer(model, settings).rates[name]
    assert large / small == pytest.approx(10, rel=0.3)
    assert large == pytest.approx(0.01 * float(value.square().mean().sqrt()), rel=0.15)
    lower = "unet.mid_block.resnets.0.conv1.weight"
    size = float(model.get_parameter(lower).detach().square().mean().sqrt())
    assert Optimizer(model, settings).rates[lower] == pytest.approx(0.03 * size, rel=0.15)
    assert is_lower(lower, 3) and not is_lower(name, 3)
    assert set(Optimizer(model, TINY.denoiser).rates.values()) == {TINY.denoiser.learning_rate}


def test_an_optimizer_goes_on_with_the_rates_it_had(model: Denoiser) -> None:
    settings = dataclasses.replace(TINY.denoiser, relative_rate=0.01)
    optimizer = Optimizer(model, settings)
    for value in model.parameters():
        value.grad = torch.ones_like(value)
    optimizer.step(1.0)
    state = optimizer.state_dict()
    with torch.no_grad():
        for value in model.parameters():
            value.mul_(5)  # a run's weights are other ones by the time it is resumed
    again = Optimizer(model, settings)
    assert again.rates != optimizer.rates
    again.load_state_dict(state)
    assert again.rates == optimizer.rates
    assert len(again.adamw.state) == len(optimizer.adamw.state) > 0


def test_a_step_without_numbers_changes_nothing(model: Denoiser) -> None:
    optimizer = Optimizer(model, TINY.denoiser)
    before = [value.detach().clone() for value in model.parameters()]
    for value in model.parameters():
        value.grad = torch.full_like(value, float("nan"))
    optimizer.step(1.0)
    for value, was in zip(model.parameters(), before, strict=True):
        assert torch.equal(value, was) and value.grad is None


def test_passes_in_half_precision_teach_the_whole(model: Denoiser) -> None:
    halves = Halves(model, wanted=True)
    assert {value.dtype for value in halves.model.parameters()} == {torch.bfloat16}
    assert Halves(model, wanted=False).model is model
    name = "unet.conv_in.weight"
    with torch.no_grad():
        model.get_parameter(name).add_(1.0)
    halves.follow()
    own, copied = model.get_parameter(name), halves.model.get_parameter(name)
    torch.testing.assert_close(copied.float(), own, atol=0.01, rtol=0.01)
    noisy, *rest = _inputs()
    halves.model(noisy.bfloat16(), *rest).float().square().mean().backward()
    halves.hand_over()
    assert own.grad is not None and own.grad.dtype == torch.float32 and copied.grad is None
    assert float(own.grad.norm()) > 0


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("exported")
    command.train(TINY, folder / "run", folder / "out")
    yield folder


def test_training_brings_attention_to_the_things_own_words(exported: Path, tmp_path: Path) -> None:
    vae = autoencoder.finished(TINY, exported / "run")

    def until(steps: int) -> Trainer:
        settings = dataclasses.replace(
            TINY.denoiser, steps=steps, relative_rate=0.02, attention_supervision=1.0, decay=0.0
        )
        config = dataclasses.replace(TINY, denoiser=settings, bfloat16=True)
        return Trainer(config, vae, TOKENIZER, tmp_path)

    early = until(16)
    early.begin_from(load(exported / "out"), 6)
    early.train()
    late = until(80)
    assert late.step == 16 and late.optimizer.rates == early.optimizer.rates
    late.train()
    assert late.supervision < 0.8 * early.supervision
