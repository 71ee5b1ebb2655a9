"""Prompts to embeddings: everything an image needs in one batch per text encoder, long ones in chunks.

The pipeline's own `encode_prompt` does the encoding, so textual inversion, LoRA scale and clip skip
keep working; it is asked once for all texts. A text over the tokenizer's limit is split between
words into chunks that fit, each encoded alone, and the embeddings are joined along the tokens, so
nothing is lost; the pooled embedding is the first chunk's.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

__all__ = ["Conditions", "Encoder", "chunked"]


@dataclass(frozen=True)
class Conditions:
    """The regions' texts, encoded.

    Attributes:
        prompts: (R, L, D), the subprompts.
        pooled: (R, P), or None for a family without pooled embeddings.
        negatives: (R, L, D) for the regions in `own_negative`, others undefined.
        negatives_pooled: (R, P) likewise.
        own_negative: for each region whether it has a negative of its own.
        empty: (1, l, D), the empty text, which fills up what is shorter.
    """

    prompts: Tensor
    pooled: Tensor | None
    negatives: Tensor
    negatives_pooled: Tensor | None
    own_negative: tuple[bool, ...]
    empty: Tensor

    def filled(self, embeds: Tensor) -> Tensor:
        """`embeds` (B, l, D) filled up with the empty text to the regions' length L."""
        return _filled(embeds, self.empty, self.prompts.shape[1])


class Encoder:
    """Encodes a call's own prompts and the regions' together.

    Args:
        pipe: the diffusers pipeline; its bound `encode_prompt` is kept.
        prompts: the subprompts of the R regions.
        negatives: the negative of each region; empty where it has none of its own.
    """

    def __init__(self, pipe: Any, prompts: Sequence[str], negatives: Sequence[str]) -> None:
        self._encode: Callable[..., tuple[Tensor | None, ...]] = pipe.encode_prompt
        self._signature = inspect.signature(pipe.encode_prompt)
        self._tokenizers = [
            tokenizer
            for tokenizer in (pipe.tokenizer, getattr(pipe, "tokenizer_2", None))
            if tokenizer is not None
        ]
        self._zeros = bool(getattr(pipe.config, "force_zeros_for_empty_prompt", False))
        self._texts = [*prompts, *negatives]
        self._own_negative = tuple(bool(negative) for negative in negatives)

    def encode(self, *args: Any, **words: Any) -> tuple[tuple[Tensor | None, ...], Conditions]:
        """Stands in for `pipe.encode_prompt`: what it would return, and the regions' conditions."""
        call = self._signature.bind(*args, **words)
        call.apply_defaults()
        asked = call.arguments
        own = self._own_texts(asked)
        if own is None:  # embeddings given, or two texts for one prompt: diffusers handles these
            result = self._encode(*args, **words)
            length = result[0].shape[1]  # type: ignore[union-attr]
            return result, self._conditions(self._batch(self._texts, asked), length)
        embeds = self._batch([*own, *self._texts], asked)
        prompts = len(asked["prompt"]) if isinstance(asked["prompt"], list) else 1
        result = self._result(embeds, asked, prompts, len(own) - prompts)
        length = embeds.length(range(len(own)))
        return result, self._conditions(embeds.part(len(own)), length)

    def _own_texts(self, asked: dict[str, Any]) -> list[str] | None:
        """The call's prompts, then its negatives; None where they cannot join the batch."""
        prompt, negative = asked["prompt"], asked["negative_prompt"]
        special = ("prompt_2", "negative_prompt_2", "prompt_embeds", "negative_prompt_embeds")
        if any(asked.get(name) is not None for name in (*special, "clip_skip")):
            return None
        prompts = [prompt] if isinstance(prompt, str) else prompt
        if not isinstance(prompts, list) or not asked["do_classifier_free_guidance"]:
            return prompts if isinstance(prompts, list) else None
        if negative is None and self._zeros:
            return prompts
        negatives = negative if isinstance(negative, list) else [negative or ""] * len(prompts)
        return [*prompts, *negatives] if len(negatives) == len(prompts) else None

    def _batch(self, texts: Sequence[str], asked: dict[str, Any]) -> _Embeds:
        """Every text in one call of the pipeline's own encoding, equal chunks once."""
        chunks = [chunked(text, self._tokenizers) for text in texts]
        unique = list(dict.fromkeys(["", *(chunk for text in chunks for chunk in text)]))
        optional = {name: asked[name] for name in ("lora_scale", "clip_skip") if name in asked}
        encoded = self._encode(
            prompt=unique,
            device=asked["device"],
            num_images_per_prompt=1,
            do_classifier_free_guidance=False,
            **optional,
        )
        places = [[unique.index(chunk) for chunk in text] for text in chunks]
        pooled = encoded[2] if len(encoded) > 2 else None
        assert encoded[0] is not None
        return _Embeds(encoded[0], pooled, places)

    def _result(
        self, embeds: _Embeds, asked: dict[str, Any], prompts: int, negatives: int
    ) -> tuple[Tensor | None, ...]:
        """The tuple that `encode_prompt` of this family returns."""
        copies = asked["num_images_per_prompt"]
        guided = asked["do_classifier_free_guidance"]
        length = embeds.length(range(prompts + negatives))
        positive = embeds.hidden(range(prompts), length)
        negative = pooled_negative = None
        pooled = embeds.first(range(prompts))
        if guided and negatives:
            own = range(prompts, prompts + negatives)
            negative, pooled_negative = embeds.hidden(own, length), embeds.first(own)
        elif guided:
            negative = torch.zeros_like(positive)
            pooled_negative = torch.zeros_like(pooled) if pooled is not None else None
        wide = (positive, negative) if pooled is None else (positive, negative, pooled, pooled_negative)
        return tuple(
            None if part is None else part.repeat_interleave(copies, dim=0) for part in wide
        )

    def _conditions(self, embeds: _Embeds, least: int) -> Conditions:
        count = len(self._own_negative)
        length = max(least, embeds.length(range(2 * count)))
        regions, negatives = range(count), range(count, 2 * count)
        return Conditions(
            prompts=embeds.hidden(regions, length),
            pooled=embeds.first(regions),
            negatives=embeds.hidden(negatives, length),
            negatives_pooled=embeds.first(negatives),
            own_negative=self._own_negative,
            empty=embeds.chunks[:1],
        )


