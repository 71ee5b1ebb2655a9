"""Sizes to choose from: the usual shapes of pictures at about as many pixels as a model is used to.

Pure.
"""

from __future__ import annotations

from rpg.defaults import ModelDefaults

__all__ = ["CUSTOM", "OWN", "named", "presets"]

OWN, CUSTOM = "", "custom"
_SHAPES = {
    "Square": 1.0,
    "Landscape 4:3": 4 / 3,
    "Portrait 3:4": 3 / 4,
    "Landscape 3:2": 3 / 2,
    "Portrait 2:3": 2 / 3,
    "Landscape 16:9": 16 / 9,
    "Portrait 9:16": 9 / 16,
}
_LARGE = 512 * 512  # pixels; from here on sides are multiples of 64, as the models were trained


def presets(defaults: ModelDefaults) -> list[tuple[str, str]]:
    """Names with their values "WIDTHxHEIGHT", in pixels."""
    return [(f"{name}, {size}", size) for name, size in _sizes(defaults).items()]


def named(defaults: ModelDefaults, width: int | None, height: int | None) -> str:
    """The value of the preset that has this size; `OWN` without one, else `CUSTOM`."""
    if width is None and height is None:
        return OWN
    size = f"{width}x{height}"
    return size if size in _sizes(defaults).values() else CUSTOM


def _sizes(defaults: ModelDefaults) -> dict[str, str]:
    area = defaults.width * defaults.height
    multiple = 64 if area >= _LARGE else 8

    def side(length: float) -> int:
        return max(round(length / multiple), 1) * multiple

    return {
        name: f"{side((area * shape) ** 0.5)}x{side((area / shape) ** 0.5)}"
        for name, shape in _SHAPES.items()
    }
