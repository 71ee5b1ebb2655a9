"""Toybox: the small SDXL this project ships, the world it draws, and the judge of its pictures."""

from __future__ import annotations

from pathlib import Path

from rpg.toybox.vocabulary import (
    COLOURS,
    FILLS,
    PLACES,
    THINGS,
    describe_world,
    unknown_words,
)

__all__ = [
    "COLOURS",
    "FILLS",
    "PLACES",
    "THINGS",
    "describe_world",
    "unknown_words",
    "weights_path",
]


def weights_path() -> Path:
    """The folder of the bundled model, in diffusers' layout."""
    return Path(__file__).parent / "weights"
