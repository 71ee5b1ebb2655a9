"""A model's tokens as bytes, and which of them end an answer."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import llguidance.hf
from llguidance import LLTokenizer

from rpg.errors import ModelError

_TAGS = (b"<think>", b"</think>")


class Vocabulary:
    """What constraint and sampler know of a tokenizer.

    Args:
        tokenizer: A tokenizer of transformers with the tokenizers library behind it.
        ends: Ids that end an answer; those unknown to the tokenizer are left out.

    Attributes:
        ends: Ids that end an answer, at least one.
        ll: The tokenizer as llguidance wants it.

    Raises:
        ModelError: It is a tokenizer of another kind, or nothing ends an answer.
    """

    def __init__(self, tokenizer: Any, ends: Iterable[int]) -> None:
        size = len(tokenizer)
        self.ends = frozenset(token for token in ends if 0 <= token < size)
        if not self.ends:
            raise ModelError("the tokenizer has no token that ends an answer (eos_token)")
        try:
            self.ll: LLTokenizer = llguidance.hf.from_tokenizer(
                tokenizer, eos_token=sorted(self.ends)
            )
        except ValueError as error:
            raise ModelError(
                "the model's tokenizer cannot be used: one with a tokenizer.json is needed"
            ) from error
        self.bytes_of = lru_cache(maxsize=None)(self._bytes_of)
        self.spell = lru_cache(maxsize=None)(self._spell)

    def _bytes_of(self, token: int) -> bytes:
        """A token's text in UTF-8, possibly a part of a character; control tokens have none."""
        if token >= self.ll.vocab_size:
            return b""
        text = self.ll.decode_bytes([token])
        return b"" if self.ll.is_special_token(token) and text not in _TAGS else text

    def _spell(self, text: str) -> tuple[int, ...]:
        """Tokens that make this text, by the longest match and without any control token."""
        return tuple(self.ll.greedy_tokenize(text))

    def tag(self, text: str) -> list[int]:
        """Tokens that make a tag such as `</think>`: the control token, where there is one."""
        return self.ll.tokenize_str(text, parse_special=True)
