"""Words for scenes: many ways to say what is in a picture, all of them true."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from rpg.toybox.scene import Scene, Thing
from rpg.toybox.vocabulary import (
    DEFAULT_PLACE,
    FILL_NOUNS,
    NUMBERS,
    PLACE_PHRASES,
    SYNONYMS,
    plural,
)

_BIG, _SMALL = 100.0, 74.0  # pixels from and to which a thing may be called so
_LISTS = ("{0} and {1}", "{0}, {1}", "{0} next to {1}", "{0} beside {1}", "{0} with {1}")
_RELATIONS = {
    "left": (
        "{0} to the left of {1}",
        "{0} on the left of {1}",
        "{0} left of {1}",
        "{0} left, {1} right",
    ),
    "right": ("{0} to the right of {1}", "{0} on the right of {1}", "{0} right of {1}"),
    "above": ("{0} above {1}", "{0} on top of {1}"),
    "below": ("{0} below {1}", "{0} under {1}"),
}
_SIDES = ("on the left {0}, on the right {1}", "{0} on the left and {1} on the right")
_STACKED = ("{0} at the top and {1} at the bottom", "at the top {0}, at the bottom {1}")
_WITH = {fill: noun for noun, fill in FILL_NOUNS.items()}
_OTHER_WORDS: Mapping[str, Sequence[str]] = {
    own: tuple(word for word, meaning in SYNONYMS.items() if meaning == own)
    for own in SYNONYMS.values()
}


@dataclass(frozen=True, slots=True)
class Phrase:
    """The words of a caption for some of a scene's things: one thing, or all of one kind."""

    things: tuple[Thing, ...]
    words: str


@dataclass(frozen=True, slots=True)
class Caption:
    """A sentence, and the phrases in it, which together name every thing once."""

    text: str
    phrases: tuple[Phrase, ...]


def caption(scene: Scene, rng: random.Random) -> str:
    """One sentence that is true of `scene`, with counts, relations and the place.

    Of an empty place it is the place's phrase alone.
    """
    return worded(scene, rng).text


def worded(scene: Scene, rng: random.Random) -> Caption:
    """The same sentence, and which words in it are for which things."""
    things = list(scene.things)
    if not things:
        return place_alone(scene, rng)
    counted = Counter(thing.kind for thing in things)
    if len(counted) == 1:
        phrases = [_phrase(things, rng)]
        body = phrases[0].words
    elif len(things) == 2:
        body, phrases = _pair(things[0], things[1], rng)
    else:
        body, phrases = _many(things, counted, rng)
    return Caption(_with_place(body, scene.place, rng), tuple(phrases))


def place_alone(scene: Scene, rng: random.Random) -> Caption:
    """The place's phrase, whatever things stand there."""
    return Caption(_place(scene.place, rng), ())


def _word(own: str, rng: random.Random) -> str:
    """Mostly the world's own word, now and then another for the same."""
    others = _OTHER_WORDS.get(own, ())
    return rng.choice(others) if others and rng.random() < 0.12 else own


def _phrase(alike: Sequence[Thing], rng: random.Random) -> Phrase:
    """Things of one kind with article or number: "a red star", "two small dotted blue cups"."""
    thing, count = alike[0], len(alike)
    words, after = _described(thing, rng)
    noun = _word(thing.name, rng)
    size = _size(alike, rng)
    if count > 1:
        said = [NUMBERS[count - 1], *size, *words, plural(noun), *after]
        return Phrase(tuple(alike), " ".join(said))
    words = [*size, *words, noun, *after]
    article = "an" if words[0][0] in "aeiou" else "a"
    start = rng.choices((article, "one", "the", ""), (0.84, 0.04, 0.04, 0.08))[0]
    return Phrase((thing,), " ".join([start, *words]).strip())


def _described(thing: Thing, rng: random.Random) -> tuple[list[str], list[str]]:
    """What is said of colour and fill before the noun, and after it."""
    colour = _word(thing.colour, rng)
    if thing.fill == "plain":
        return (["plain", colour] if rng.random() < 0.05 else [colour]), []
    if rng.random() < 0.06:
        return [colour], ["with", _WITH[thing.fill]]
    words = [_word(thing.fill, rng), colour]
    return (words if rng.random() < 0.7 else words[::-1]), []


def _size(alike: Sequence[Thing], rng: random.Random) -> list[str]:
    """How big all of them are, where that is plain and worth a word."""
    if rng.random() >= 0.25:
        return []
    if all(thing.side >= _BIG for thing in alike):
        return [_word("big", rng)]
    return [_word("small", rng)] if all(thing.side <= _SMALL for thing in alike) else []


def _pair(first: Thing, second: Thing, rng: random.Random) -> tuple[str, list[Phrase]]:
    if rng.random() < 0.5:
        first, second = second, first
    phrases = [_phrase([first], rng), _phrase([second], rng)]
    words = [phrase.words for phrase in phrases]
    relation = _relation(first, second)
    if relation and rng.random() < 0.6:
        forms = _RELATIONS[relation]
        if relation == "left" and rng.random() < 0.4:
            forms = _SIDES
        elif relation == "above" and rng.random() < 0.25:
            forms = _STACKED
        return rng.choice(forms).format(*words), phrases
    return rng.choice(_LISTS).format(*words), phrases


def _relation(first: Thing, second: Thing) -> str | None:
    """Where the first thing stands, seen from the second; None where it is not plain."""
    dx, dy = first.x - second.x, first.y - second.y
    if abs(dx) > 1.5 * abs(dy):
        return "left" if dx < 0 else "right"
    if abs(dy) > 1.5 * abs(dx):
        return "above" if dy < 0 else "below"
    return None


def _many(
    things: list[Thing], counted: Counter[tuple[str, str, str]], rng: random.Random
) -> tuple[str, list[Phrase]]:
    ordered = sorted(things, key=lambda thing: thing.x)
    spread = all(b.x - a.x > b.side / 2 for a, b in pairwise(ordered))
    if spread and rng.random() < 0.15:
        phrases = [_phrase([thing], rng) for thing in ordered]
        return f"from left to right {', '.join(one.words for one in phrases)}", phrases
    phrases = [_phrase([one for one in things if one.kind == kind], rng) for kind in counted]
    rng.shuffle(phrases)
    *most, last = (phrase.words for phrase in phrases)
    return f"{', '.join(most)}{rng.choice((' and ', ', and ', ', '))}{last}", phrases


def _with_place(body: str, place: str, rng: random.Random) -> str:
    """With the place before or after; a plain background mostly goes without saying."""
    if rng.random() < 0.06:
        body = f"{rng.choice(('a picture of', 'there is'))} {body}"
    if place == DEFAULT_PLACE and rng.random() < 0.7:
        return body
    said = _place(place, rng)
    forms = (f"{body} {said}", f"{body}, {said}", f"{said} {body}", f"{said}, {body}")
    return rng.choices(forms, (0.55, 0.27, 0.09, 0.09))[0]


def _place(place: str, rng: random.Random) -> str:
    own, *others = PLACE_PHRASES[place]
    return own if rng.random() < 0.6 else rng.choice(others)
