"""Tokenization: the words and punctuation of a prompt."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_TOKEN = re.compile(
    r"\d+(?:[.:,x×]\d+)+|\d+(?=\s|(?:girl|boy)s?\b)|\d+\w*|[^\W\d_]+(?:[-'’][^\W_]+)*(?:'(?=\s))?|[&]|\n\s*|[^\w\s]|_"
)
STOPS = frozenset(".;!?\n|—–")
COMMAS = frozenset(',():"“”')


@dataclass(frozen=True, slots=True)
class Token:
    """One word or punctuation mark, with its position in the prompt.

    Attributes:
        text: As written.
        low: In lower case, with a plain apostrophe.
    """

    text: str
    low: str

    @property
    def is_word(self) -> bool:
        """Whether this is a word or a number, and not a mark."""
        return self.low[0].isalnum() or self.low == "&"

    @property
    def is_stop(self) -> bool:
        """Whether a sentence ends here."""
        return self.low in STOPS


def tokenize(prompt: str) -> tuple[Token, ...]:
    """The tokens of a prompt, in order; line breaks count as marks that end a sentence."""
    matches = (match.group() for match in _TOKEN.finditer(prompt))
    return tuple(_token("\n" if text.isspace() else text) for text in matches)


def _token(text: str) -> Token:
    return Token(text, text.lower().replace("’", "'"))


def join(words: Iterable[str]) -> str:
    """The words as running text, empty ones left out, with no space before a comma or full stop."""
    return re.sub(r"\s+([,.;:!?)])", r"\1", " ".join(word for word in words if word)).strip()