@dataclass(frozen=True)
class _Embeds:
    """Encoded chunks, (U, l, D) and (U, P), the empty text first, and each text's chunks."""

    chunks: Tensor
    pooled: Tensor | None
    places: list[list[int]]

    def part(self, start: int) -> _Embeds:
        return _Embeds(self.chunks, self.pooled, self.places[start:])

    def length(self, texts: range) -> int:
        """Tokens that the longest of the texts takes."""
        return max(len(self.places[text]) for text in texts) * self.chunks.shape[1]

    def hidden(self, texts: range, length: int) -> Tensor:
        """(B, length, D), filled up with the empty text."""
        rows = [self.chunks[self.places[text]].flatten(0, 1)[None] for text in texts]
        return torch.cat([_filled(row, self.chunks[:1], length) for row in rows])

    def first(self, texts: range) -> Tensor | None:
        """(B, P), of each text's first chunk."""
        if self.pooled is None:
            return None
        return self.pooled[[self.places[text][0] for text in texts]]


def chunked(text: str, tokenizers: Sequence[Any]) -> list[str]:
    """Split a text between words into pieces that fit every tokenizer; most are one piece."""
    limit = min(tokenizer.model_max_length for tokenizer in tokenizers)

    def fits(piece: str) -> bool:
        return all(len(tokenizer(piece, verbose=False).input_ids) <= limit for tokenizer in tokenizers)

    if fits(text):
        return [text]
    pieces, rest = [], text.split()
    while rest:
        count = _longest(len(rest), lambda n: fits(" ".join(rest[:n])))
        if count == 0:  # one word longer than a chunk is cut
            letters = max(1, _longest(len(rest[0]), lambda n: fits(rest[0][:n])))
            rest[:1] = [rest[0][:letters], rest[0][letters:]]
            count = 1
        pieces.append(" ".join(rest[:count]))
        rest = rest[count:]
    return pieces


def _longest(most: int, fits: Callable[[int], bool]) -> int:
    """The largest n up to `most` that fits, by bisection; 0 where none does."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return low


def _filled(embeds: Tensor, empty: Tensor, length: int) -> Tensor:
    missing = length - embeds.shape[1]
    if missing <= 0:
        return embeds
    copies = -(-missing // empty.shape[1])
    filling = empty.repeat(len(embeds), copies, 1)[:, :missing]
    return torch.cat([embeds, filling.to(embeds)], dim=1)
