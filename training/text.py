"""The tokenizer of Toybox's vocabulary and its two CLIP text encoders."""

from __future__ import annotations

import random
import string
from collections.abc import Sequence
from itertools import islice

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

from rpg.toybox.captions import Caption, Phrase, place_alone, worded
from rpg.toybox.scene import Scene
from rpg.toybox.vocabulary import known_words
from training.config import MOST_THINGS, DenoiserConfig

MAX_TOKENS = 48  # twice the longest caption; padding is work in every step
_ARTICLES = ("a", "an", "one", "the")
_START, _END = "<|startoftext|>", "<|endoftext|>"


def build_tokenizer() -> CLIPTokenizer:
    """A CLIP tokenizer in which every known word is one token; other words fall into letters."""
    words = sorted(known_words())
    characters = string.ascii_lowercase + string.digits + string.punctuation
    trainer = trainers.BpeTrainer(
        vocab_size=100_000,
        min_frequency=1,
        end_of_word_suffix="</w>",
        initial_alphabet=list(characters),
        # Their ids settle which of two equally frequent pairs merges first; left to the trainer
        # they would come in another order in every process.
        special_tokens=[f"{character}</w>" for character in characters],
        show_progress=False,
    )
    bpe = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    bpe.pre_tokenizer = pre_tokenizers.Whitespace()
    bpe.train_from_iterator(words, trainer)
    state = _model_state(bpe)
    vocabulary = sorted(state["vocab"], key=state["vocab"].__getitem__)
    ids = {token: index for index, token in enumerate([*vocabulary, _START, _END])}
    merges = [tuple(merge) for merge in state["merges"]]
    tokenizer = CLIPTokenizer(vocab=ids, merges=merges, model_max_length=MAX_TOKENS)
    unsplit = [word for word in words if len(tokenizer.tokenize(word)) != 1]
    assert not unsplit, f"not single tokens: {unsplit}"
    return tokenizer


def _model_state(tokenizer: Tokenizer) -> dict[str, dict[str, int]]:
    import json

    state: dict[str, dict[str, int]] = json.loads(tokenizer.to_str())["model"]
    return state


class TextEncoders(nn.Module):
    """The two text encoders side by side, read as `StableDiffusionXLPipeline` reads them."""

    def __init__(self, config: DenoiserConfig, tokenizer: CLIPTokenizer) -> None:
        super().__init__()
        first, second = (_text_config(config, tokenizer, n) for n in config.text_layers)
        self.first = CLIPTextModel(first)
        self.second = CLIPTextModelWithProjection(second)

    def forward(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """Ids (B, 48) to hidden states (B, 48, 2w) of the last layer but one, pooled (B, w)."""
        hidden = self.first(ids, output_hidden_states=True).hidden_states[-2]
        second = self.second(ids, output_hidden_states=True)
        return torch.cat([hidden, second.hidden_states[-2]], dim=-1), second.text_embeds


def _text_config(config: DenoiserConfig, tokenizer: CLIPTokenizer, layers: int) -> CLIPTextConfig:
    return CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=config.text_width,
        intermediate_size=4 * config.text_width,
        projection_dim=config.text_width,
        num_hidden_layers=layers,
        num_attention_heads=max(1, config.text_width // 32),
        max_position_embeddings=MAX_TOKENS,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )


def tokenize(tokenizer: CLIPTokenizer, captions: list[str]) -> Tensor:
    """Captions -> ids (B, 48), padded as the pipelines pad."""
    ids: Tensor = tokenizer(
        captions, padding="max_length", max_length=MAX_TOKENS, truncation=True, return_tensors="pt"
    ).input_ids
    return ids


def spoken(
    tokenizer: CLIPTokenizer,
    scenes: Sequence[Scene],
    rng: random.Random,
    place_captions: float = 0.0,
) -> tuple[Tensor, Tensor]:
    """A caption's ids for each scene, (B, 48), and which of them name each thing, (B, 3, 48).

    A share of `place_captions` names the place alone, and so no thing.
    """
    captions = [
        (place_alone if rng.random() < place_captions else worded)(scene, rng) for scene in scenes
    ]
    ids = tokenize(tokenizer, [caption.text for caption in captions])
    return ids, naming(tokenizer, captions, scenes, ids)


def naming(
    tokenizer: CLIPTokenizer, captions: Sequence[Caption], scenes: Sequence[Scene], ids: Tensor
) -> Tensor:
    """Which tokens name each thing, (B, 3, 48), without the articles.

    Args:
        tokenizer: what the ids are of.
        captions: one of each scene.
        scenes: of three things at most.
        ids: (B, 48), the captions' tokens.
    """
    phrases = [phrase for caption in captions for phrase in caption.phrases]
    bare = [_bare(phrase.words) for phrase in phrases]
    tokens = iter(tokenizer(bare, add_special_tokens=False).input_ids if bare else ())
    named = torch.zeros(len(captions), MOST_THINGS, ids.shape[1], dtype=torch.bool)
    for row, (caption, scene) in enumerate(zip(captions, scenes, strict=True)):
        own = list(islice(tokens, len(caption.phrases)))
        places = _places(ids[row].tolist(), own)
        for phrase, place in zip(caption.phrases, places, strict=True):
            for thing in _of(phrase, scene):
                named[row, thing, place] = True
    return named


def _bare(words: str) -> str:
    first, _, rest = words.partition(" ")
    return rest if first in _ARTICLES else words


def _places(row: list[int], phrases: Sequence[list[int]]) -> list[slice]:
    """Where the phrases stand in a row of tokens, one after the other."""
    places, start = [], 0
    for tokens in phrases:
        while row[start : start + len(tokens)] != tokens:
            start += 1
            assert start < len(row), "a phrase is not in its caption"
        places.append(slice(start, start + len(tokens)))
        start += len(tokens)
    return places


def _of(phrase: Phrase, scene: Scene) -> list[int]:
    return [number for number, thing in enumerate(scene.things) if thing in phrase.things]
