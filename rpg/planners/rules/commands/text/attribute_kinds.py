"""Attributes by kind: a new colour replaces the old one."""

from __future__ import annotations

from collections.abc import Sequence

from rpg.language.lexicon.attributes import COLOURS, MATERIALS, PATTERNS, SHAPES, SIZES
from rpg.language.lexicon.function_words import AND

_TONES = frozenset("light dark pale bright deep neon pastel vivid dull".split())
_AGES = "old new young ancient modern elderly antique vintage fresh futuristic medieval"
_MOODS = "happy sad angry cheerful joyful calm grumpy friendly scary cute ugly sleepy playful"
_STATES = (
    "open closed", "wet dry damp", "shiny glossy matte polished rusty rusted dusty",
    "rough smooth", "hot cold warm cool chilly frozen", "clean dirty tidy messy", "full empty",
    "tall short", "wide narrow", "thick thin slim slender", "fat skinny chubby thin muscular",
    "translucent transparent opaque", "straight curly wavy", "broken whole ruined", _AGES, _MOODS,
)  # fmt: skip
_SIZES = frozenset(SIZES)
_KINDS = (
    COLOURS, _SIZES, SHAPES, MATERIALS, PATTERNS, _TONES,
    *(frozenset(words.split()) for words in _STATES),
)  # fmt: skip
_JOINS = AND | {","}


def phrases(words: Sequence[str]) -> list[str]:
    """Attributes as a phrase has them, one by one: "light blue", "black and white", "wooden"."""
    found: list[str] = []
    joins = ""
    for word in (each.lower() for each in words):
        last = found[-1].split()[-1] if found else ""
        if word in _JOINS:
            joins = word
        elif found and word in COLOURS and (last in _TONES and not joins):
            found[-1] += f" {word}"
        elif found and word in COLOURS and last in COLOURS and joins == "and":
            found[-1] += f" and {word}"
        else:
            found.append(word)
        joins = joins if word in _JOINS else ""
    return found


def changed_looks(old: Sequence[str], new: Sequence[str]) -> tuple[str, ...]:
    """The attributes of a thing with new words, as a phrase has them, in place of their kinds'."""
    fresh = {word.lower() for word in new} - _JOINS
    gone = frozenset[str]().union(*(kind for kind in _KINDS if fresh & kind))
    parts = {each: set(each.split()) - _JOINS for each in old}
    kept = [each for each, words in parts.items() if not (words - _TONES or words) <= gone | fresh]
    return tuple(dict.fromkeys([*kept, *phrases(new)]))


def changed(old: Sequence[str], new: Sequence[str]) -> list[str]:
    """The old attributes with the new ones in the place of those of their kind.

    Both as a phrase has them, "and" and commas included.
    """
    fresh = {word.lower() for word in new} - _JOINS
    kinds = [kind for kind in _KINDS if fresh & kind]
    if COLOURS in kinds:
        kinds = [kind for kind in kinds if kind is not _TONES]  # "dark blue" is one colour
    stays = [not any(word.lower() in kind for kind in kinds) for word in old]
    if COLOURS in kinds:
        stays = [stay and not _tones_colour(old, at) for at, stay in enumerate(stays)]
    stays = [stay and word.lower() not in fresh for word, stay in zip(old, stays, strict=True)]
    kept = [word for at, word in enumerate(old) if stays[at] and _still_joins(old, stays, at)]
    return _put_in(kept, list(new), _place(old, stays, kept, fresh))


def _tones_colour(old: Sequence[str], at: int) -> bool:
    following = old[at + 1].lower() if at + 1 < len(old) else ""
    return old[at].lower() in _TONES and following in COLOURS


def _still_joins(old: Sequence[str], stays: Sequence[bool], at: int) -> bool:
    """Whether a word is no "and" or comma, or still has words on both sides to join."""
    if old[at].lower() not in _JOINS:
        return True
    return 0 < at < len(old) - 1 and stays[at - 1] and stays[at + 1]


def _place(old: Sequence[str], stays: Sequence[bool], kept: Sequence[str], fresh: set[str]) -> int:
    """Where in what is kept the new words go: where the old ones stood, else in English order."""
    if not all(stays):
        first = stays.index(False)
        return sum(stays[at] and _still_joins(old, stays, at) for at in range(first))
    rank = max(map(_rank, fresh), default=1)
    return next((at for at, word in enumerate(kept) if _rank(word.lower()) > rank), len(kept))


def _put_in(kept: list[str], new: list[str], at: int) -> list[str]:
    return [*kept[:at], *new, *kept[at:]]


def _rank(word: str) -> int:
    """Size, opinion and age, colour, material: the order in which English puts adjectives."""
    if word in SIZES:
        return 0
    if word in COLOURS:
        return 2
    return 3 if word in MATERIALS else 1
