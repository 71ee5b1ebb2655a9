"""Textual inversions: words of one's own, taught to every text encoder of a pipeline or to none."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import load_file

from rpg._loading import loading, named
from rpg.diffusion import file_kinds
from rpg.diffusion.backbones.registry import family
from rpg.diffusion.quiet import quiet_adapters
from rpg.errors import ModelError

__all__ = ["Embedding", "load_embedding"]

_KIND = "a textual inversion"
_NAMELESS = ("emb_params", "string_to_param")  # keys of files that are called by their name
# Keys for the first and the second encoder: A1111's, those of diffusers' training script.
_PAIRS = (("clip_l", "clip_g"), ("text_encoders_0", "text_encoders_1"))
_FAMILIES: Mapping[tuple[int, ...], str] = {
    (768,): "Stable Diffusion 1.5",
    (1024,): "Stable Diffusion 2",
    (768, 1280): "SDXL",
}


@dataclass(frozen=True)
class Embedding:
    """One, judged by its file's header.

    Attributes:
        file: Where it is.
        token: The word that stands for it in prompts, in lower case, as CLIP reads all words.
        keys: Its tensors for the text encoders, in their order.
        widths: Of these.
    """

    file: Path
    token: str
    keys: tuple[str, ...]
    widths: tuple[int, ...]

    @classmethod
    def read(cls, source: str | os.PathLike[str]) -> Embedding:
        """What a file says of itself; no weight is read.

        Raises:
            ModelError: It is no `.safetensors` file of a textual inversion.
        """
        file = Path(source)
        shapes = file_kinds.header(file)
        kind = file_kinds.kind_of(shapes)
        pair = next((pair for pair in _PAIRS if set(pair) <= shapes.keys()), None)
        if kind is None or kind.name != _KIND or (pair is None and len(shapes) != 1):
            what = kind.name if kind else f"no embedding: it holds {file_kinds.seen(shapes)}"
            raise ModelError(f"{file} is {what}; an embedding has one tensor, or clip_l and clip_g")
        keys = pair or tuple(shapes)
        own = keys[0] if pair is None and not keys[0].startswith(_NAMELESS) else file.stem
        return cls(file, own.lower(), keys, tuple(shapes[key][-1] for key in keys))


def load_embedding(pipe: Any, embedding: Embedding) -> None:
    """Teaches a pipeline's tokenizers and text encoders the word.

    Args:
        pipe: A pipeline of diffusers.
        embedding: As its file says.

    Raises:
        ModelError: It is for another family, or its name is a word that the model has already;
            nothing is changed then.
    """
    name = f"the embedding {embedding.file.stem}"
    encoders = [
        (getattr(pipe, f"tokenizer{end}"), encoder)
        for end in ("", "_2")
        if (encoder := getattr(pipe, f"text_encoder{end}", None)) is not None
    ]
    wanted = tuple(encoder.get_input_embeddings().embedding_dim for _, encoder in encoders)
    if wanted != embedding.widths:
        made_for = _FAMILIES.get(embedding.widths, "another family of models")
        raise ModelError(f"{name} is for {made_for}, and this model is {family(pipe).title}")
    if any(embedding.token in tokenizer.get_vocab() for tokenizer, _ in encoders):
        raise ModelError(
            f"{name}: the model has a word {embedding.token!r:.40} already; rename the file"
        )
    with named(embedding.file, name), loading(str(embedding.file)), quiet_adapters():
        vectors = load_file(embedding.file)
        for key, (tokenizer, encoder) in zip(embedding.keys, encoders, strict=True):
            pipe.load_textual_inversion(
                vectors[key], token=embedding.token, tokenizer=tokenizer, text_encoder=encoder
            )
