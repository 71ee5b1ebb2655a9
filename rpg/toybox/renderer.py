"""Draws Toybox's scenes: softly shaded things with a thin outline on the ground of their place."""

from __future__ import annotations

from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rpg.toybox.scene import Scene, Thing
from rpg.toybox.scenery import ground
from rpg.toybox.sprites import PERIOD, Floats, pattern, sprite
from rpg.toybox.vocabulary import COLOURS

_LINE, _DARK = 0.42, 0.66  # of the colour's brightness
_LIGHT = 0.74  # of the way to white


def render(scene: Scene) -> Image.Image:
    """Draw `scene` as an RGB image of its own size."""
    return Image.fromarray(pixels(scene))


def pixels(scene: Scene) -> NDArray[np.uint8]:
    """Draw `scene` as (height, width, 3) RGB bytes."""
    canvas = ground(scene.place, scene.width, scene.height, scene.backdrop).copy()
    for thing in scene.things:
        _draw(canvas, thing)
    return canvas


@cache
def tones(colour: str) -> Floats:
    """The colour and its lighter, darker and outline tones, (4, 3), 0 to 255."""
    main = np.array(COLOURS[colour], np.float32)
    return np.stack([main, main + (255 - main) * _LIGHT, main * _DARK, main * _LINE])


@lru_cache(maxsize=128)
def _shade(side: int) -> Floats:
    """How bright each pixel of a thing is: lit from the upper left; (side, side, 1), about 1."""
    across = np.linspace(-1, 1, side, dtype=np.float32)
    y, x = np.meshgrid(across, across, indexing="ij")
    return np.asarray(1.0 - 0.09 * y - 0.03 * x, np.float32)[..., None]


def _draw(canvas: NDArray[np.uint8], thing: Thing) -> None:
    side = round(thing.side)
    left, top = round(thing.x - thing.side / 2), round(thing.y - thing.side / 2)
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + side, canvas.shape[1]), min(top + side, canvas.shape[0])
    if x0 >= x1 or y0 >= y1:
        return
    window = np.s_[y0 - top : y1 - top, x0 - left : x1 - left]
    alpha = (sprite(thing.name, side).whole[window] / np.float32(255))[..., None]
    under = canvas[y0:y1, x0:x1]
    painted = _painted(thing, side, left, top)[window]
    canvas[y0:y1, x0:x1] = (under + alpha * (painted - under) + 0.5).astype(np.uint8)


def _painted(thing: Thing, side: int, left: int, top: int) -> Floats:
    """The thing's colours over its whole square, (side, side, 3), 0 to 255."""
    masks = sprite(thing.name, side)
    whole = np.maximum(masks.whole, 1).astype(np.float32)
    line, dark, light = (m / whole for m in (masks.line, masks.dark, masks.light))
    main = np.clip(1 - line - dark - light, 0, 1)
    period = np.s_[left % PERIOD, top % PERIOD]
    spots = pattern(thing.fill, *period, side) * main if thing.fill != "plain" else 0.0
    weights = np.stack([main - spots, light + spots, dark, line], axis=-1)
    return np.asarray(np.minimum((weights @ tones(thing.colour)) * _shade(side), 255), np.float32)
