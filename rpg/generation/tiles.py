"""Tiles of a large canvas: where they lie, what each shows, and its share in every pixel.

A grid of equal tiles overlaps by an eighth. Where a region is cut by it, one tile draws the region
whole, the first that holds it with a margin or a window of its own, and has all of its pixels: a
model that sees half of a thing draws it smaller and complete, so that two halves would not fit
together.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rpg.plans.geometry import FULL, Box
from rpg.plans.plan import Plan, Region, encode_mask
from rpg.plans.scene import joined
from rpg.plans.tree import carried
from rpg.plans.wording import worded

__all__ = ["Tile", "cut", "ramps", "spans", "tiled"]

OVERLAP = 0.125  # of a tile's side

Span = tuple[int, int]
Shares = NDArray[np.float32]


@dataclass
class Tile:
    """A part of the canvas that is drawn by itself.

    Attributes:
        columns: Left and right edge in pixels.
        rows: Top and bottom edge in pixels.
        share: (height, width), its share in each of its pixels, 0 to 1; those of all tiles sum to
            one.
    """

    columns: Span
    rows: Span
    share: Shares

    def holds(self, columns: Span, rows: Span) -> bool:
        """Whether a rectangle lies in it."""
        return _within(columns, self.columns) and _within(rows, self.rows)

    def box(self, size: tuple[int, int]) -> Box:
        """In fractions of a canvas so many pixels wide and high."""
        (left, right), (top, bottom) = self.columns, self.rows
        return Box(left / size[0], top / size[1], right / size[0], bottom / size[1])


def tiled(plan: Plan, size: tuple[int, int], most: int, multiple: int) -> list[Tile]:
    """The tiles that a plan is drawn in.

    Args:
        plan: Of the whole canvas.
        size: Its width and height in pixels, multiples of `multiple`.
        most: Pixels of a tile's side, at most; but two multiples in any case.
        multiple: What all edges are a multiple of.
    """
    most = max(most // multiple, 2) * multiple
    columns, rows = (spans(side, most, multiple) for side in size)
    across, down = ramps(columns, size[0]), ramps(rows, size[1])
    tiles = [
        Tile(x, y, np.outer(high[slice(*y)], wide[slice(*x)]))
        for y, high in zip(rows, down, strict=True)
        for x, wide in zip(columns, across, strict=True)
    ]
    if len(tiles) == 1:
        return tiles
    margin = _margin(most, multiple)
    for region in plan.layers():
        left, top, right, bottom = region.box.to_pixels(*size)
        whole = (left, right), (top, bottom)
        roomy = [_grown(span, margin, side) for span, side in zip(whole, size, strict=True)]
        owner = next((one for one in tiles if one.holds(*roomy)), None)
        if owner is None:
            x = _window(whole[0], size[0], most, multiple)
            y = _window(whole[1], size[1], most, multiple)
            if x is None or y is None:
                continue  # larger than a tile
            owner = Tile(x, y, np.zeros((y[1] - y[0], x[1] - x[0]), np.float32))
            tiles.append(owner)
        _give(owner, whole, size, margin, tiles)
    return [one for one in tiles if one.share.any()]


def _give(
    owner: Tile, whole: tuple[Span, Span], size: tuple[int, int], margin: int, tiles: Sequence[Tile]
) -> None:
    """Gives a tile all of a rectangle, and a share that falls to nothing over a margin around."""
    wide, high = (
        _plateau(inner, outer, length, margin)
        for inner, outer, length in zip(whole, (owner.columns, owner.rows), size, strict=True)
    )
    for one in tiles:
        columns, rows = _common(one.columns, owner.columns), _common(one.rows, owner.rows)
        if columns is None or rows is None:
            continue
        taken = np.outer(high[_inside(rows, owner.rows)], wide[_inside(columns, owner.columns)])
        part = one.share[_inside(rows, one.rows), _inside(columns, one.columns)]
        part *= 1 - taken
        if one is owner:
            part += taken


def _plateau(inner: Span, outer: Span, length: int, margin: int) -> NDArray[np.float64]:
    """(outer,), 1 within `inner`, falling to 0 over a margin outside, not at the canvas's edges.

    Where the outer span leaves less room than the margin, it falls within `inner` already.
    """
    pixels = np.arange(*outer) + 0.5
    start, end = max(outer[0], inner[0] - margin), min(outer[1], inner[1] + margin)
    share = np.ones(len(pixels))
    if start > 0:
        share *= _rising((pixels - start) / max(margin, 1))
    if end < length:
        share *= _rising((end - pixels) / max(margin, 1))
    return share


def _window(inner: Span, length: int, most: int, multiple: int) -> Span | None:
    """A tile's span around another, with a margin and at least half a tile; None if too long."""
    start, end = inner[0] // multiple * multiple, -(-inner[1] // multiple) * multiple
    wanted = max(end - start + 2 * _margin(most, multiple), most // 2 // multiple * multiple)
    side = min(wanted, most, length)
    if end - start > side:
        return None
    middle = (start + end - side) // 2 // multiple * multiple
    first = min(max(middle, 0), length - side)
    return first, first + side


def _margin(most: int, multiple: int) -> int:
    return max(round(most * OVERLAP / multiple), 1) * multiple


def _grown(span: Span, margin: int, length: int) -> Span:
    return max(span[0] - margin, 0), min(span[1] + margin, length)


def _within(inner: Span, outer: Span) -> bool:
    return outer[0] <= inner[0] and inner[1] <= outer[1]


def _common(one: Span, other: Span) -> Span | None:
    start, end = max(one[0], other[0]), min(one[1], other[1])
    return (start, end) if start < end else None


def _inside(inner: Span, outer: Span) -> slice:
    """Where a span lies in one that holds it."""
    return slice(inner[0] - outer[0], inner[1] - outer[0])


def spans(length: int, most: int, multiple: int) -> tuple[Span, ...]:
    """Equal overlapping parts of a side, as few as can be.

    Args:
        length: Of the side in pixels, a multiple of `multiple`.
        most: Pixels of a part, at most; a multiple too, two at least.
        multiple: What all edges are a multiple of.

    Returns:
        Start and end of each; each overlaps the next by an eighth of `most`, less one multiple for
        rounding, but by one at least.
    """
    if length <= most:
        return ((0, length),)
    overlap = _margin(most, multiple)
    count = math.ceil((length - overlap) / (most - overlap))
    side = math.ceil((length + (count - 1) * overlap) / count / multiple) * multiple
    room = (length - side) // multiple
    starts = (round(room * i / (count - 1)) * multiple for i in range(count))
    return tuple((start, start + side) for start in starts)


def ramps(parts: Sequence[Span], length: int) -> Shares:
    """The share of each part in each pixel of a side, (parts, length), summing to one.

    It rises over the overlap with the part before and falls over that with the next, smoothly.
    """
    pixels = np.arange(length) + 0.5
    shares = np.zeros((len(parts), length))
    for index, (start, end) in enumerate(parts):
        share = ((pixels > start) & (pixels < end)).astype(float)
        if index:
            share *= _rising((pixels - start) / (parts[index - 1][1] - start))
        if index + 1 < len(parts):
            share *= _rising((end - pixels) / (end - parts[index + 1][0]))
        shares[index] = share
    return np.asarray(shares / shares.sum(axis=0), np.float32)


def _rising(way: NDArray[np.float64]) -> NDArray[np.float64]:
    """From 0 to 1 with level ends; together with its mirror image it is 1."""
    held = way.clip(0, 1)
    found: NDArray[np.float64] = held * held * (3 - 2 * held)
    return found


def cut(plan: Plan, tile: Box, empty: str = "") -> Plan:
    """The plan of a tile: what lies in it of each region, as fractions of the tile.

    Its base prompt names no thing that is elsewhere, which the model would draw once more: it is
    that of the regions in it, or without regions what leftover canvas is told (see
    `rpg.plans.wording`).

    Args:
        plan: Of the whole canvas.
        tile: Fractions of it.
        empty: As in `worded`.
    """
    if tile == FULL:
        return plan
    regions, layers = tuple(_parts(plan, tile)), plan.layers()
    base = plan.base_prompt
    if not regions:
        base = worded(plan, empty=empty).leftover or base
    elif len(regions) < len(layers):
        base = joined("", *(region.prompt for region in regions))
    return plan.model_copy(update={"regions": regions, "base_prompt": base})


def _parts(plan: Plan, tile: Box) -> Iterator[Region]:
    """Layers in painting order, without parents: each is painted by its own box and mask alone."""
    for order, layer in enumerate(plan.layers()):
        common = layer.box.intersection(tile)
        if common is None:
            continue
        update: dict[str, Any] = {"box": carried(common, tile, FULL), "z": order, "children": ()}
        if (mask := layer.mask_image()) is not None:
            update["mask"] = encode_mask(_masked(mask, tile))
        yield layer.model_copy(update=update)


def _masked(mask: Image.Image, tile: Box) -> Image.Image:
    """The tile's part of a painted mask, at the mask's own resolution."""
    wide, high = mask.size
    size = max(round(tile.width * wide), 1), max(round(tile.height * high), 1)
    edges = (tile.x0 * wide, tile.y0 * high, tile.x1 * wide, tile.y1 * high)
    return mask.resize(size, Image.Resampling.BILINEAR, box=edges)
