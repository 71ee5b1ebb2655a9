"""Weights move tokens' embeddings away from the empty text's, or towards them; nothing else."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from rpg.diffusion import regional
from rpg.diffusion.embeds import RegionalPromptEmbeds
from rpg.diffusion.text import Encoder, chunk_count, reads_at_once
from rpg.plans.plan import Plan
from tests.diffusion.helpers import BASE, assert_close, assert_differ, draw, halves, whole
from tests.tiny import MAX_TOKENS, WIDTH, tiny_sd15, tiny_sdxl

MAKERS = pytest.mark.parametrize("make", [tiny_sdxl, tiny_sd15])
RED = slice(2, 5)  # the letters of "red" in "a red star", behind the mark of the beginning
LONG = "a big (red:1.5) star over a calm (sea at night:0.5)"  # two chunks


def regions(pipe: Any, *texts: str, **asked: Any) -> RegionalPromptEmbeds:
    return Encoder(pipe, texts, [""] * len(texts)).regions("cpu", **asked)


def embeds(pipe: Any, text: str, **asked: Any) -> Tensor:
    found: Tensor = regions(pipe, text, **asked).prompts[0]
    return found


@MAKERS
def test_a_weight_of_one_is_none_to_the_bit(make: Any) -> None:
    pipe = make()
    written = regions(pipe, "a (red:1.0) star", "(a [red star:1]:1)", r"a red\ star")
    plain = regions(pipe, "a red star", "a red star", r"a red\ star")
    assert torch.equal(written.prompts[:1], plain.prompts[:1])
    assert torch.equal(written.prompts[2], plain.prompts[2])
    long = regions(pipe, LONG.replace("1.5", "1.0").replace("0.5", "1"))
    assert torch.equal(
        long.prompts, regions(pipe, "a big red star over a calm sea at night").prompts
    )


@MAKERS
@pytest.mark.parametrize("weight", [0.0, 0.5, 1.3, 2.0, -1.0])
def test_weighted_tokens_alone_move_by_the_rule(make: Any, weight: float) -> None:
    """e + w (z - e) for the tokens of "red", in both encoders' halves of the embedding."""
    pipe = make()
    z, e = embeds(pipe, "a red star"), embeds(pipe, "")
    expected = z.clone()
    expected[RED] = e[RED] + weight * (z[RED] - e[RED])
    found = embeds(pipe, f"a (red:{weight}) star")
    assert_close(found, expected, 1e-6)
    others = [at for at in range(MAX_TOKENS) if at not in range(2, 5)]
    assert torch.equal(found[others], z[others])
    for encoder in range(z.shape[1] // WIDTH):
        half = slice(encoder * WIDTH, (encoder + 1) * WIDTH)
        assert_differ(found[RED, half], z[RED, half])


@MAKERS
def test_a_greater_weight_is_farther_from_the_empty_text(make: Any) -> None:
    pipe = make()
    e = embeds(pipe, "")
    found = [
        float((embeds(pipe, text) - e)[RED].norm())
        for text in (
            "a (red:0.2) star",
            "a [red] star",
            "a red star",
            "a (red) star",
            "a red++ star",
        )
    ]
    assert found == sorted(found) and len({round(one, 3) for one in found}) == len(found)


def test_the_pooled_embedding_is_that_of_the_plain_text() -> None:
    found = regions(tiny_sdxl(), "a (red:2.0) star", "a red star").pooled
    assert found is not None
    assert torch.equal(found[0], found[1])


@MAKERS
def test_long_texts_keep_their_weights_from_chunk_to_chunk(make: Any) -> None:
    pipe = make()
    found, plain = embeds(pipe, LONG), embeds(pipe, "a big red star over a calm sea at night")
    assert found.shape == plain.shape == (2 * MAX_TOKENS, plain.shape[1])
    moved = (found != plain).any(1).nonzero().flatten().tolist()
    # at most 18 letters a chunk: "a big red star over a", then "calm sea at night"
    red, sea = range(5, 8), range(MAX_TOKENS + 5, MAX_TOKENS + 15)
    assert moved == [*red, *sea]


@MAKERS
def test_a_weight_within_a_chunk_cut_out_of_a_word(make: Any) -> None:
    pipe = make()
    text = "x" * 40
    found, plain = embeds(pipe, f"({text}:2.0) y"), embeds(pipe, f"{text} y")
    moved = (found != plain).any(1).nonzero().flatten().tolist()
    assert len(moved) == 40


def test_two_tokenizers_that_count_differently_each_weigh_their_own_tokens() -> None:
    """A word with two vectors in the first encoder moves the tokens behind it there alone."""
    pipe = tiny_sdxl()
    pipe.tokenizer_2 = type(pipe.tokenizer)(
        vocab=pipe.tokenizer.get_vocab(), merges=[], model_max_length=MAX_TOKENS
    )
    for end, vectors in (("", 2), ("_2", 1)):
        pipe.load_textual_inversion(
            torch.randn(vectors, WIDTH, generator=torch.Generator().manual_seed(0)),
            token="<toy>",
            tokenizer=getattr(pipe, f"tokenizer{end}"),
            text_encoder=getattr(pipe, f"text_encoder{end}"),
        )
    found, plain = embeds(pipe, "<toy> (red:2.0) <toy>"), embeds(pipe, "<toy> red <toy>")
    moved = [(found != plain)[:, half].any(1).nonzero().flatten().tolist()
             for half in (slice(0, WIDTH), slice(WIDTH, None))]  # fmt: skip
    assert moved == [[3, 4, 5], [2, 3, 4]]


def test_clip_skip_is_weighted_against_its_own_empty_text() -> None:
    pipe = tiny_sdxl()
    z, e = (embeds(pipe, text, clip_skip=1) for text in ("a red star", ""))
    found = embeds(pipe, "a (red:1.5) star", clip_skip=1)
    assert_close(found[RED], (e + 1.5 * (z - e))[RED], 1e-6)
    assert_differ(found, embeds(pipe, "a (red:1.5) star"))


@MAKERS
def test_texts_are_counted_without_their_weights(make: Any) -> None:
    pipe = make()
    text = "(a (red:1.25) star over:1.2) (comets:1.1)"  # 18 letters
    assert reads_at_once(pipe)(text) and chunk_count(pipe, [text]) == 1
    assert not reads_at_once(pipe)(text + "s")


@MAKERS
@pytest.mark.parametrize("composer", ["attention", "latent"])
def test_weights_act_in_every_text(make: Any, composer: Any) -> None:
    pipe = make()

    def drawn(left: str = "red star", negative: str = "", **words: Any) -> Tensor:
        plan = halves(left=left).model_copy(update={"negative": negative})
        with regional(pipe, plan, composer=composer):
            return draw(pipe, **({"negative_prompt": negative or None} | words))

    usual = drawn(negative="a blur")
    assert torch.equal(drawn(negative="a blur", prompt="(a scene:1.0)"), usual)
    assert_differ(drawn(negative="a blur", prompt="a (scene:1.5)"), usual)
    assert_differ(drawn(left="(red:1.5) star", negative="a blur"), usual)
    assert_differ(drawn(negative="a (blur:1.5)"), usual)


@pytest.mark.parametrize("side", ["prompt", "negative_prompt"])
def test_a_second_text_for_the_second_encoder_has_weights_of_its_own(side: str) -> None:
    pipe = tiny_sdxl()
    call: dict[str, Any] = {"prompt": "a cat", "device": "cpu", "num_images_per_prompt": 2}
    call |= {"do_classifier_free_guidance": True, "negative_prompt": "a dog"}
    at = 0 if side == "prompt" else 1

    def encoded(first: str, second: str) -> Tensor:
        asked = call | {side: first, f"{side}_2": second}
        result, _ = Encoder(pipe, ["a"], [""]).encode(**asked)
        found = result[at]
        assert found is not None
        return found

    plain = encoded("a red star", "a red moon")
    stock = pipe.encode_prompt(**(call | {side: "a red star", f"{side}_2": "a red moon"}))
    assert torch.equal(plain, stock[at])
    found = encoded("a red star", "a (red:1.5) moon")
    assert torch.equal(found[..., :WIDTH], plain[..., :WIDTH])
    moved = (found != plain)[..., WIDTH:].any(-1)
    assert moved.nonzero().tolist() == [[row, token] for row in (0, 1) for token in (2, 3, 4)]


@pytest.mark.parametrize(
    ("negative", "second", "weighted"),
    [
        (None, "a (red:1.5) moon", (0, 1)),
        (["a dog", "a cat"], "a (red:1.5) moon", (0, 1)),
        ("a dog", ["a red moon", "a (red:1.5) moon"], (1,)),
    ],
    ids=["alone", "one for all", "one for each"],
)
def test_a_second_negative_of_any_number_has_its_weights(
    negative: Any, second: Any, weighted: tuple[int, ...]
) -> None:
    pipe = tiny_sdxl()
    call: dict[str, Any] = {"prompt": ["a cat", "a dog"], "device": "cpu"}
    call |= {"num_images_per_prompt": 1, "do_classifier_free_guidance": True}
    call |= {"negative_prompt": negative}
    stock = pipe.encode_prompt(**call, negative_prompt_2="a red moon")[1]
    (_, found, *_), _ = Encoder(pipe, ["a"], [""]).encode(**call, negative_prompt_2=second)
    assert found is not None
    assert torch.equal(found[..., :WIDTH], stock[..., :WIDTH])
    assert (found != stock).any(-1).any(-1).nonzero().flatten().tolist() == list(weighted)


@MAKERS
def test_embeddings_of_any_length_go_with_a_negative_in_words(make: Any) -> None:
    """diffusers alone would encode the negative to the same length, and fail."""
    pipe = make()
    text = "a big red star over a calm sea at night"
    with regional(pipe, whole(text), base_ratio=0.3):
        words = draw(pipe, prompt=text, negative_prompt="a (blur:1.5)")
        encoded = Encoder(pipe, [text], [""]).regions("cpu")
        given = {"prompt_embeds": encoded.prompts, "prompt": None}
        if encoded.pooled is not None:
            given["pooled_prompt_embeds"] = encoded.pooled
        assert_close(draw(pipe, **given, negative_prompt="a (blur:1.5)"), words)
        assert_differ(draw(pipe, **given, negative_prompt="a blur"), words)


@MAKERS
def test_embeddings_of_a_prompt_equal_its_words(make: Any) -> None:
    pipe = make()
    encoded = Encoder(pipe, ["a (scene:1.5)"], [""]).regions("cpu")
    given = {"prompt_embeds": encoded.prompts, "prompt": None}
    if encoded.pooled is not None:
        given["pooled_prompt_embeds"] = encoded.pooled
    with regional(pipe, halves()):
        assert_close(draw(pipe, **given), draw(pipe, prompt="a (scene:1.5)"))
        assert_differ(draw(pipe, **given), draw(pipe, prompt=BASE))


@MAKERS
def test_weights_act_where_a_plan_has_no_regions(make: Any) -> None:
    pipe = make()
    plain = draw(pipe, negative_prompt="a blur")
    with regional(pipe, Plan(prompt=BASE)):
        assert torch.equal(draw(pipe, negative_prompt="a blur"), plain)
        assert_close(draw(pipe, prompt="(a scene:1.0)", negative_prompt="a blur"), plain)
        assert_differ(draw(pipe, prompt="a (scene:1.5)", negative_prompt="a blur"), plain)
        assert_differ(draw(pipe, negative_prompt="a [[[blur]]]"), plain)
    assert "encode_prompt" not in vars(pipe)
