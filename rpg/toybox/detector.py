"""Names what stands in a Toybox picture: classical vision, from the renderer's own shapes.

The ground is the picture's most common colour near the edge; what differs from it falls into
connected parts; a part of two colours is split between them; the colour is the palette's nearest to
the part's inner median; the shape is the one whose outline, drawn with the part's own area and
centre of mass, covers it best.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from rpg.toybox.renderer import outline
from rpg.toybox.vocabulary import COLOURS, PLACES, THINGS

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

_GROUND_DISTANCE = 14.0  # CIE76 in Lab: what is nearer to the ground than this is ground
_COLOUR_DISTANCE = 38.0  # farther than this from every palette colour is no colour of this world
_SMALLEST_AREA = 40  # pixels; the smallest star of the world covers about 75
_CLEAR_OVERLAP = 0.72  # soft intersection over union; below it the shape is unclear
_OVERSAMPLING = 4


@dataclass(frozen=True, slots=True)
class Detection:
    """A thing found in a picture.

    Attributes:
        name: the thing, or None where its shape is unclear.
        colour: the palette's colour, or None where it is none of them.
        box: left, top, right, bottom in pixels, half-open.
        contour: the outer outline, (N, 2) integer pixels, x before y.
        overlap: soft intersection over union with the named shape, 0 to 1.
    """

    name: str | None
    colour: str | None
    box: tuple[int, int, int, int]
    contour: NDArray[np.int32]
    overlap: float

    @property
    def centre(self) -> tuple[float, float]:
        """The middle of the box, x and y in pixels."""
        left, top, right, bottom = self.box
        return (left + right) / 2, (top + bottom) / 2


def detect(image: Image.Image) -> list[Detection]:
    """Find the things in `image`, a Toybox picture at its own size, from left to right."""
    lab = _lab(np.asarray(image.convert("RGB")))
    ground = _ground(lab)
    distance = np.linalg.norm(lab - ground, axis=-1)
    found = [_described(lab, ground, part) for part in _parts(lab, distance > _GROUND_DISTANCE)]
    return sorted(found, key=lambda detection: detection.centre)


def place_of(image: Image.Image) -> str:
    """The place whose ground is nearest to the picture's."""
    ground = _ground(_lab(np.asarray(image.convert("RGB"))))
    return list(PLACES)[int(np.argmin(np.linalg.norm(_GROUNDS - ground, axis=-1)))]


def _lab(rgb: NDArray[np.uint8]) -> Floats:
    """SRGB bytes (..., 3) -> CIE L*a*b*, float32."""
    image = np.ascontiguousarray(rgb.reshape(-1, 1, 3), dtype=np.float32) / 255
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2LAB), np.float32).reshape(rgb.shape)


_PALETTE = _lab(np.array(list(COLOURS.values()), np.uint8))  # (8, 3)
_GROUNDS = _lab(np.array(list(PLACES.values()), np.uint8))  # (3, 3)


def _ground(lab: Floats) -> Floats:
    """The ground's colour: the median of the edge pixels that are near the commonest place."""
    edge = np.concatenate([lab[:2].reshape(-1, 3), lab[-2:].reshape(-1, 3)])
    edge = np.concatenate([edge, lab[:, :2].reshape(-1, 3), lab[:, -2:].reshape(-1, 3)])
    nearest = np.argmin(np.linalg.norm(edge[:, None] - _GROUNDS, axis=-1), axis=1)
    commonest = np.bincount(nearest, minlength=len(_GROUNDS)).argmax()
    return np.asarray(np.median(edge[nearest == commonest], axis=0), np.float32)


def _parts(lab: Floats, foreground: Mask) -> Iterator[Mask]:
    """The connected parts of the foreground, those of several colours split between them."""
    count, labels = cv2.connectedComponents(foreground.astype(np.uint8), connectivity=4)
    for label in range(1, count):
        part = labels == label
        if part.sum() >= _SMALLEST_AREA:
            yield from _split_by_colour(lab, part)


