"""Postmodifiers of a noun: "with its lid", "in a red coat", "made of gold"."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from rpg.language.grammar.chunks import Tokens, is_noun_next, low, noun_phrase
from rpg.language.grammar.elements import NounPhrase
from rpg.language.grammar.heads import head, heads
from rpg.language.grammar.tokens import join
from rpg.language.lexicon import function_words as w
from rpg.language.lexicon.attributes import COLOURS
from rpg.language.lexicon.inflect import is_plural
from rpg.language.lexicon.nouns import MASS, PARTS, PLACES, VESSELS, WEARABLES, is_animate
from rpg.language.lexicon.verbs import INTRANSITIVE

_MADE = (
    ("made", "of"), ("made", "out", "of"), ("made", "from"), ("full", "of"), ("decorated", "with"),
    ("topped", "with"), ("covered", "in"), ("covered", "with"), ("filled", "with"),
    ("shaped", "like"), ("painted", "with"), ("dressed", "in"), ("lit", "by"),
)  # fmt: skip
_WEARING = frozenset({"with", "in", "wearing"})


def with_suffixes(tokens: Tokens, at: int, phrase: NounPhrase) -> tuple[NounPhrase, int]:
    """The phrase with its parts, clothes and substance, and the tokens that they take."""
    used = 0
    while phrase.words:
        more = (
            _substance(tokens, at + used)
            or _parts(tokens, at + used, phrase)
            or _clothes(tokens, at + used, phrase)
        )
        if not more:
            break
        text = join([token.text for token in tokens[at + used : at + used + more]])
        phrase = replace(phrase, post=f"{phrase.post} {text}".strip())
        used += more
    return phrase, used


def _substance(tokens: Tokens, at: int) -> int:
    """Counts the tokens of "made of gold", "covered in snow"; 0 if nothing of the kind follows."""
    skipped = 1 if low(tokens, at) in w.BE else 0
    for words in _MADE:
        start = at + skipped
        if tuple(token.low for token in tokens[start : start + len(words)]) != words:
            continue
        chunk = noun_phrase(tokens, start + len(words))
        if chunk is None or not _is_substance(chunk[0], words):
            return 0
        return 0 if skipped else len(words) + chunk[1]
    return 0


def _is_substance(phrase: NounPhrase, words: tuple[str, ...]) -> bool:
    head = phrase.words[-1].lower() if phrase.words else ""
    bare = not phrase.determiner and phrase.count is None
    return bare or head in MASS or words[0] in ("made", "shaped", "dressed", "lit")


def _parts(tokens: Tokens, at: int, phrase: NounPhrase) -> int:
    """Counts the tokens of "with its square lid and conical base"; 0 if no parts follow."""
    if low(tokens, at) != "with":
        return 0
    chunk = noun_phrase(tokens, at + 1)
    if chunk is None or not chunk[0].words or chunk[0].negated:
        return 0
    owned = chunk[0].determiner in w.POSSESSIVES or _fills(chunk[0], phrase)
    if head(phrase) in PLACES and not _is_part(chunk[0], phrase):
        return 0
    if not (owned or _is_part(chunk[0], phrase)):
        return 0
    end = at + 1 + chunk[1]
    return _coordinated(tokens, end, lambda part: owned or _is_part(part, phrase)) - at


def _clothes(tokens: Tokens, at: int, phrase: NounPhrase) -> int:
    """Counts the tokens of "in a white shirt and jeans", "wearing a hat", "in red"; or 0."""
    if low(tokens, at) not in _WEARING or not is_animate(head(phrase)):
        return 0
    if (
        low(tokens, at) == "in"
        and low(tokens, at + 1) in COLOURS
        and not is_noun_next(tokens, at + 1)
    ):
        return 2
    chunk = noun_phrase(tokens, at + 1)
    if chunk is None:
        return 0
    *before, last = chunk[0].words or ("",)
    if last.lower() in INTRANSITIVE and WEARABLES.intersection(before[-1:]):
        return chunk[1]  # "in silver armour | stand"
    return _coordinated(tokens, at + 1 + chunk[1], _is_worn) - at if _is_worn(chunk[0]) else 0


def _coordinated(tokens: Tokens, end: int, wanted: Callable[[NounPhrase], bool]) -> int:
    """The token after all further phrases, joined by "and" or commas, that are wanted."""
    while True:
        start = end
        while low(tokens, start) in w.AND | {","}:
            start += 1
        chunk = noun_phrase(tokens, start) if end < start < len(tokens) else None
        if chunk is None or not chunk[0].words or not wanted(chunk[0]) or _stands_apart(chunk[0]):
            return end
        end = start + chunk[1]


def _stands_apart(phrase: NounPhrase) -> bool:
    """A counted entity after "and" is an entity of its own: "with its tail and two cats"."""
    return phrase.count is not None and not _is_part(phrase)


def _is_part(phrase: NounPhrase, whole: NounPhrase | None = None) -> bool:
    """Whether the phrase names a part, or a garment where the whole is somebody."""
    somebody = whole is not None and is_animate(head(whole))
    return bool(PARTS & heads(phrase)) or (somebody and _is_worn(phrase))


def _is_worn(phrase: NounPhrase) -> bool:
    return bool(WEARABLES & heads(phrase))


def _fills(phrase: NounPhrase, whole: NounPhrase) -> bool:
    """Whether the phrase names what the whole holds: "a vase with yellow flowers"."""
    noun = head(phrase, plural=True)
    bare = not phrase.determiner and phrase.count is None and (is_plural(noun) or noun in MASS)
    return bare and head(whole) in VESSELS and not is_animate(head(phrase))
