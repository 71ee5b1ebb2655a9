"""Things as masks of pixels, drawn once for every size: how much of which tone is where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from types import MappingProxyType

import cv2
import numpy as np
from numpy.typing import NDArray

from rpg.toybox.shapes import Tone, parts

Floats = NDArray[np.float32]

PERIOD = 16  # pixels of a pattern's tile: two cells of the latents, which lie on the same grid
_OVERSAMPLING = 4
_LINE = 2.2  # pixels of the outline
_SHIFT = 4  # fractional bits of OpenCV's polygon points
_CODES: Mapping[Tone, int] = MappingProxyType({"main": 1, "dark": 2, "light": 3})


@dataclass(frozen=True, slots=True)
class Sprite:
    """A thing of one size as coverage, each (side, side), 0 to 255.

    Attributes:
        whole: the silhouette with its outline.
        line: the outline, along the silhouette's inside.
        dark: parts in the darker tone, without the outline.
        light: parts in the lighter tone, without the outline.
    """

    whole: NDArray[np.uint8]
    line: NDArray[np.uint8]
    dark: NDArray[np.uint8]
    light: NDArray[np.uint8]


@lru_cache(maxsize=2048)
def sprite(name: str, side: int) -> Sprite:
    """The masks of a thing whose bounding square has `side` pixels."""
    scale = _OVERSAMPLING
    codes = _coded(name, side * scale)
    silhouette = (codes > 0).astype(np.uint8)
    width = round(_LINE * scale)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * width + 1, 2 * width + 1))
    inner = cv2.erode(silhouette, kernel, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    masks = (
        silhouette,
        silhouette - inner,
        (codes == _CODES["dark"]) * inner,
        (codes == _CODES["light"]) * inner,
    )
    return Sprite(*(_shrunk(mask, side) for mask in masks))


def silhouette(name: str, side: int) -> NDArray[np.uint8]:
    """The thing's silhouette without holes, (side, side), 0 or 255."""
    drawn = (sprite(name, side).whole > 127).astype(np.uint8)
    contours, _ = cv2.findContours(drawn, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = np.zeros_like(drawn)
    cv2.drawContours(filled, contours, -1, 255, cv2.FILLED)
    return filled


def _coded(name: str, pixels: int) -> NDArray[np.uint8]:
    """The parts drawn over each other, each pixel with the code of its tone; 0 where none is."""
    canvas = np.zeros((pixels, pixels), np.uint8)
    for tone, points in parts(name):
        at = (np.array(points) + 1) / 2 * pixels - 0.5
        cv2.fillPoly(
            canvas, [np.round(at * (1 << _SHIFT)).astype(np.int32)], _CODES[tone], 8, _SHIFT
        )
    return canvas


def _shrunk(mask: NDArray[np.generic], side: int) -> NDArray[np.uint8]:
    coverage = np.asarray(mask, np.uint8) * 255
    return np.asarray(cv2.resize(coverage, (side, side), interpolation=cv2.INTER_AREA), np.uint8)


@cache
def tile(fill: str) -> Floats:
    """The share of the lighter tone in each pixel of a fill's tile, (16, 16), 0 to 1."""
    fine = (np.arange(PERIOD * 4) + 0.5) / 4
    y, x = np.meshgrid(fine, fine, indexing="ij")
    light = {
        "plain": np.zeros_like(x),
        "striped": y >= PERIOD / 2,
        "dotted": np.hypot(x - PERIOD / 2, y - PERIOD / 2) < 5.2,
        "checkered": (x >= PERIOD / 2) ^ (y >= PERIOD / 2),
    }[fill]
    return np.asarray(light.reshape(PERIOD, 4, PERIOD, 4).mean(axis=(1, 3)), np.float32)


def pattern(fill: str, left: int, top: int, side: int) -> Floats:
    """The fill's lighter share over a square; the pattern lies still while things move over it."""
    rolled = np.roll(tile(fill), (-top, -left), axis=(0, 1))
    repeats = -(-side // PERIOD)
    return np.asarray(np.tile(rolled, (repeats, repeats))[:side, :side], np.float32)
