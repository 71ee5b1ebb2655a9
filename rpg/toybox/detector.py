"""Names what stands in a Toybox picture: classical vision, from the renderer's own masks.

The ground is the place's colour that is commonest along the picture's edge. What differs from it,
its outline filled and small signs of the place swept away, falls into connected parts. A part's
form is the one whose silhouette, brought to the part's area and centre of mass, covers it best; a
part that has no clear form is split between its colours. Colour and fill are read where the form
has its main tone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rpg.toybox import _forms, _paint
from rpg.toybox._forms import Mask
from rpg.toybox._paint import Floats
from rpg.toybox.vocabulary import PLACES

__all__ = ["Detection", "detect", "place_of"]

_GROUND_DISTANCE = 13.0  # CIE76 in Lab: what is nearer to the ground than this is ground
_SMALLEST_AREA = 450  # pixels; the smallest moon of the world covers about 1300
_SEED_AREA = 220  # pixels of one colour that make a thing of their own
_FAIR_OVERLAP = 0.7  # intersection over union; below it the form is unclear,
_CLEAR = 0.8  # and below this together with the lead: thin forms overlap little when misdrawn
_WHOLE_OVERLAP = 0.86  # from here on a part is one thing, whatever its colours
_GAIN = 0.1  # by which the colours' patches overlap better, each with its form, than the whole
_SIGN_WIDTH = 7  # pixels; the signs of a place are thinner


@dataclass(frozen=True, slots=True)
class Detection:
    """A thing found in a picture.

    Attributes:
        name: the thing, or None where its form is unclear.
        colour: the palette's colour, or None where it is none of them.
        box: left, top, right, bottom in pixels, half-open.
        contour: the outer outline, (N, 2) integer pixels, x before y.
        overlap: intersection over union with the named form, 0 to 1.
        fill: one of the world's fills, or None where the colour is unclear.
    """

    name: str | None
    colour: str | None
    box: tuple[int, int, int, int]
    contour: NDArray[np.int32]
    overlap: float
    fill: str | None = None

    @property
    def centre(self) -> tuple[float, float]:
        """The middle of the box, x and y in pixels."""
        left, top, right, bottom = self.box
        return (left + right) / 2, (top + bottom) / 2


def detect(image: Image.Image) -> list[Detection]:
    """Find the things in `image`, a Toybox picture at its own size, from left to right."""
    lab = _paint.lab(np.asarray(image.convert("RGB")))
    distance = np.linalg.norm(lab - _ground(lab), axis=-1)
    solid = _swept(_filled(distance > _GROUND_DISTANCE))
    found = [_described(lab, piece) for part in _parts(solid) for piece in _pieces(lab, part)]
    return sorted(found, key=lambda detection: detection.centre)


def place_of(image: Image.Image) -> str:
    """The place whose ground is nearest to the picture's."""
    ground = _ground(_paint.lab(np.asarray(image.convert("RGB"))))
    return list(PLACES)[int(np.argmin(np.linalg.norm(_grounds() - ground, axis=-1)))]


@cache  # see `_paint`
def _grounds() -> Floats:
    """The grounds of all places in Lab, (6, 3)."""
    return _paint.lab(np.array(list(PLACES.values()), np.uint8))


def _ground(lab: Floats) -> Floats:
    """The ground's colour: the median of the edge pixels that are near the commonest place."""
    edge = np.concatenate([lab[:3].reshape(-1, 3), lab[-3:].reshape(-1, 3)])
    edge = np.concatenate([edge, lab[:, :3].reshape(-1, 3), lab[:, -3:].reshape(-1, 3)])
    nearest = np.argmin(np.linalg.norm(edge[:, None] - _grounds(), axis=-1), axis=1)
    commonest = np.bincount(nearest, minlength=len(_grounds())).argmax()
    return np.asarray(np.median(edge[nearest == commonest], axis=0), np.float32)


def _filled(foreground: Mask) -> Mask:
    """What the outlines hold; a lighter tone within may look like ground."""
    contours, _ = cv2.findContours(
        foreground.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
    )
    canvas = np.zeros(foreground.shape, np.uint8)
    cv2.drawContours(canvas, contours, -1, 1, cv2.FILLED)
    return canvas.astype(bool)


def _swept(solid: Mask) -> Mask:
    """Without what is thinner than a sign of the place."""
    return _opened(solid, _SIGN_WIDTH)


def _opened(mask: Mask, width: int) -> Mask:
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
    opened = cv2.morphologyEx(
        mask.astype(np.uint8), cv2.MORPH_OPEN, kernel, borderType=cv2.BORDER_REPLICATE
    )
    return opened.astype(bool)


def _parts(solid: Mask, smallest: int = _SMALLEST_AREA) -> Iterator[Mask]:
    count, labels, stats, _ = cv2.connectedComponentsWithStats(
        solid.astype(np.uint8), connectivity=4
    )
    for label in range(1, count):
        if stats[label, cv2.CC_STAT_AREA] >= smallest:
            yield labels == label


def _pieces(lab: Floats, part: Mask) -> Iterator[Mask]:
    """The part itself, or what it falls into where two things touch."""
    whole = _forms.best(part).overlap
    if whole < _WHOLE_OVERLAP:
        pieces = list(_split_by_colour(lab, part))
        overlaps = [_forms.best(piece).overlap for piece in pieces]
        if len(pieces) > 1 and sum(overlaps) / len(overlaps) > whole + _GAIN:
            yield from pieces
            return
    yield part


def _split_by_colour(lab: Floats, part: Mask) -> Iterator[Mask]:
    """Give every pixel to the nearest patch of one colour."""
    nearest = _paint.nearest_colour(lab)
    seeds = np.zeros(part.shape, np.int32)
    count = 0
    for colour in np.unique(nearest[part]):
        patch = _joined(part & (nearest == colour))
        for seed in _parts(_opened(patch, _SIGN_WIDTH), _SEED_AREA):
            count += 1
            seeds[seed] = count
    if count > 1:
        owners = _nearest_seed(seeds)
        for number in range(1, count + 1):
            yield from _parts(_swept(part & (owners == number)))


def _joined(patch: Mask) -> Mask:
    """With the gaps closed that a fill's lighter tone leaves."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (11, 11))
    return cv2.morphologyEx(patch.astype(np.uint8), cv2.MORPH_CLOSE, kernel).astype(bool)


def _nearest_seed(seeds: NDArray[np.int32]) -> NDArray[np.int32]:
    """The seed nearest to each pixel."""
    _, zones = cv2.distanceTransformWithLabels(
        (seeds == 0).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    seed_of_zone = np.zeros(zones.max() + 1, np.int32)
    seed_of_zone[zones[seeds > 0]] = seeds[seeds > 0]
    return seed_of_zone[zones]


def _described(lab: Floats, part: Mask) -> Detection:
    form = _forms.best(part, lab[..., 0])
    clear = form.overlap >= _FAIR_OVERLAP and form.overlap + form.lead >= _CLEAR
    paint = _paint.read(lab, _forms.main_area(form, part.shape) if clear else part)
    contours, _ = cv2.findContours(part.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return Detection(
        name=form.name if clear else None,
        colour=paint.colour,
        box=_box(part),
        contour=max(contours, key=len).reshape(-1, 2).astype(np.int32),
        overlap=form.overlap,
        fill=paint.fill,
    )


def _box(covered: Mask) -> tuple[int, int, int, int]:
    ys, xs = np.nonzero(covered)
    return int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1
