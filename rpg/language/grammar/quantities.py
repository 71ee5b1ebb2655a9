"""Quantities: numbers in words and digits, "a pair of", "a dozen", "a row of three"."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rpg.language.grammar.tokens import Token
from rpg.language.lexicon.function_words import DETERMINERS, NEGATORS, NUMBERS, VAGUE

_ARRANGED = {"row": "row", "rows": "row", "line": "row", "column": "column", "columns": "column",
             "stack": "column", "grid": "grid", "circle": "", "ring": ""}  # fmt: skip
_VAGUE_PHRASE = re.compile(
    r"(?:a few(?: of)?|(?:a )?lots? of|a bunch of|a number of|plenty of"
    r"|(?:dozens|hundreds|thousands) of|a variety of|a handful of|a large number of|loads of"
    r"|tons of) "
)
_FIXED = (
    (re.compile(r"half a dozen(?: of)? "), 6),
    (re.compile(r"a (?:couple|pair) of "), 2),
    (re.compile(r"(?:a|one) dozen(?: of)? "), 12),
    (re.compile(r"two dozen(?: of)? "), 24),
    (re.compile(r"a single "), 1),
    (re.compile(r"a (?:trio|triplet) of "), 3),
)
_GRID = re.compile(r"(?:a |one )?(\d+) ?(?:x|by|×) ?(\d+) (?:grid|array|matrix) of ")
_ARRANGED_PHRASE = re.compile(
    r"(?:(\w+) )?(?:single |straight |neat |horizontal |vertical )?"
    rf"({'|'.join(_ARRANGED)}) of "
)


@dataclass(frozen=True, slots=True)
class Quantity:
    """How a noun phrase begins: determiner, number, arrangement, and the tokens that takes."""

    determiner: str = ""
    count: int | None = None
    arrangement: str = ""
    negated: bool = False
    used: int = 0


def number(word: str) -> int | None:
    """The number that a lower-case word or numeral stands for, from 1; None if it is none."""
    if word.isascii() and word.isdigit() and len(word) < 7:
        return int(word) or None
    return NUMBERS.get(word)


def quantity(tokens: tuple[Token, ...], at: int, *, nested: bool = False) -> Quantity:
    """What the noun phrase at token `at` begins with; an empty quantity if with the noun itself."""
    text = " ".join(token.low for token in tokens[at : at + 8]) + " "
    arranged = None if nested else _arranged(tokens, at, text)
    return _grid(text) or arranged or _fixed(text) or _plain(tokens, at)


def _taken(match: re.Match[str]) -> int:
    return match[0].count(" ")


def _grid(text: str) -> Quantity | None:
    match = _GRID.match(text)
    if match is None or not 1 <= int(match[1][:4]) * int(match[2][:4]) <= 144:
        return None
    rows, columns = int(match[1]), int(match[2])
    return Quantity("", rows * columns, f"{rows}x{columns}", used=_taken(match))


def _arranged(tokens: tuple[Token, ...], at: int, text: str) -> Quantity | None:
    """Reads "a row of three", "two rows of four"; None unless a number follows."""
    match = _ARRANGED_PHRASE.match(text)
    if match is None or not _ARRANGED[match[2]]:
        return None
    inner = quantity(tokens, at + _taken(match), nested=True)
    lines = number(match[1] or "one") or 1
    if inner.count is None:
        return None
    used, count = _taken(match) + inner.used, lines * inner.count
    if lines == 1:
        return Quantity(inner.determiner, count, _ARRANGED[match[2]], used=used)
    rows = f"{lines}x{inner.count}" if _ARRANGED[match[2]] == "row" else f"{inner.count}x{lines}"
    return Quantity(inner.determiner, count, rows, used=used)


def _fixed(text: str) -> Quantity | None:
    if match := _VAGUE_PHRASE.match(text):
        return Quantity(match[0].strip(), used=_taken(match))
    for pattern, count in _FIXED:
        if match := pattern.match(text):
            return Quantity("a pair of" if " pair " in match[0] else "", count, used=_taken(match))
    return None


def _plain(tokens: tuple[Token, ...], at: int) -> Quantity:
    """Determiners and numbers: "the two", "all three of the", "another", "five", "no"."""
    end, count, determiner, negated = at, None, "", False
    while end < len(tokens):
        word = tokens[end].low
        if word in NEGATORS:
            negated = True
        elif count is None and number(word) is not None and not _is_name(tokens, end):
            count = number(word)
        elif word in DETERMINERS or word in VAGUE:
            determiner = word if not determiner or determiner == "all" else determiner
        elif word == "all" or (word == "of" and end > at and _follows_the(tokens, end)):
            determiner = determiner or "all"
        else:
            break
        end += 1
    return Quantity(determiner, count, negated=negated, used=end - at)


def _follows_the(tokens: tuple[Token, ...], at: int) -> bool:
    return at + 1 < len(tokens) and tokens[at + 1].low in DETERMINERS


def _is_name(tokens: tuple[Token, ...], at: int) -> bool:
    """Whether the number is no count: a decade or a ratio has letters or marks in it."""
    return not tokens[at].low.isalnum()
