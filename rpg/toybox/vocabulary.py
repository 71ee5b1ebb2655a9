"""The words of Toybox's world: things, colours, fills, sizes and places, and what it knows not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

RGB = tuple[int, int, int]

THINGS: tuple[str, ...] = (
    *("circle", "square", "triangle", "star", "heart", "moon", "diamond"),
    *("house", "tree", "flower", "mushroom", "fish", "bird", "cat", "boat", "car", "cup"),
)

COLOURS: Mapping[str, RGB] = MappingProxyType(
    {
        "red": (222, 40, 48),
        "orange": (247, 130, 22),
        "yellow": (252, 210, 20),
        "green": (44, 160, 76),
        "teal": (0, 164, 164),
        "blue": (48, 112, 228),
        "purple": (142, 68, 190),
        "pink": (248, 130, 180),
        "brown": (128, 78, 46),
        "gray": (132, 136, 144),
    }
)

FILLS: tuple[str, ...] = ("plain", "striped", "dotted", "checkered")

# The ground of each place, and the words that mean it; its scenery lies in `world.scenery`.
PLACES: Mapping[str, RGB] = MappingProxyType(
    {
        "on a plain background": (250, 246, 236),
        "in the meadow": (200, 228, 164),
        "on the sea": (160, 208, 234),
        "at night": (38, 42, 88),
        "in the snow": (222, 234, 250),
        "in the desert": (240, 212, 160),
    }
)
DEFAULT_PLACE = "on a plain background"  # what a prompt without a place means

PLACE_PHRASES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "on a plain background": ("on a plain background", "on plain paper", "on paper"),
        "in the meadow": ("in the meadow", "in a meadow", "on the grass", "in the field"),
        "on the sea": ("on the sea", "at sea", "in the ocean", "in the sea", "on the water"),
        "at night": ("at night", "in the night sky", "in the dark"),
        "in the snow": ("in the snow", "in winter", "on the snow"),
        "in the desert": ("in the desert", "on the sand", "in a desert"),
    }
)

NUMBERS: tuple[str, ...] = ("one", "two", "three", "four", "five")
SIZES: tuple[str, ...] = ("big", "small")

# Other words for the same, each with the world's own.
SYNONYMS: Mapping[str, str] = MappingProxyType(
    {
        **{"kitten": "cat", "automobile": "car", "ship": "boat", "sailboat": "boat"},
        **{"mug": "cup", "crescent": "moon", "toadstool": "mushroom", "cottage": "house"},
        **{"blossom": "flower", "rhombus": "diamond", "disc": "circle", "fir": "tree"},
        **{"grey": "gray", "turquoise": "teal", "cyan": "teal", "violet": "purple"},
        **{"spotted": "dotted", "polka-dotted": "dotted", "checked": "checkered"},
        **{"stripy": "striped", "large": "big", "little": "small"},
    }
)

# "a cat with stripes" is a striped one.
FILL_NOUNS: Mapping[str, str] = MappingProxyType(
    {"stripes": "striped", "dots": "dotted", "checks": "checkered"}
)

# Small words around things. The captions use most of them; a notice about the others would tell
# nobody anything. Each has a token of its own.
_JOINING = (
    "a an the and of to in on at with next beside near between left right above below under top "
    "bottom side middle row from picture there is are them it its stripes dots checks polka "
    "while corner both"
)
_UNCHANGED = frozenset({"fish"})


def plural(thing: str) -> str:
    """The plural of a thing's name: "stars", "fish"."""
    return thing if thing in _UNCHANGED else f"{thing}s"


def canonical(word: str) -> str:
    """The world's own word, in the singular: "kittens" -> "cat", "with dots" -> "dotted".

    An unknown word is its own.
    """
    lower = word.lower().removeprefix("with ")
    return FILL_NOUNS.get(lower) or _MEANINGS.get(lower, lower)


def place_meant(words: str) -> str | None:
    """The place that words such as "on the wide sand" name by their noun, or None."""
    said = set(re.findall(r"[a-z]+", words.lower()))
    for place, phrases in PLACE_PHRASES.items():
        if said & {phrase.split()[-1] for phrase in phrases}:
            return place
    return None


def known_words() -> frozenset[str]:
    """Every word, in lower case, that has a token of its own: the captions' words and some more."""
    words = {*_MEANINGS, *NUMBERS, *_JOINING.split()}
    for phrases in PLACE_PHRASES.values():
        words.update(*(phrase.split() for phrase in phrases))
    return frozenset(part for word in words for part in word.split("-"))


def unknown_words(prompt: str) -> tuple[str, ...]:
    """The words of `prompt` that the model can only spell, lower case, in order, each once."""
    known = known_words()
    words = re.findall(r"[^\W\d_]+|\d+", prompt.lower())
    return tuple(dict.fromkeys(word for word in words if word not in known))


def describe_world() -> str:
    """Two sentences that say what can be asked of the model."""
    places = [phrase for phrase in PLACES if phrase != DEFAULT_PLACE]
    return (
        f"Toybox knows {_listed(map(plural, THINGS), 'and')}, in {_listed(COLOURS)}, "
        f"{_listed(FILLS)}, {_listed(SIZES)}. They stand {_listed((*places, DEFAULT_PLACE))}."
    )


def _listed(words: object, last_joint: str = "or") -> str:
    *most, last = list(words)  # type: ignore[call-overload]
    return f"{', '.join(most)} {last_joint} {last}"


def _meanings() -> dict[str, str]:
    own = {word: word for word in (*THINGS, *COLOURS, *FILLS, *SIZES)}
    meanings = {**own, **SYNONYMS}
    nouns = {word: thing for word, thing in meanings.items() if thing in THINGS}
    return meanings | {plural(word): thing for word, thing in nouns.items()}


_MEANINGS = MappingProxyType(_meanings())
