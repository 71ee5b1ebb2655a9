"""From the edits of a plan to the mask of what has to be drawn anew.

What goes is masked by its contour, what stays in another look by the convex hull of that, or both
by their region's box where no contour is found; what comes, or becomes another thing, by its box.
Around what stays there is room in greys, which late steps may draw on: it keeps its place, and no
edge cuts it off where it is drawn a little larger. Things of regions that no edit is about are cut
out of the mask again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rpg.diffusion.contours import ContourFinder, Pixels
from rpg.edits import AddRegion, Edit, ModifyRegion, MoveRegion, RemoveRegion, touched
from rpg.geometry import FULL, Box
from rpg.plan import Plan, Region
from rpg.scene import thing_in

__all__ = ["MaskShape", "edit_mask", "only_looks", "region_mask", "softened"]

_HELD = 0.98  # of a thing's pixels inside a region's new box: it need not move


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


def edit_mask(
    image: Image.Image,
    before: Plan,
    after: Plan,
    edits: Iterable[Edit],
    finder: ContourFinder,
    shape: MaskShape | None = None,
    cell: int = 1,
) -> Image.Image:
    """Where a picture of one plan has to be drawn anew to be one of another.

    Args:
        image: The picture of `before`.
        before: The plan it was drawn from.
        after: `before` with `edits` made.
        edits: What changes.
        finder: Finds the things in their boxes.
        shape: How generous the mask is.
        cell: Pixels of a latent cell; the mask is of whole ones, as what is drawn fills them.

    Returns:
        Greyscale, of the picture's size; white is drawn anew, black stays. Black all over where the
        edits change nothing.
    """
    edits = tuple(edits)
    concerned = touched(before, edits)
    view = _View(image, finder, shape or MaskShape(), cell)
    kept = {region.id for region in before.layers()} - set(concerned.ids)
    if concerned.boxes == (FULL,) and (not kept or not concerned.ids):
        return Image.new("L", image.size, 255)
    spots = list(_spots(view, before, after, edits))
    if not spots:
        spots = [_Spot(view.box(box)) for box in concerned.boxes]
    return view.mask(spots, _others(after, frozenset(concerned.ids)))


def region_mask(
    image: Image.Image,
    plan: Plan,
    ids: Iterable[str],
    finder: ContourFinder,
    shape: MaskShape | None = None,
    extra: Iterable[Box] = (),
    cell: int = 1,
) -> Image.Image:
    """The mask that draws regions of a plan anew; arguments and result as in `edit_mask`.

    Args:
        image: The picture.
        plan: Its plan.
        ids: The regions.
        finder: Finds the things in their boxes.
        shape: How generous the mask is.
        extra: Further places, such as those of things that should not be there.
        cell: As there.
    """
    view, wanted = _View(image, finder, shape or MaskShape(), cell), frozenset(ids)
    regions = [region for region in plan.layers() if region.id in wanted]
    spots = [_Spot(view.place(region, wholly=True)) for region in regions]
    spots += [_Spot(view.thing(box)) for box in extra]
    return view.mask(spots, _others(plan, wanted))


def only_looks(before: Region, after: Region) -> bool:
    """Whether a region shows the same thing after an edit, in another look."""
    return before.box == after.box and thing_in(before.prompt) == thing_in(after.prompt)


def softened(support: Pixels, feather: int) -> Image.Image:
    """A mask that rises from the edge of `support` to white within `feather` pixels."""
    if feather < 1 or support.all():
        return Image.fromarray(support.astype(np.uint8) * 255)
    depth = cv2.distanceTransform(support.astype(np.uint8), cv2.DIST_L2, 5)
    alpha = np.clip(depth / (feather + 1), 0.0, 1.0)
    return Image.fromarray(np.ceil(alpha * 255).astype(np.uint8))


class _Spot(NamedTuple):
    """What is drawn anew from the first step on, and where late steps may draw as well."""

    core: Pixels
    room: Pixels | None = None


class _View:
    """A picture with what finds things in it."""

    def __init__(
        self, image: Image.Image, finder: ContourFinder, shape: MaskShape, cell: int
    ) -> None:
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

    def looks(self, region: Region) -> _Spot:
        """What a region shows and keeps showing, with room around it in its box."""
        place = self.place(region, wholly=False)
        painted = region.mask is not None
        return _Spot(place) if painted else _Spot(_hull(place), self.box(region.box))

    def mask(self, spots: Iterable[_Spot], others: Iterable[Region]) -> Image.Image:
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


def _spots(view: _View, before: Plan, after: Plan, edits: Iterable[Edit]) -> Iterator[_Spot]:
    """What each edit wants drawn anew."""
    was = {region.id: region for region in before.layers()}
    now = {region.id: region for region in after.layers()}
    for edit in edits:
        match edit:
            case AddRegion():
                yield _Spot(view.place(edit.region, wholly=True))
            case RemoveRegion() if edit.id in was:
                yield _Spot(view.place(was[edit.id], wholly=False))
            case ModifyRegion() if edit.id in now:
                new = now[edit.id]
                stays = edit.id in was and only_looks(was[edit.id], new)
                yield view.looks(new) if stays else _Spot(view.place(new, wholly=True))
            case MoveRegion() if edit.id in was and edit.id in now:
                yield from map(_Spot, _moved(view, was[edit.id], now[edit.id]))
            case RemoveRegion() | MoveRegion():  # a container: what is in it counts
                yield from map(_Spot, _inside(view, before, after, edit.id))


def _moved(view: _View, old: Region, new: Region) -> Iterator[Pixels]:
    """The old place and the new one; nothing where the thing stands in its new box already."""
    if old.mask != new.mask or old.z != new.z:
        yield view.place(new, wholly=True)
    if old.box == new.box:
        return
    found = view.find(old.box)
    inside = view.box(new.box)
    if found is not None and (found & inside).sum() >= _HELD * found.sum():
        return
    yield view.place(old, wholly=False)
    yield view.place(new, wholly=True)


def _inside(view: _View, before: Plan, after: Plan, container: str) -> Iterator[Pixels]:
    for old in _below(before.regions, container):
        new = next((each for each in after.layers() if each.id == old.id), None)
        if new is None:
            yield view.place(old, wholly=False)
        else:
            yield from _moved(view, old, new)


def _below(regions: Iterable[Region], container: str, inside: bool = False) -> Iterator[Region]:
    """The regions with a subprompt in the region of that id."""
    for region in regions:
        within = inside or region.id == container
        if within and region.prompt:
            yield region
        yield from _below(region.children, container, within)


def _others(plan: Plan, concerned: frozenset[str]) -> Iterator[Region]:
    """Regions that no edit is about and whose things may stand in front of an edited one.

    What lies below an edited region and shares its place, a background, is no such thing.
    """
    layers = plan.layers()
    edited = [index for index, region in enumerate(layers) if region.id in concerned]
    for index, region in enumerate(layers):
        below = any(
            index < other and region.box.intersection(layers[other].box) for other in edited
        )
        if region.id not in concerned and not below:
            yield region
