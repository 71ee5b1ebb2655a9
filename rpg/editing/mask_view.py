"""Where things stand in a picture, and the mask that comes of the places to draw anew."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rpg.editing.segmentation import Pixels, Segmenter
from rpg.plans.geometry import Box
from rpg.plans.plan import Region

__all__ = ["MaskShape", "Spot", "View", "softened"]

_OBLONG = 1.25  # times as long as wide: models tend to draw a thing twice in what is longer


@dataclass(frozen=True, slots=True)
class MaskShape:
    """How generous a mask is; shares of the picture's shorter side.

    Attributes:
        dilate: Grows contours by so much, so that no rim of the old thing stays.
        feather: Width of the soft edge, inside the mask.
        boxes: Mask whole boxes, also where a contour is found.
        grow: Grows boxes by so much, also over neighbours.
        room: How far from the hull of what changes its looks the mask falls to black, inside the
            region's box.
    """

    dilate: float = 0.04
    feather: float = 0.02
    boxes: bool = False
    grow: float = 0.0
    room: float = 0.25


def softened(support: Pixels, feather: int) -> Image.Image:
    """A mask that rises from the edge of `support` to white within `feather` pixels."""
    if feather < 1 or support.all():
        return Image.fromarray(support.astype(np.uint8) * 255)
    depth = cv2.distanceTransform(support.astype(np.uint8), cv2.DIST_L2, 5)
    alpha = np.clip(depth / (feather + 1), 0.0, 1.0)
    return Image.fromarray(np.ceil(alpha * 255).astype(np.uint8))


class Spot(NamedTuple):
    """What is drawn anew from the first step on, and where late steps may draw as well."""

    core: Pixels
    room: Pixels | None = None


class View:
    """A picture with what finds things in it."""

    def __init__(self, image: Image.Image, finder: Segmenter, shape: MaskShape, cell: int) -> None:
        self.image, self.finder, self.shape, self._cell = image, finder, shape, cell
        self._unit = min(image.size)

    def find(self, box: Box) -> Pixels | None:
        """The thing in a box."""
        return self.finder(self.image, [box])[0]

    def box(self, box: Box) -> Pixels:
        """A whole box, grown where the shape says so."""
        filled = self._empty()
        left, top, right, bottom = box.to_pixels(*self.image.size)
        filled[top:bottom, left:right] = True
        return self._grown(filled, self.shape.grow)

    def thing(self, box: Box, *, wholly: bool = False) -> Pixels:
        """What stands in a box; all of the box where that is not to be found, or `wholly`."""
        found = self.find(box) if self.finder.whole or not wholly else None
        if found is None:
            return self.box(box)
        grown = self._grown(found, self.shape.dilate)
        return grown | self.box(box) if wholly or self.shape.boxes else grown

    def place(self, region: Region, *, wholly: bool) -> Pixels:
        """What a region shows; cut to its painted form where it has one."""
        painted = region.mask_image()
        if painted is None:
            return self.thing(region.box, wholly=wholly)
        inside = np.asarray(painted.resize(self.image.size, Image.Resampling.BOX)) > 0
        return self._grown(inside, self.shape.dilate) & self.box(region.box)

    def looks(self, region: Region) -> Spot:
        """What a region shows and keeps showing, with room around it in its box."""
        place = self.place(region, wholly=False)
        painted = region.mask is not None
        return Spot(place) if painted else Spot(_hull(place), self.box(region.box))

    def another(self, region: Region) -> Spot:
        """Where another thing is to stand: of a long box only where the old one did."""
        whole = self.place(region, wholly=True)
        left, top, right, bottom = region.box.to_pixels(*self.image.size)
        side = min(right - left, bottom - top)
        plain = region.mask is None and not self.shape.boxes
        found = self.find(region.box) if plain else None
        if found is None or max(right - left, bottom - top) <= _OBLONG * side:
            return Spot(whole)
        near = self._grown(found, self.shape.dilate)
        rows, columns = np.flatnonzero(near.any(axis=1)), np.flatnonzero(near.any(axis=0))
        near[_span(rows, side, top, bottom), _span(columns, side, left, right)] = True
        return Spot(near, whole)

    def mask(self, spots: Iterable[Spot], others: Iterable[Region]) -> Image.Image:
        """The spots together, without the things of other regions."""
        core, room = self._empty(), self._empty()
        for spot in spots:
            core |= spot.core
            room |= spot.core if spot.room is None else spot.room
        core = _whole_cells(core, self._cell)
        open_ = self._fading(core)
        support = core | (_whole_cells(room, self._cell) & (open_ > 0))
        for found in self._standing(support, list(others)):
            support &= ~found
        soft = softened(support, round(self.shape.feather * self._unit))
        return Image.fromarray(np.minimum(np.asarray(soft), open_))

    def _fading(self, core: Pixels) -> NDArray[np.uint8]:
        """White at the core, falling to black as far from it as there is room."""
        away = cv2.distanceTransform((~core).astype(np.uint8), cv2.DIST_L2, 5)
        reach = self.shape.room * self._unit
        share = np.clip(1.0 - away / reach, 0.0, 1.0) if reach else core.astype(np.float64)
        return np.asarray(np.ceil(share * 255), np.uint8)

    def _standing(self, support: Pixels, others: list[Region]) -> Iterator[Pixels]:
        """The other regions' things that the mask would touch."""
        near = [
            region
            for region in others
            if self.finder.whole or (self.box(region.box) & support).any()
        ]
        boxes = [region.box for region in near]
        yield from (found for found in self.finder(self.image, boxes) if found is not None)

    def _empty(self) -> Pixels:
        return np.zeros((self.image.height, self.image.width), bool)

    def _grown(self, pixels: Pixels, share: float) -> Pixels:
        radius = round(share * self._unit)
        if radius < 1:
            return pixels
        return np.asarray(cv2.dilate(pixels.astype(np.uint8), _disc(radius)), bool)


def _disc(radius: int) -> NDArray[np.uint8]:
    side = 2 * radius + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), np.uint8)


def _span(found: NDArray[np.intp], side: int, low: int, high: int) -> slice:
    """`side` pixels around the middle of those found, from `low` to `high` at most."""
    start = (int(found[0]) + int(found[-1]) + 1 - side) // 2
    start = min(max(start, low), high - side)
    return slice(start, start + side)


def _hull(pixels: Pixels) -> Pixels:
    """The smallest convex form around them."""
    points = np.argwhere(pixels)[:, ::-1].astype(np.int32)
    filled = np.zeros(pixels.shape, np.uint8)
    cv2.fillConvexPoly(filled, cv2.convexHull(np.ascontiguousarray(points)), 1)
    return np.asarray(filled, bool) | pixels


def _whole_cells(pixels: Pixels, cell: int) -> Pixels:
    """Every cell that holds any of the pixels."""
    height, width = pixels.shape
    padded = np.pad(pixels, ((0, -height % cell), (0, -width % cell)))
    rows, columns = padded.shape[0] // cell, padded.shape[1] // cell
    cells = padded.reshape(rows, cell, columns, cell).any(axis=(1, 3))
    return np.repeat(np.repeat(cells, cell, axis=0), cell, axis=1)[:height, :width]