def _split_by_colour(lab: Floats, part: Mask) -> Iterator[Mask]:
    """Give every pixel to the nearest inner patch of one colour; edges mix colours, insides not."""
    nearest = np.argmin(np.linalg.norm(lab[:, :, None] - _PALETTE, axis=-1), axis=-1)
    inner = _inner(part)
    seeds = np.zeros(part.shape, np.int32)
    count = 0
    for colour in np.unique(nearest[inner]):
        patches, patch_labels = cv2.connectedComponents(
            (inner & (nearest == colour)).astype(np.uint8), connectivity=4
        )
        for patch in range(1, patches):
            if (patch_labels == patch).sum() >= _SMALLEST_AREA / 4:
                count += 1
                seeds[patch_labels == patch] = count
    if count <= 1:
        yield part
        return
    owners = _nearest_seed(seeds)
    for seed in range(1, count + 1):
        piece = part & (owners == seed)
        if piece.sum() >= _SMALLEST_AREA:
            yield piece


def _nearest_seed(seeds: NDArray[np.int32]) -> NDArray[np.int32]:
    """The seed nearest to each pixel."""
    _, zones = cv2.distanceTransformWithLabels(
        (seeds == 0).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    seed_of_zone = np.zeros(zones.max() + 1, np.int32)
    seed_of_zone[zones[seeds > 0]] = seeds[seeds > 0]
    return seed_of_zone[zones]


def _inner(part: Mask) -> Mask:
    """The part without its antialiased edge, or the whole part where nothing would be left."""
    eroded = cv2.erode(
        part.astype(np.uint8),
        np.ones((3, 3), np.uint8),
        borderType=cv2.BORDER_CONSTANT,
        borderValue=0,
    ).astype(bool)
    return eroded if eroded.sum() >= _SMALLEST_AREA / 8 else part


def _described(lab: Floats, ground: Floats, part: Mask) -> Detection:
    middle = np.median(lab[_inner(part)], axis=0)
    distances = np.linalg.norm(_PALETTE - middle, axis=-1)
    colour = list(COLOURS)[int(distances.argmin())] if distances.min() < _COLOUR_DISTANCE else None
    coverage = _coverage(lab, ground, middle, part)
    name, overlap = _best_shape(coverage)
    covered = coverage > 0.5 if (coverage > 0.5).any() else part
    contours, _ = cv2.findContours(
        covered.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
    )
    return Detection(
        name=name if overlap >= _CLEAR_OVERLAP else None,
        colour=colour,
        box=_box(covered),
        contour=max(contours, key=len).reshape(-1, 2).astype(np.int32),
        overlap=overlap,
    )


def _coverage(lab: Floats, ground: Floats, colour: Floats, part: Mask) -> Floats:
    """How much of each pixel the thing covers, 0 to 1: its place between ground and colour."""
    axis = colour - ground
    share = (lab - ground) @ axis / max(float(axis @ axis), 1e-6)
    around = cv2.dilate(part.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    return np.asarray(np.clip(share, 0, 1) * around, np.float32)


def _box(covered: Mask) -> tuple[int, int, int, int]:
    ys, xs = np.nonzero(covered)
    return int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1


def _best_shape(coverage: Floats) -> tuple[str, float]:
    overlaps = {name: _overlap(coverage, name) for name in THINGS}
    best = max(overlaps, key=overlaps.__getitem__)
    return best, overlaps[best]


def _overlap(coverage: Floats, name: str) -> float:
    """Soft intersection over union with the shape of the same area and centre of mass."""
    shape = np.array(outline(name))
    area, centre = _area_and_centre(shape)
    height, width = coverage.shape
    mass = float(coverage.sum())
    x = float((coverage.sum(axis=0) * (np.arange(width) + 0.5)).sum()) / mass
    y = float((coverage.sum(axis=1) * (np.arange(height) + 0.5)).sum()) / mass
    points = (shape - centre) * np.sqrt(mass / area) + (x, y)
    canvas = Image.new("L", (width * _OVERSAMPLING, height * _OVERSAMPLING), 0)
    ImageDraw.Draw(canvas).polygon(
        [tuple(point) for point in (points * _OVERSAMPLING).tolist()], fill=255
    )
    drawn = np.asarray(canvas.resize((width, height), Image.Resampling.BOX), np.float32) / 255
    union = float(np.maximum(coverage, drawn).sum())
    return float(np.minimum(coverage, drawn).sum()) / union


def _area_and_centre(points: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    """Area and centre of mass of a polygon (N, 2), by the shoelace formula."""
    following = np.roll(points, -1, axis=0)
    cross = points[:, 0] * following[:, 1] - following[:, 0] * points[:, 1]
    centre = ((points + following) * cross[:, None]).sum(axis=0) / (3 * cross.sum())
    return abs(float(cross.sum())) / 2, centre
