"""Prompts to embeddings: all that an image needs in one batch per encoder, long ones in chunks.

The pipeline's own `encode_prompt` does the encoding, so textual inversion, LoRA scale and clip skip
keep working; it is asked once for all texts. A text over the tokenizer's limit is split between
words into chunks that fit, each encoded alone, and the embeddings are joined along the tokens, so
nothing is lost; the pooled embedding is the first chunk's.

Encoders are given texts without their weights (`rpg.plans.prompt_weights`). Then a token of weight
w becomes e + w (z - e), z being its own embedding and e what the empty text has in its place: the
rule of ComfyUI, and of Compel for w > 1. Other tokens and the pooled embedding stay as they are.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from rpg.diffusion.embeds import Encoded, RegionalPromptEmbeds, filled
from rpg.diffusion.patches import replaced
from rpg.diffusion.state import Branch
from rpg.errors import SettingsError
from rpg.plans.prompt_weights import WeightedText, clean, read

__all__ = [
    "Encoder",
    "chunk_count",
    "chunked",
    "embedding_widths",
    "reads_at_once",
    "taught_words",
    "tokens_at_once",
]

Counter = Callable[[str], int]

_EMBEDS = ("prompt_embeds", "negative_prompt_embeds")
_SECOND = ("prompt_2", "negative_prompt_2")
_TEXTS = ("prompt", "negative_prompt", *_SECOND)


class Encoder:
    """Encodes a call's own prompts and the regions' together.

    Args:
        pipe: the diffusers pipeline; its bound `encode_prompt` is kept.
        prompts: the subprompts of the R regions.
        negatives: the negative of each region; empty where it has none of its own.
        encode: what is called as `encode_prompt`, where the pipeline has none.
    """

    def __init__(
        self,
        pipe: Any,
        prompts: Sequence[str],
        negatives: Sequence[str],
        encode: Callable[..., tuple[Tensor | None, ...]] | None = None,
    ) -> None:
        """Keep what is needed of the pipeline."""
        own: Callable[..., tuple[Tensor | None, ...]] = encode or pipe.encode_prompt
        self._encode = partial(_encoded_by, own, getattr(pipe, "text_encoder", None))
        self._signature = inspect.signature(own)
        self._readers = _readers(pipe)
        self._taught = taught_words(pipe)
        self._zeros = bool(getattr(pipe.config, "force_zeros_for_empty_prompt", False))
        self._prompts, self._negatives = prompts, negatives
        self._own_negative = tuple(bool(negative) for negative in negatives)

    def encode(
        self, *args: Any, **words: Any
    ) -> tuple[tuple[Tensor | None, ...], RegionalPromptEmbeds]:
        """Stands in for `pipe.encode_prompt`: what it would return, and the regions' conditions."""
        result, wanted, unwanted = self._encoded(self._signature.bind(*args, **words))
        return result, self._conditions(wanted, unwanted)

    def encode_weighted(self, *args: Any, **words: Any) -> tuple[Tensor | None, ...]:
        """The same without regions; where no text has weights, `pipe.encode_prompt` itself."""
        call = self._signature.bind(*args, **words)
        texts = [text for name in _TEXTS for text in _listed(call.arguments.get(name))]
        return (
            self._encode(*args, **words) if all(map(_is_plain, texts)) else self._encoded(call)[0]
        )

    def _encoded(
        self, call: inspect.BoundArguments
    ) -> tuple[tuple[Tensor | None, ...], _Embeds, _Embeds]:
        """What a call of `encode_prompt` returns; the regions' prompts and negatives."""
        call.apply_defaults()
        asked = call.arguments
        own = self._own_texts(asked)
        if own is None:
            return self._encoded_beside(call)
        prompts, negatives = own
        wanted, unwanted = self._batches(
            [*prompts, *self._prompts], [*negatives, *self._negatives], asked
        )
        result = _result(
            wanted.part(0, len(prompts)), unwanted.part(0, len(negatives)), bool(negatives), asked
        )
        return result, wanted.part(len(prompts)), unwanted.part(len(negatives))

    def regions(
        self, device: Any, lora_scale: float | None = None, clip_skip: int | None = None
    ) -> RegionalPromptEmbeds:
        """The regions alone, encoded on a device; scale and skip as in `encode_prompt`."""
        asked = {"device": device, "lora_scale": lora_scale, "clip_skip": clip_skip}
        return self._conditions(*self._batches(self._prompts, self._negatives, asked))

    def region(self, region: int, *args: Any, **words: Any) -> tuple[Encoded, Encoded | None]:
        """A region's subprompt and its negative, encoded alone, as the encoders are now.

        Its negative is the call's where it has none of its own; None where that is no text.

        Args:
            region: its index.
            args: of a call of `encode_prompt`, as are `words`.
            words: likewise.
        """
        call = self._signature.bind(*args, **words)
        call.apply_defaults()
        own = self._own_texts(call.arguments)
        of_call = own[1][0] if own and own[1] else None
        negative = self._negatives[region] or of_call
        unwanted = [] if negative is None else [negative]
        both = self._batches([self._prompts[region]], unwanted, call.arguments)
        prompt, *rest = ((one.hidden(one.longest), one.first()) for one in both if one.places)
        return prompt, rest[0] if rest else None

    def prompts(self, *args: Any, **words: Any) -> list[str]:
        """The prompts of a call of `encode_prompt`; none where embeddings take their place."""
        return _listed(self._signature.bind(*args, **words).arguments.get("prompt"))

    def count(self, *args: Any, **words: Any) -> int:
        """How many prompts, or embeddings in their place, a call of `encode_prompt` has."""
        prompts = self.prompts(*args, **words)
        return len(prompts or self._signature.bind(*args, **words).arguments["prompt_embeds"])

    @staticmethod
    def branches(encoded: Sequence[Tensor | None]) -> dict[Branch, Tensor]:
        """What `encode_prompt` returned, by what it is for, without pooled embeddings."""
        positive, negative, *_ = encoded
        assert positive is not None
        return {"cond": positive} if negative is None else {"cond": positive, "uncond": negative}

    def _encoded_beside(
        self, call: inspect.BoundArguments
    ) -> tuple[tuple[Tensor | None, ...], _Embeds, _Embeds]:
        """The same for embeddings or two texts for a prompt, which diffusers encodes.

        Negatives in words beside embeddings are encoded here: diffusers would want them as long.
        """
        asked, own = call.arguments, self._own_negatives(call.arguments)
        wanted, unwanted = self._batches(self._prompts, [*own, *self._negatives], asked)
        if own:
            negatives, embeds = unwanted.part(0, len(own)), asked["prompt_embeds"]
            length = max(negatives.longest, embeds.shape[1])
            asked["prompt_embeds"] = filled(embeds, wanted.chunks[:1], length)
            asked["negative_prompt"] = None
            asked["negative_prompt_embeds"] = negatives.hidden(length)
            if negatives.pooled is not None:
                asked["negative_pooled_prompt_embeds"] = negatives.first()
        texts = {name: [read(one) for one in _listed(asked.get(name))] for name in _TEXTS}
        for name in (name for name, some in texts.items() if some):
            plain = [text.clean for text in texts[name]]
            asked[name] = plain[0] if isinstance(asked[name], str) else plain
        positive, negative, *pooled = self._encode(*call.args, **call.kwargs)
        prompts, empty = (texts["prompt"], texts["prompt_2"]), wanted.chunks[0]
        positive = self._weighted_rows(positive, prompts, empty)
        prompts, empty = (texts["negative_prompt"], texts["negative_prompt_2"]), unwanted.chunks[0]
        negative = self._weighted_rows(negative, prompts, empty)
        return (positive, negative, *pooled), wanted, unwanted.part(len(own))

    def _own_negatives(self, asked: dict[str, Any]) -> list[str]:
        """The negatives of a call with embeddings for its prompts, where they are words."""
        embeds, negative = asked.get("prompt_embeds"), asked.get("negative_prompt")
        others = (asked.get("negative_prompt_embeds"), asked.get("negative_prompt_2"))
        if embeds is None or any(one is not None for one in others):
            return []
        if not asked["do_classifier_free_guidance"] or (negative is None and self._zeros):
            return []
        negatives = negative if isinstance(negative, list) else [negative or ""] * len(embeds)
        return negatives if len(negatives) == len(embeds) else []

    def _own_texts(self, asked: dict[str, Any]) -> tuple[list[str], list[str]] | None:
        """The call's prompts and its negatives; None where they cannot join the batch."""
        prompt, negative = asked["prompt"], asked["negative_prompt"]
        if any(asked.get(name) is not None for name in (*_EMBEDS, *_SECOND)):
            return None
        prompts = [prompt] if isinstance(prompt, str) else prompt
        if not isinstance(prompts, list):
            return None
        if not asked["do_classifier_free_guidance"] or (negative is None and self._zeros):
            return prompts, []
        negatives = negative if isinstance(negative, list) else [negative or ""] * len(prompts)
        return (prompts, negatives) if len(negatives) == len(prompts) else None

    def _batches(
        self, wanted: Sequence[str], unwanted: Sequence[str], asked: dict[str, Any]
    ) -> tuple[_Embeds, _Embeds]:
        """Prompts and negatives in one batch; in two under `clip_skip`, which spares negatives."""
        skip = asked.get("clip_skip")
        if skip is None:
            both = self._batch([*wanted, *unwanted], asked, None)
            return both.part(0, len(wanted)), both.part(len(wanted))
        return self._batch(wanted, asked, skip), self._batch(unwanted, asked, None)

    def _batch(self, texts: Sequence[str], asked: dict[str, Any], skip: int | None) -> _Embeds:
        """Every text in one call of the pipeline's own encoding, equal chunks once."""
        counters = [reader.excess for reader in self._readers]
        read_texts = [read(self._spelled(text)) for text in texts]
        pieces = [one.cut(chunked(one.clean, counters)) for one in read_texts]
        rows = list(dict.fromkeys([WeightedText(), *(piece for text in pieces for piece in text)]))
        unique = list(dict.fromkeys(row.clean for row in rows))
        optional = {"lora_scale": asked.get("lora_scale"), "clip_skip": skip}
        known = self._signature.parameters
        optional = {name: value for name, value in optional.items() if name in known}
        encoded = self._encode(
            prompt=unique,
            device=asked["device"],
            num_images_per_prompt=1,
            do_classifier_free_guidance=False,
            **optional,
        )
        assert encoded[0] is not None
        origin = [unique.index(row.clean) for row in rows]
        hidden = encoded[0][origin]
        for at, row in enumerate(rows):
            if row.is_weighted:
                hidden[at] = self._weighted(hidden[at], [row] * len(self._readers), hidden[0])
        pooled = encoded[2] if len(encoded) > 2 else None
        places = [[rows.index(piece) for piece in text] for text in pieces]
        return _Embeds(hidden, None if pooled is None else pooled[origin], places)

    def _weighted_rows(
        self, hidden: Tensor | None, texts: Sequence[Sequence[WeightedText]], empty: Tensor
    ) -> Tensor | None:
        """(B, l, D) with the weights of its texts, the second encoder's being its own or those."""
        first, second = texts
        if hidden is None or not any(text.is_weighted for text in (*first, *second)):
            return hidden
        both = first or [WeightedText()], second or first
        count = len(hidden)  # one text for all of them, or one for equally many in a row
        rows = [
            self._weighted(row, [some[at * len(some) // count] for some in both], empty)
            for at, row in enumerate(hidden)
        ]
        return torch.stack(rows)

    def _weighted(self, hidden: Tensor, texts: Sequence[WeightedText], empty: Tensor) -> Tensor:
        """An embedding, (l, D), with the weights of its text, which is told for each encoder.

        Where all weights are one it is the same to the bit. `empty` is the empty text's, (l, D).
        """
        columns = [
            reader.weights(text, len(hidden))[:, None].expand(-1, reader.width)
            for reader, text in zip(self._readers, texts, strict=False)
        ]
        weights = torch.cat(columns, dim=1).to(hidden.device)
        start = empty[: len(hidden)].float()
        moved = start + (hidden.float() - start) * weights
        return torch.where(weights == 1, hidden, moved.to(hidden.dtype))

    def _spelled(self, text: str) -> str:
        """A text with the words of textual inversions in their own letters, however it has them.

        CLIP knows no capitals, but diffusers looks for such words of several vectors in the text.
        """
        for word in self._taught:
            text = re.sub(re.escape(word), word.replace("\\", r"\\"), text, flags=re.IGNORECASE)
        return text

    def _conditions(self, prompts: _Embeds, negatives: _Embeds) -> RegionalPromptEmbeds:
        count = len(self._prompts)
        lengths = [
            max(prompts.length(i), negatives.length(i)) if own else prompts.length(i)
            for i, own in enumerate(self._own_negative)
        ]
        return RegionalPromptEmbeds(
            prompts=prompts.hidden(max(lengths)),
            pooled=prompts.first(),
            negatives=negatives.hidden(max(lengths)),
            negatives_pooled=negatives.first(),
            own_negative=self._own_negative,
            lengths=tuple(lengths[:count]),
            empty=prompts.chunks[:1],
        )


def _result(
    prompts: _Embeds, negatives: _Embeds, has_negatives: bool, asked: dict[str, Any]
) -> tuple[Tensor | None, ...]:
    """The tuple that `encode_prompt` of this family returns."""
    length = max(text.longest for text in (prompts, negatives))
    positive, pooled = prompts.hidden(length), prompts.first()
    negative = pooled_negative = None
    if has_negatives:
        negative, pooled_negative = negatives.hidden(length), negatives.first()
    elif asked["do_classifier_free_guidance"]:
        negative = torch.zeros_like(positive)
        pooled_negative = torch.zeros_like(pooled) if pooled is not None else None
    wide = (positive, negative) if pooled is None else (positive, negative, pooled, pooled_negative)
    copies = asked["num_images_per_prompt"]
    return tuple(None if part is None else part.repeat_interleave(copies, dim=0) for part in wide)


@dataclass(frozen=True)
class _Embeds:
    """Encoded chunks, (U, l, D) and (U, P), the empty text first, and each text's chunks."""

    chunks: Tensor
    pooled: Tensor | None
    places: list[list[int]]

    def part(self, start: int, end: int | None = None) -> _Embeds:
        """The texts from `start` up to `end`."""
        return _Embeds(self.chunks, self.pooled, self.places[start:end])

    def length(self, text: int) -> int:
        """Tokens that a text takes."""
        return len(self.places[text]) * self.chunks.shape[1]

    @property
    def longest(self) -> int:
        """Tokens that the longest text takes; 0 where there is none."""
        return max((self.length(text) for text in range(len(self.places))), default=0)

    def hidden(self, length: int) -> Tensor:
        """(B, length, D), filled up with the empty text, or cut where a text is not needed."""
        rows = [self.chunks[places].flatten(0, 1)[None, :length] for places in self.places]
        return torch.cat([filled(row, self.chunks[:1], length) for row in rows])

    def first(self) -> Tensor | None:
        """(B, P), of each text's first chunk."""
        if self.pooled is None:
            return None
        return self.pooled[[places[0] for places in self.places]]


def _is_plain(text: str) -> bool:
    """Whether nothing in a text is read as a weight."""
    return clean(text) == text


def _listed(texts: Any) -> list[str]:
    return [texts] if isinstance(texts, str) else list(texts or ())


@dataclass(frozen=True)
class _Reader:
    """One of a pipeline's tokenizers, with its text encoder."""

    pipe: Any
    tokenizer: Any
    encoder: Any

    @property
    def width(self) -> int:
        """Values of a token's embedding."""
        return int(self.encoder.config.hidden_size)

    @property
    def taught(self) -> frozenset[str]:
        """The words that textual inversions have added."""
        return frozenset(self.tokenizer.added_tokens_encoder).difference(
            self.tokenizer.all_special_tokens
        )

    def tokens(self, text: str) -> int:
        """How many tokens a text is, with the marks of its ends."""
        if self.taught:  # textual inversion: a word is several
            text = self.pipe.maybe_convert_prompt(text, self.tokenizer)
        return len(self.tokenizer(text, verbose=False).input_ids)

    def excess(self, text: str) -> int:
        """How many tokens over its limit a text is."""
        return self.tokens(text) - int(self.tokenizer.model_max_length)

    def weights(self, text: WeightedText, length: int) -> Tensor:
        """(length,), the weight of each token; 1 of the marks and of what fills up."""
        found, before, stop = torch.ones(length), "", 1
        for run, weight in text.runs:
            start, before = stop, before + run
            stop = self.tokens(before) - 1
            found[start:stop] = weight
        return found


def _readers(pipe: Any) -> list[_Reader]:
    """The pipeline's tokenizers and encoders, in the order of their embeddings."""
    both = [
        _Reader(
            pipe, getattr(pipe, f"tokenizer{end}", None), getattr(pipe, f"text_encoder{end}", None)
        )
        for end in ("", "_2")
    ]
    return [one for one in both if one.tokenizer is not None]


def _encoded_by(
    own: Callable[..., tuple[Tensor | None, ...]], encoder: Any, *args: Any, **words: Any
) -> tuple[Tensor | None, ...]:
    """What a pipeline encodes by itself.

    To leave out layers, diffusers looks for the last norm in the `text_model` of the encoder, which
    with transformers 5 has the norm itself.

    Raises:
        SettingsError: `clip_skip` leaves no layer.
    """
    lacks = not hasattr(encoder, "text_model") and hasattr(encoder, "final_layer_norm")
    with replaced(encoder, "text_model", encoder) if lacks else nullcontext():
        try:
            return own(*args, **words)
        except IndexError as error:
            if not (skip := words.get("clip_skip")):
                raise
            said = (
                f"clip_skip: {skip} are more layers than this model's text encoder can do without"
            )
            raise SettingsError(said) from error


def taught_words(pipe: Any) -> frozenset[str]:
    """The words that textual inversions have added to a pipeline's tokenizers."""
    return frozenset().union(*(reader.taught for reader in _readers(pipe)))


def chunk_count(pipe: Any, texts: Sequence[str]) -> int:
    """Chunks that the longest of some texts takes with the pipeline's tokenizers, 1 or more."""
    counters = [reader.excess for reader in _readers(pipe)]
    return max((len(chunked(clean(text), counters)) for text in texts), default=1)


def reads_at_once(pipe: Any) -> Callable[[str], bool]:
    """Whether a text is one chunk to all of the pipeline's tokenizers."""
    readers = _readers(pipe)
    return lambda text: all(reader.excess(clean(text)) <= 0 for reader in readers)


def tokens_at_once(pipe: Any) -> int:
    """Tokens of a text that all of the pipeline's encoders read at once, marks aside."""
    return min(int(reader.tokenizer.model_max_length) for reader in _readers(pipe)) - 2


def embedding_widths(pipe: Any) -> tuple[int, int]:
    """Values of a token's embedding in a pipeline, and of a pooled one."""
    readers = _readers(pipe)
    pooled = int(readers[-1].encoder.config.projection_dim)
    return sum(reader.width for reader in readers), pooled


def chunked(text: str, counters: Sequence[Counter]) -> list[str]:
    """Split a text between words into pieces that fit every tokenizer; most are one piece.

    Args:
        text: any text.
        counters: for each tokenizer, how many tokens over its limit a text is.
    """

    def fits(piece: str) -> bool:
        return all(counter(piece) <= 0 for counter in counters)

    if fits(text):
        return [text]
    pieces, words = [], text.split()
    while words:
        count = _longest(words, lambda some: fits(" ".join(some)))
        if count == 0:  # one word longer than a chunk is cut
            letters = max(1, _longest(words[0], fits))
            words[:1] = filter(None, [words[0][:letters], words[0][letters:]])
            count = 1
        pieces.append(" ".join(words[:count]))
        words = words[count:]
    return pieces


def _longest(parts: Sequence[str], fits: Callable[[Any], bool]) -> int:
    """How many of the parts fit from the first on, by bisection; 0 where none does."""
    low, high = 0, len(parts)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(parts[:middle]) else (low, middle - 1)
    return low
