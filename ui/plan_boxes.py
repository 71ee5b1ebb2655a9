"""A plan as boxes on the annotator's canvas, and what a hand did there as edits of the plan. Pure.

The canvas is a sheet of paper with a margin, in which labels of boxes at the upper edge have room.
Every region has a colour that no other has, which tells whose a box is however boxes are reordered
or renamed. Hands are compared with what was last put on the canvas, in pixels: what nobody moved
keeps its exact fractions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rpg.planners.rules.typed import typed_addition, typed_words
from rpg.plans.edits import AddRegion, AnyEdit, MoveRegion, RemoveRegion, apply
from rpg.plans.geometry import Box
from rpg.plans.overlay import PALETTE
from rpg.plans.plan import Plan, Region

__all__ = [
    "MARGIN",
    "Drawn",
    "Mark",
    "addition",
    "colour_of",
    "drawn",
    "hand",
    "paper",
    "regions_of",
]

Colour = tuple[int, int, int]
Pixels = tuple[int, int, int, int]
Size = tuple[int, int]

_LONG = 1024  # pixels of the paper's longer side
MARGIN = (12, 64, 12, 12)  # left, top, right, bottom, around the paper
_LABEL = 32  # characters of a label
_GREY = 128


@dataclass(frozen=True, slots=True)
class Mark:
    """A region's box on the canvas.

    Attributes:
        id: The region's.
        label: What stands at the box.
        colour: Red, green and blue, 0 to 255; no other mark has it.
        pixels: Left, top, right, bottom, margin included.
    """

    id: str
    label: str
    colour: Colour
    pixels: Pixels


@dataclass(frozen=True, slots=True)
class Drawn:
    """What the canvas shows: the paper's width and height in pixels, and marks, the top first."""

    size: Size = (_LONG, _LONG)
    marks: tuple[Mark, ...] = ()

    def boxes(self) -> list[dict[str, Any]]:
        """The marks as the annotator takes them."""
        edges = ("xmin", "ymin", "xmax", "ymax")
        return [
            {
                "label": mark.label,
                "color": "rgb({}, {}, {})".format(*mark.colour),
                **dict(zip(edges, mark.pixels, strict=True)),
            }
            for mark in self.marks
        ]


def paper(canvas: Size) -> Size:
    """Width and height in pixels of the paper that stands for a canvas of this form."""
    scale = _LONG / max(canvas)
    return max(round(canvas[0] * scale), 1), max(round(canvas[1] * scale), 1)


def regions_of(plan: Plan) -> Iterator[tuple[Region, int | None, int]]:
    """Every region in painting order, with its number and its depth.

    Numbers are those of `Plan.layers`, from 1; None for a region that only holds others.
    """
    number = 0
    for region, depth in _walk(plan.regions):
        number += bool(region.prompt)
        yield region, number if region.prompt else None, depth


def region_named(plan: Plan, name: str) -> Region | None:
    """The region of that id, nested or not."""
    return next((region for region, _, _ in regions_of(plan) if region.id == name), None)


def colour_of(number: int | None, place: int) -> Colour:
    """The palette's colour for a number, off by a shade where the palette begins anew.

    Args:
        number: From 1; None for a region that only holds others, which is grey.
        place: Of the region among all, from 0.
    """
    if number is None:
        return _GREY, _GREY, _GREY + place % _GREY
    red, green, blue = PALETTE[(number - 1) % len(PALETTE)]
    return red, green, blue ^ (number - 1) // len(PALETTE)


def drawn(plan: Plan, canvas: Size) -> Drawn:
    """What the canvas should show.

    Args:
        plan: The plan.
        canvas: Width and height of the picture to come; only their ratio counts.
    """
    size = paper(canvas)
    marks = [
        Mark(region.id, _label(region, number), colour_of(number, place), _placed(region.box, size))
        for place, (region, number, _) in enumerate(regions_of(plan))
    ]
    return Drawn(size, tuple(reversed(marks)))


def hand(
    was: Drawn, boxes: Sequence[Mapping[str, Any]], plan: Plan
) -> tuple[tuple[AnyEdit, ...], Drawn]:
    """What a hand did on the canvas, and what the canvas shows now.

    Args:
        was: What it showed.
        boxes: The annotator's value. A box without a label is not done yet and counts for nothing.
        plan: The plan to edit; regions that it has no more are passed over.

    Returns:
        Edits for `rpg.plans.edits.apply`, none where nothing was done.
    """
    now = [_read(box) for box in boxes]
    owners = _owners(was.marks, now)
    regions = {region.id: region for region, _, _ in regions_of(plan)}
    edits: list[AnyEdit] = []
    for mark in reversed(was.marks):
        if mark.id in regions and mark in owners:
            seen = now[owners.index(mark)]
            edits += _changes(apply(plan, edits), regions[mark.id], mark, seen, was.size)
    # The inner ones go first: with an outer one goes all that is in it.
    gone = [m.id for m in was.marks if m not in owners and m.id in regions]
    edits += [RemoveRegion(id=name) for name in gone]
    new = [mark for mark, owner in zip(now, owners, strict=True) if owner is None]
    for mark in new:
        edits += _additions(mark, apply(plan, edits), was.size)
    return tuple(edits), Drawn(was.size, _seen(now, owners))


