"""Shape recognition: a silhouette matched against the renderer's own masks.

Silhouettes decide; where two are nearly as good, a boat's hull or a flower's middle does, which is
what tells them from a triangle and a circle when they are not drawn exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from rpg.toybox.sprites import silhouette, sprite
from rpg.toybox.vocabulary import THINGS

Mask = NDArray[np.bool_]
Floats = NDArray[np.float32]

_GRID = 64  # pixels a side of what is compared
_AREA = 1000.0  # pixels that every silhouette covers there
_SIDES = (60, 84, 120)  # thin tips are lost in small things, not in large ones
_LOST = (0, 2)  # pixels of the outline that may look like the ground: all of it at night
_FRAME = 8  # pixels around a silhouette
_TIP = 7  # pixels; see the detector's sweeping
_MARGIN = 2  # pixels between the main tone and what else there is
_INNER = 0.2  # what the tones within count beside the overlap
_SHADING = 6.0  # L* by which a thing of one tone varies


@dataclass(frozen=True, slots=True)
class Form:
    """A form laid over a part of a picture.

    Attributes:
        name: the thing.
        overlap: intersection over union, 0 to 1.
        lead: by how much it is likelier than the next best name; overlap and tones together.
        left: of the thing's square, in pixels.
        top: of the thing's square, in pixels.
        side: of the thing's square, in pixels.
    """

    name: str
    overlap: float
    lead: float
    left: float
    top: float
    side: float


@dataclass(frozen=True, slots=True)
class _Templates:
    names: tuple[str, ...]
    masks: Floats  # (N, grid * grid), 0 to 1
    tones: Floats  # (N, grid * grid), -1 dark to 1 light
    sides: Floats  # (N,), of the square for a silhouette of area 1
    middles: Floats  # (N, 2), centre of mass in the square, 0 to 1


def best(part: Mask, lightness: Floats | None = None) -> Form:
    """The form that covers `part` best; with the picture's L* (h, w), what lies within counts."""
    templates = _templates()
    area, (x, y) = _area_and_middle(part)
    flat = _normal(part, area, x, y).ravel()
    common = templates.masks @ flat
    overlaps = common / (templates.masks.sum(axis=1) + flat.sum() - common)
    likeness = overlaps
    if lightness is not None:
        seen = _normal(lightness, area, x, y).ravel()
        likeness = overlaps + _INNER * _explained(templates, flat > 0.5, seen)
    index = int(likeness.argmax())
    name = templates.names[index]
    others = [
        value for other, value in zip(templates.names, likeness, strict=True) if other != name
    ]
    side = float(templates.sides[index]) * area**0.5
    middle_x, middle_y = (float(share) * side for share in templates.middles[index])
    lead = float(likeness[index] - max(others))
    return Form(name, float(overlaps[index]), lead, x - middle_x, y - middle_y, side)


def _explained(templates: _Templates, inside: Mask, lightness: Floats) -> Floats:
    """The share of the lightness's variation inside that each form's own tones account for, (N,).

    Negative where the form would be dark and the picture is light.
    """
    seen = lightness[inside] - lightness[inside].mean()
    tones = templates.tones[:, inside]
    tones = tones - tones.mean(axis=1, keepdims=True)
    together = (tones @ seen) / len(seen)
    own = (tones**2).mean(axis=1)
    share = together * np.abs(together) / np.maximum(own * ((seen**2).mean() + _SHADING**2), 1e-6)
    return np.asarray(share, np.float32)


def main_area(form: Form, shape: tuple[int, ...]) -> Mask:
    """Where a picture of `shape` shows the form's main tone, well inside."""
    side = max(round(form.side), 8)
    masks = sprite(form.name, side)
    other = masks.line.astype(np.int32) + masks.dark + masks.light
    main = ((masks.whole == 255) & (other == 0)).astype(np.uint8)
    kernel = np.ones((2 * _MARGIN + 1, 2 * _MARGIN + 1), np.uint8)
    inner = cv2.erode(main, kernel, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    return _pasted(inner if inner.sum() > 60 else main, form, shape)


def _pasted(mask: NDArray[np.generic], form: Form, shape: tuple[int, ...]) -> Mask:
    canvas = np.zeros(shape[:2], bool)
    left, top = round(form.left), round(form.top)
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + mask.shape[1], shape[1]), min(top + mask.shape[0], shape[0])
    if x0 < x1 and y0 < y1:
        canvas[y0:y1, x0:x1] = mask[y0 - top : y1 - top, x0 - left : x1 - left].astype(bool)
    return canvas


def _area_and_middle(part: NDArray[np.generic]) -> tuple[float, tuple[float, float]]:
    moments = cv2.moments(part.astype(np.uint8), binaryImage=True)
    area = moments["m00"]
    return area, (moments["m10"] / area + 0.5, moments["m01"] / area + 0.5)


def _normal(picture: NDArray[np.generic], area: float, x: float, y: float) -> Floats:
    """A part, or what lies there, on the common grid: the common area, the middle in the middle."""
    scale = (_AREA / area) ** 0.5
    shift = _GRID / 2 - 0.5
    matrix = np.array(
        [[scale, 0, shift - scale * (x - 0.5)], [0, scale, shift - scale * (y - 0.5)]]
    )
    return np.asarray(
        cv2.warpAffine(picture.astype(np.float32), matrix, (_GRID, _GRID)), np.float32
    )


@cache
def _templates() -> _Templates:
    kinds = [(name, side, lost) for name in THINGS for side in _SIDES for lost in _LOST]
    rows = [_template(*kind) for kind in kinds]
    return _Templates(
        names=tuple(name for name, _, _ in kinds),
        masks=np.stack([mask.ravel() for mask, _, _, _ in rows]),
        tones=np.stack([tones.ravel() for _, tones, _, _ in rows]),
        sides=np.array([side for _, _, side, _ in rows], np.float32),
        middles=np.array([middle for _, _, _, middle in rows], np.float32),
    )


def _template(name: str, side: int, lost: int) -> tuple[Floats, Floats, float, tuple[float, float]]:
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (_TIP, _TIP))
    worn = cv2.erode(
        _framed(silhouette(name, side)), np.ones((2 * lost + 1, 2 * lost + 1), np.uint8)
    )
    opened = cv2.morphologyEx(worn, cv2.MORPH_OPEN, kernel)
    area, (x, y) = _area_and_middle(opened)
    masks = sprite(name, side)
    tones = _framed(masks.light.astype(np.float32) - masks.dark) / 255
    mask, inner = (_normal(one, area, x, y) for one in (opened > 0, tones))
    return mask, inner, side / area**0.5, ((x - _FRAME) / side, (y - _FRAME) / side)


def _framed(mask: NDArray[Any]) -> NDArray[Any]:
    widths = (_FRAME,) * 4
    return np.asarray(cv2.copyMakeBorder(mask, *widths, cv2.BORDER_CONSTANT, value=0))
