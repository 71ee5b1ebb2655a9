"""The words of Toybox's world: its things, colours and places, and what it does not know."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

RGB = tuple[int, int, int]

THINGS: tuple[str, ...] = ("circle", "square", "triangle", "star", "heart", "moon")

COLOURS: Mapping[str, RGB] = MappingProxyType(
    {
        "red": (222, 40, 48),
        "orange": (247, 130, 22),
        "yellow": (252, 210, 20),
        "green": (44, 160, 76),
        "blue": (48, 112, 228),
        "purple": (142, 68, 190),
        "pink": (248, 130, 180),
        "brown": (128, 78, 46),
    }
)

PLACES: Mapping[str, RGB] = MappingProxyType(
    {
        "in the snow": (244, 246, 250),
        "at night": (27, 30, 66),
        "on the sand": (238, 214, 165),
    }
)
DEFAULT_PLACE = "in the snow"  # what a prompt without a place means

NUMBERS: tuple[str, ...] = ("one", "two", "three")
SIZES: tuple[str, ...] = ("big", "small")

# Small words around things. The captions use most of them; a notice about the others would tell
# nobody anything. Each has a token of its own.
_JOINING = (
    "a an the and of to in on at with next beside near between left right above below under top "
    "bottom side middle row from picture there is are them it snow night sand"
)


def plural(thing: str) -> str:
    """The plural of a thing's name: every thing of this world takes an s."""
    return f"{thing}s"


def known_words() -> frozenset[str]:
    """Every word, in lower case, that has a token of its own: the captions' words and some more."""
    words = {*THINGS, *map(plural, THINGS), *COLOURS, *NUMBERS, *SIZES, *_JOINING.split()}
    return frozenset(words)


def unknown_words(prompt: str) -> tuple[str, ...]:
    """The words of `prompt` that the model can only spell, lower case, in order, each once."""
    known = known_words()
    words = re.findall(r"[^\W\d_]+|\d+", prompt.lower())
    return tuple(dict.fromkeys(word for word in words if word not in known))


def describe_world() -> str:
    """One sentence that says what can be asked of the model."""
    return f"Toybox knows {_listed(map(plural, THINGS))}, in {_listed(COLOURS)}, {_listed(PLACES)}."


def _listed(words: object) -> str:
    *most, last = list(words)  # type: ignore[call-overload]
    return f"{', '.join(most)} or {last}"
