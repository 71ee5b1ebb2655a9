"""The grounds of Toybox's places: one colour each, strewn with small signs of where one is.

The signs lie evenly over the whole canvas, without a horizon: a picture that is composed of parts
looks like one that was drawn in one go. None is as wide as the thinnest part of a thing.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from rpg.toybox.vocabulary import PLACES, RGB

Image = NDArray[np.uint8]
Stamp = Callable[[Image, int, int, random.Random], None]

LARGEST = 512  # pixels; larger canvases repeat the scenery
_CELL = 32  # pixels; one sign at most in each
_SHIFT = 3  # fractional bits of OpenCV's points
_WAVE, _FOAM = (126, 180, 216), (206, 234, 248)
_BLADE, _PETAL, _HEART = (158, 200, 120), (252, 252, 244), (250, 226, 120)
_FLAKE, _SHADE = (255, 255, 255), (192, 212, 238)
_GLOW, _FAINT = (246, 232, 160), (112, 118, 176)
_RIPPLE, _PEBBLE = (218, 184, 128), (202, 170, 122)


@lru_cache(maxsize=1024)
def ground(place: str, width: int, height: int, backdrop: int) -> Image:
    """The empty place as (height, width, 3) RGB bytes; read-only, as it is kept."""
    whole = _drawn(place, backdrop)
    repeats = (-(-height // LARGEST), -(-width // LARGEST), 1)
    picture = np.tile(whole, repeats)[:height, :width].copy()
    picture.flags.writeable = False
    return picture


@cache
def _drawn(place: str, backdrop: int) -> Image:
    canvas = np.full((LARGEST, LARGEST, 3), PLACES[place], np.uint8)
    rng = random.Random(f"{place}/{backdrop}")
    for top in range(0, LARGEST, _CELL):
        for left in range(0, LARGEST, _CELL):
            stamps = _SIGNS[place]
            if stamps and rng.random() < 0.7:
                x, y = (rng.randrange(8, _CELL - 7, 4) for _ in range(2))
                rng.choice(stamps)(canvas, left + x, top + y, rng)
    return canvas


def _curve(canvas: Image, points: Sequence[tuple[float, float]], colour: RGB, width: int) -> None:
    at = np.round(np.array(points) * (1 << _SHIFT)).astype(np.int32)
    cv2.polylines(canvas, [at], False, colour, width, cv2.LINE_AA, _SHIFT)


def _dot(canvas: Image, x: float, y: float, radius: float, colour: RGB) -> None:
    scale = 1 << _SHIFT
    at, size = (round(x * scale), round(y * scale)), round(radius * scale)
    cv2.circle(canvas, at, size, colour, cv2.FILLED, cv2.LINE_AA, _SHIFT)


def _wave(canvas: Image, x: int, y: int, rng: random.Random) -> None:
    colour = rng.choice((_WAVE, _FOAM))
    for middle in (x - 4, x + 4):
        arc = [(middle + dx, y - 3 * (1 - (dx / 4) ** 2)) for dx in (-4, -2, 0, 2, 4)]
        _curve(canvas, arc, colour, 2)


def _tuft(canvas: Image, x: int, y: int, rng: random.Random) -> None:
    del rng
    for lean in (-4, 0, 4):
        _curve(canvas, [(x + lean / 3, y + 4), (x + lean, y - 4 + abs(lean) / 2)], _BLADE, 2)


def _daisy(canvas: Image, x: int, y: int, rng: random.Random) -> None:
    del rng
    for dx, dy in ((-2.2, 0), (2.2, 0), (0, -2.2), (0, 2.2)):
        _dot(canvas, x + dx, y + dy, 1.8, _PETAL)
    _dot(canvas, x, y, 1.3, _HEART)


def _twinkle(canvas: Image, x: int, y: int, rng: random.Random) -> None:
    reach = rng.choice((2.5, 4))
    _curve(canvas, [(x - reach, y), (x + reach, y)], _GLOW, 1)
    _curve(canvas, [(x, y - reach), (x, y + reach)], _GLOW, 1)
    _dot(canvas, x, y, 1.2, _GLOW)


def _speck(canvas: Image, x: int, y: int, rng: random.Random) -> None:
    _dot(canvas, x, y, rng.choice((1.0, 1.5)), _FAINT)


def _flake(canvas: Image, x: int, y: int, rng: random.Random) -> None:
    del rng
    for dx, dy in ((4, 0), (2, 3.5), (-2, 3.5)):
        _curve(canvas, [(x - dx, y - dy), (x + dx, y + dy)], _FLAKE, 2)


def _snowball(canvas: Image, x: int, y: int, rng: random.Random) -> None:
    _dot(canvas, x, y, rng.choice((1.5, 2.2)), rng.choice((_FLAKE, _SHADE)))


def _dune(canvas: Image, x: int, y: int, rng: random.Random) -> None:
    del rng
    arc = [(x + dx, y - 3 * np.cos(dx / 8 * np.pi / 2)) for dx in range(-8, 9, 4)]
    _curve(canvas, arc, _RIPPLE, 2)


def _pebbles(canvas: Image, x: int, y: int, rng: random.Random) -> None:
    del rng
    for dx, dy in ((-3, 1), (2, -1), (4, 3)):
        _dot(canvas, x + dx, y + dy, 1.2, _PEBBLE)


_SIGNS: Mapping[str, tuple[Stamp, ...]] = {
    "on a plain background": (),
    "in the meadow": (_tuft, _tuft, _daisy),
    "on the sea": (_wave,),
    "at night": (_twinkle, _speck, _speck),
    "in the snow": (_flake, _snowball),
    "in the desert": (_dune, _pebbles),
}
