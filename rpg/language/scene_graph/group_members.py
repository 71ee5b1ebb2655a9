"""Members of a group by number or place: "the first cat", "the left one", "the cat on the right".

They are resolved before parsing, so that "first" and "left" become neither attributes nor
entities.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TypeGuard

from rpg.language.grammar.elements import Anchor, Element, NounPhrase
from rpg.language.grammar.heads import head
from rpg.language.lexicon.function_words import MIDDLE, ORDINALS
from rpg.language.scene_graph.graph import is_elliptic

_ACROSS = {"left": 0, "leftmost": 0, "right": -1, "rightmost": -1}
_UPRIGHT = {"top": 0, "upper": 0, "topmost": 0, "bottom": -1, "lower": -1}
_PLACES = {**ORDINALS, **_ACROSS, **_UPRIGHT}
_WORDS = MIDDLE.union(_PLACES)


def place_in_group(word: str, count: int) -> int | None:
    """The place of the member that `word` means among so many, from 0; None if there is none."""
    if word in MIDDLE:
        return count // 2 if count % 2 else None
    at = _PLACES[word]
    return at % count if at < count > 0 else None


def shape_of_group(word: str) -> str:
    """How a group stands in which `word` means a member: "row", "column", or "" of numbers."""
    return "" if word in ORDINALS else "column" if word in _UPRIGHT else "row"


def with_members(elements: Sequence[Element]) -> Iterator[Element]:
    """The elements, in which every phrase that names a member of a group before it says so."""
    groups: list[NounPhrase] = []
    at = 0
    while at < len(elements):
        element, following = elements[at], elements[at + 1] if at + 1 < len(elements) else None
        used = 1
        if isinstance(element, NounPhrase):
            if (element.count or 1) > 1:
                groups.append(element)
            elif groups and element.determiner == "the":
                element, used = _member(element, following, groups)
        yield element
        at += used


def _member(
    phrase: NounPhrase, following: Element | None, groups: Sequence[NounPhrase]
) -> tuple[NounPhrase, int]:
    """The phrase as one that names a member, if it does, and how many elements say so."""
    word, rest, used = phrase.words[0].lower() if phrase.words else "", phrase.words[1:], 1
    if word in _WORDS and not rest and _goes_on(following):
        rest, used = following.words, 2  # "the left", "one red"
    elif word not in _WORDS and isinstance(following, Anchor) and len(phrase.words) < 2:
        word, rest, used = _side(following), phrase.words, 2  # "the one", "on the left"
    member = _marked(phrase, word, rest, groups) if word in _WORDS else None
    return (member, used) if member is not None else (phrase, 1)


def _goes_on(following: Element | None) -> TypeGuard[NounPhrase]:
    if not isinstance(following, NounPhrase) or following.determiner:
        return False
    return following.count == 1 and is_elliptic(following)


def _side(anchor: Anchor) -> str:
    if anchor.each or anchor.back:
        return ""
    sides = {(0, None): "left", (2, None): "right", (1, 1): "middle", (None, 0): "top",
             (None, 2): "bottom"}  # fmt: skip
    return sides.get((anchor.x, anchor.y), "")


def _marked(
    phrase: NounPhrase, word: str, rest: tuple[str, ...], groups: Sequence[NounPhrase]
) -> NounPhrase | None:
    """The phrase with its group's noun and with what of it `word` means; None of no group."""
    named = replace(phrase, words=rest)
    elliptic = is_elliptic(named)
    looks = [one for one in rest if one.lower() != "one"] if elliptic else rest[:-1]
    same = [group for group in reversed(groups) if elliptic or head(named) == head(group)]
    large = [group for group in same if place_in_group(word, group.count or 1) is not None]
    if not same:
        return None
    noun = head([*large, *same][0])
    return replace(phrase, count=None, words=(*looks, noun), member=word)