def _walk(regions: Sequence[Region], depth: int = 0) -> Iterator[tuple[Region, int]]:
    for region in sorted(regions, key=lambda region: region.z):
        yield region, depth
        yield from _walk(region.children, depth + 1)


def _label(region: Region, number: int | None) -> str:
    return f"{number} {_short(region.prompt)}" if number else f"group {_short(region.id)}"


def _short(words: str) -> str:
    line = " ".join(words.split())
    return line if len(line) <= _LABEL else line[: _LABEL - 1].rstrip() + "…"


def _placed(box: Box, size: Size) -> Pixels:
    left, top, right, bottom = box.to_pixels(*size)
    return left + MARGIN[0], top + MARGIN[1], right + MARGIN[0], bottom + MARGIN[1]


def _read(box: Mapping[str, Any]) -> Mark:
    """A box of the annotator's, of nobody yet."""
    red, green, blue = box["color"]
    pixels = (int(box["xmin"]), int(box["ymin"]), int(box["xmax"]), int(box["ymax"]))
    return Mark("", str(box["label"] or "").strip(), (red, green, blue), pixels)


def _owners(marks: Sequence[Mark], now: Sequence[Mark]) -> list[Mark | None]:
    """Whose each box is: told by its colour, else by its place, else by its label."""
    owners: list[Mark | None] = [None] * len(now)
    ways: tuple[Callable[[Mark], Any], ...] = (
        lambda mark: mark.colour,
        lambda mark: mark.pixels,
        lambda mark: mark.label,
    )
    for way in ways:
        for mark in marks:
            alike = [i for i, box in enumerate(now) if owners[i] is None and way(box) == way(mark)]
            if alike and mark not in owners:
                owners[min(alike, key=lambda i: math.dist(now[i].pixels, mark.pixels))] = mark
    return owners


def _changes(plan: Plan, region: Region, mark: Mark, seen: Mark, size: Size) -> Iterator[AnyEdit]:
    """What a hand did to one box."""
    if seen.pixels != mark.pixels:
        box = _moved(region.box, mark.pixels, seen.pixels, size)
        if box != region.box:
            yield MoveRegion(id=region.id, box=box)
    words = _words(region.prompt, mark.label, seen.label)
    if words and words != region.prompt and region.prompt:
        yield from typed_words(plan, region, words)


def _moved(box: Box, was: Pixels, now: Pixels, size: Size) -> Box:
    """The new box, on the paper; what did not move stays exact."""
    x0, x1 = _span((box.x0, box.x1), was[0::2], now[0::2], size[0], MARGIN[0])
    y0, y1 = _span((box.y0, box.y1), was[1::2], now[1::2], size[1], MARGIN[1])
    return Box(x0, y0, x1, y1) if x0 < x1 and y0 < y1 else box


def _span(
    exact: tuple[float, float], was: Sequence[int], now: Sequence[int], side: int, margin: int
) -> tuple[float, float]:
    """A box's two edges along one side of the paper, in fractions of it."""
    start, end = now[0] - margin, now[1] - margin
    if now[0] != was[0] and now[1] - now[0] == was[1] - was[0]:  # moved as a whole
        length = exact[1] - exact[0]
        first = min(max(start / side, 0.0), 1.0 - length)
        return first, min(first + length, 1.0)
    return (
        exact[0] if now[0] == was[0] else min(max(start, 0), side) / side,
        exact[1] if now[1] == was[1] else min(max(end, 0), side) / side,
    )


def _words(prompt: str, was: str, now: str) -> str:
    """The subprompt after its label was changed; what the label had left out stays."""
    if now == was or not now:
        return prompt
    number, _, shown = was.partition(" ")
    words = now.removeprefix(f"{number} ")
    line = " ".join(prompt.split())
    if shown.endswith("…") and words.endswith("…"):
        return words[:-1] + line[len(shown) - 1 :]
    return words


def _additions(mark: Mark, plan: Plan, size: Size) -> Iterator[AnyEdit]:
    """The region that was drawn, over those that are there; none where it has no label yet."""
    x0, x1 = _span((0.0, 0.0), (-1, -2), mark.pixels[0::2], size[0], MARGIN[0])
    y0, y1 = _span((0.0, 0.0), (-1, -2), mark.pixels[1::2], size[1], MARGIN[1])
    if mark.label and x0 < x1 and y0 < y1:
        yield addition(mark.label, Box(x0, y0, x1, y1), plan)


def addition(words: str, box: Box, plan: Plan) -> AddRegion:
    """A new region over those that are there, with the things that its words name."""
    taken = {region.id for region, _, _ in regions_of(plan)}
    z = max((region.z for region in plan.regions), default=0)
    name = next(n for i in range(1, len(taken) + 2) if (n := f"region-{i}") not in taken)
    return typed_addition(plan, Region(id=name, prompt=words, box=box, z=z))


def _seen(now: Sequence[Mark], owners: Sequence[Mark | None]) -> tuple[Mark, ...]:
    pairs = zip(now, owners, strict=True)
    return tuple(replace(mark, id=owner.id) for mark, owner in pairs if owner)
