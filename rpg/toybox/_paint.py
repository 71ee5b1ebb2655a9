"""The colour and the fill of a thing, read from the pixels that have its main tone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from rpg.toybox.renderer import tones
from rpg.toybox.sprites import PERIOD, tile
from rpg.toybox.vocabulary import COLOURS, FILLS

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

_LIGHTNESS = 0.5  # weight of L* beside a* and b*: things are shaded
_COLOUR_DISTANCE = 17.0  # farther than this from every palette colour is no colour of this world
_MAIN = 0.5  # nearer to the main tone than to the lighter one
_LEAST_MAIN = 0.2  # share of the pixels that a fill leaves in the main tone
_FAINTEST = 0.13  # deviation of the pattern below which a fill is plain


@dataclass(frozen=True, slots=True)
class Paint:
    """What a thing looks like; None where it is nothing of this world."""

    colour: str | None
    fill: str | None


def lab(rgb: NDArray[np.uint8]) -> Floats:
    """SRGB bytes (..., 3) -> CIE L*a*b*, float32."""
    image = np.ascontiguousarray(rgb.reshape(-1, 1, 3), dtype=np.float32) / 255
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2LAB), np.float32).reshape(rgb.shape)


_WEIGHTS = np.array([_LIGHTNESS, 1, 1], np.float32)


@cache  # OpenCV's first conversion takes a tenth of a second
def _palette() -> tuple[Floats, Floats]:
    """Main and light tone of every colour, (10, 3) each."""
    light = np.stack([np.round(tones(name)[1]).astype(np.uint8) for name in COLOURS])
    return lab(np.array(list(COLOURS.values()), np.uint8)), lab(light)


def nearest_colour(picture: Floats) -> NDArray[np.intp]:
    """The number of the palette's colour nearest to each pixel of (h, w, 3); -1 where none is."""
    distances = np.linalg.norm((picture[:, :, None] - _palette()[0]) * _WEIGHTS, axis=-1)
    return np.where(distances.min(axis=-1) < _COLOUR_DISTANCE, distances.argmin(axis=-1), -1)


def read(picture: Floats, area: Mask) -> Paint:
    """The paint of the pixels in `area` of a Lab picture (h, w, 3)."""
    pixels = picture[area]
    if not len(pixels):
        return Paint(None, None)
    shares, distances = _between(pixels)
    mostly = np.where((shares < _MAIN).mean(axis=0) >= _LEAST_MAIN, distances.mean(axis=0), np.inf)
    index = int(mostly.argmin())
    if mostly[index] > _COLOUR_DISTANCE:
        return Paint(None, None)
    return Paint(list(COLOURS)[index], _fill(shares[:, index], area))


def _between(pixels: Floats) -> tuple[Floats, Floats]:
    """For every pixel and colour: how far from main to light tone it lies, and how far off.

    (N, 3) -> shares (N, 10) from 0 to 1, distances (N, 10).
    """
    main, light = (tone * _WEIGHTS for tone in _palette())
    axis = light - main
    offset = pixels[:, None] * _WEIGHTS - main
    shares = np.clip((offset * axis).sum(-1) / (axis * axis).sum(-1), 0, 1)
    distances = np.linalg.norm(offset - shares[..., None] * axis, axis=-1)
    return shares.astype(np.float32), distances.astype(np.float32)


def _fill(shares: Floats, area: Mask) -> str:
    """The fill whose tile, laid at the best offset, is likest to the pattern folded into one."""
    folded = _folded(shares, area)
    if folded.std() < _FAINTEST:
        return FILLS[0]
    spectrum = np.fft.fft2(folded - folded.mean())
    alike = {
        fill: float(np.fft.ifft2(spectrum * np.conj(_spectrum(fill))).real.max())
        for fill in FILLS[1:]
    }
    return max(alike, key=alike.__getitem__)


def _folded(shares: Floats, area: Mask) -> Floats:
    """The mean of all tiles of a pattern, (16, 16); the overall mean where no pixel falls."""
    ys, xs = np.nonzero(area)
    cells = (ys % PERIOD) * PERIOD + xs % PERIOD
    count = np.bincount(cells, minlength=PERIOD**2)
    total = np.bincount(cells, weights=shares, minlength=PERIOD**2)
    means = np.where(count > 0, total / np.maximum(count, 1), shares.mean())
    return means.reshape(PERIOD, PERIOD).astype(np.float32)


@cache
def _spectrum(fill: str) -> NDArray[np.complex128]:
    """Of the fill's tile, with mean 0 and length 1."""
    level = tile(fill) - tile(fill).mean()
    return np.asarray(np.fft.fft2(level / np.linalg.norm(level)), np.complex128)
