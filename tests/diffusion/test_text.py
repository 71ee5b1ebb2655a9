"""Texts of any length are encoded in full, in one batch per encoder."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from rpg.diffusion import regional
from rpg.diffusion.embeds import RegionalPromptEmbeds
from rpg.diffusion.text import Encoder, chunked
from rpg.errors import SettingsError
from tests.diffusion.helpers import assert_close, assert_differ, draw, halves, whole
from tests.tiny import MAX_TOKENS, tiny_sd15, tiny_sdxl

MAKERS = pytest.mark.parametrize("make", [tiny_sdxl, tiny_sd15])
LONG = "a big red star over a calm sea at night"  # 31 letters where 18 fit


def excess(text: str) -> int:
    """A letter is a token; two mark the ends."""
    return len(text.replace(" ", "")) + 2 - MAX_TOKENS


@settings(max_examples=100)
@given(st.text(alphabet="abc ", max_size=120))
def test_chunks_fit_and_lose_nothing(text: str) -> None:
    pieces = chunked(text, [excess])
    assert all(excess(piece) <= 0 for piece in pieces)
    assert "".join(pieces).replace(" ", "") == text.replace(" ", "")
    assert len(pieces) >= 1


def test_words_stay_whole_where_they_can() -> None:
    words = LONG.split()
    assert " ".join(chunked(LONG, [excess])).split() == words
    assert chunked("a red star", [excess]) == ["a red star"]
    assert chunked("", [excess]) == [""]
    assert chunked("x" * 40, [excess]) == ["x" * 18, "x" * 18, "x" * 4]


def encoded(
    pipe: Any, prompts: list[str], negatives: list[str], **asked: Any
) -> tuple[Any, RegionalPromptEmbeds]:
    call = {"prompt": "a scene", "device": "cpu", "num_images_per_prompt": 1}
    call |= {"do_classifier_free_guidance": True, "negative_prompt": None}
    return Encoder(pipe, prompts, negatives).encode(**(call | asked))


@MAKERS
def test_a_change_in_the_last_word_changes_the_embedding(make: Any) -> None:
    pipe = make()
    (base, *_), night = encoded(pipe, [LONG], [""], prompt=LONG)
    (other, *_), dawn = encoded(
        pipe, [LONG.replace("night", "dawn")], [""], prompt=LONG[:-5] + "dawn"
    )
    assert base.shape[1] == 2 * MAX_TOKENS and night.lengths == (2 * MAX_TOKENS,)
    assert_differ(base, other)
    assert_differ(night.prompts, dawn.prompts)
    assert torch.equal(night.prompts, base)


@pytest.mark.parametrize(
    ("make", "clip_skip"),
    [(tiny_sdxl, None), (tiny_sdxl, 1), (tiny_sd15, None)],  # 1.5 cannot with transformers 5
)
def test_short_texts_are_encoded_as_the_pipeline_does(make: Any, clip_skip: int | None) -> None:
    pipe = make()
    call = {"negative_prompt": "a blur", "clip_skip": clip_skip, "num_images_per_prompt": 2}
    ours, conditions = encoded(pipe, ["red star", "blue moon"], ["", "a dog"], **call)
    stock = pipe.encode_prompt("a scene", device="cpu", do_classifier_free_guidance=True, **call)
    for one, other in zip(ours, stock, strict=True):
        assert_close(one, other, 1e-6)
    star, no_dog = (alone(pipe, text, clip_skip) for text in ("red star", "a dog"))
    assert_close(conditions.prompts[:1], star, 1e-6)
    if clip_skip is None:  # which spares negatives, in diffusers too
        assert_close(conditions.negatives[1:], no_dog, 1e-6)
    else:
        assert_close(conditions.negatives[1:], alone(pipe, "a dog", None), 1e-6)


def test_layers_are_left_out_of_an_encoder_that_has_its_last_norm_itself() -> None:
    pipe = tiny_sd15()
    ours, conditions = encoded(pipe, ["red star"], [""], clip_skip=1)
    encoder, ids = pipe.text_encoder, pipe.tokenizer("red star", padding="max_length")["input_ids"]
    parts = dict(encoder.named_modules())
    states = encoder(torch.tensor([ids]), output_hidden_states=True).hidden_states[-2]
    norm = parts.get("final_layer_norm") or parts["text_model.final_layer_norm"]
    assert_close(conditions.prompts[:1], norm(states), 1e-6)
    assert set(parts) == set(dict(encoder.named_modules())) and "text_model" not in vars(encoder)
    with regional(pipe, halves()):
        assert_differ(draw(pipe, clip_skip=1), draw(pipe))
        with pytest.raises(SettingsError, match="clip_skip: 12 are more layers"):
            draw(pipe, clip_skip=12)


def alone(pipe: Any, text: str, clip_skip: int | None) -> Tensor:
    states: Tensor = pipe.encode_prompt(
        text,
        device="cpu",
        num_images_per_prompt=1,
        do_classifier_free_guidance=False,
        clip_skip=clip_skip,
    )[0]
    return states


def test_pooled_embeddings_of_every_region() -> None:
    pipe = tiny_sdxl()
    _, conditions = encoded(pipe, ["red star", LONG], ["", ""])
    first = chunked(LONG, [excess])[0]
    for row, text in enumerate(("red star", first)):
        stock = pipe.encode_prompt(text, device="cpu", do_classifier_free_guidance=False)[2]
        assert conditions.pooled is not None
        assert_close(conditions.pooled[row : row + 1], stock, 1e-6)


@MAKERS
@pytest.mark.parametrize("composer", ["attention", "latent", "latent+attention"])
def test_long_and_short_texts_together(make: Any, composer: Any) -> None:
    """A long prompt on one side, a long base, a long negative: every last word counts."""
    pipe = make()

    def drawn(right: str = LONG, **words: Any) -> Tensor:
        with regional(pipe, halves(right=right), composer=composer):
            return draw(pipe, **words)

    usual = drawn(prompt=LONG, negative_prompt=LONG)
    assert_differ(drawn(LONG + " sky", prompt=LONG, negative_prompt=LONG), usual)
    assert_differ(drawn(prompt=LONG + " sky", negative_prompt=LONG), usual)
    assert_differ(drawn(prompt=LONG, negative_prompt=LONG + " sky"), usual)
    assert_differ(drawn(negative_prompt=LONG), usual)


@pytest.mark.parametrize("composer", ["attention", "latent"])
def test_a_long_whole_region_equals_the_long_base(composer: Any) -> None:
    pipe = tiny_sdxl()
    with regional(pipe, whole(LONG), composer=composer, base_ratio=1):
        base = draw(pipe, prompt=LONG)
    with regional(pipe, whole(LONG), composer=composer, base_ratio=0):
        assert_close(draw(pipe, prompt=LONG), base)


@MAKERS
def test_textual_inversion_counts_every_token_it_writes(make: Any) -> None:
    pipe = make()
    vectors = torch.randn(4, 16, generator=torch.Generator().manual_seed(0))
    names = ["tokenizer", "tokenizer_2"] if hasattr(pipe, "tokenizer_2") else ["tokenizer"]
    for name in names:
        pipe.load_textual_inversion(
            vectors,
            token=f"<{name}>",
            tokenizer=getattr(pipe, name),
            text_encoder=getattr(pipe, name.replace("tokenizer", "text_encoder")),
        )
    text = " ".join(["<tokenizer>"] * 6)  # 24 tokens
    _, conditions = encoded(pipe, [text], [""])
    assert conditions.lengths == (2 * MAX_TOKENS,)
