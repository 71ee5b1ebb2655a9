"""Normalization of the boxes that models write: units, swapped edges, near edges.

The unit is that of the whole plan, told by its largest number: fractions, percent, thousandths, or
pixels of the canvas, or of one of some usual size. Edges may be swapped or stick out, and edges
that all but meet do meet: 33 and 34 percent are both a third.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from rpg.errors import LayoutError
from rpg.planners.llm.schema import Edges
from rpg.plans.geometry import Box

MIN_SIDE = 0.02  # of the canvas; less is no region but a slip
_LEAST = MIN_SIDE - 1e-9
_NEAR = 0.011  # edges this close are one: a percent and its rounding
_ROUNDING = 0.0051
_SIXTHS = tuple(k / 6 for k in range(7))
_FRACTIONS, _PERCENT, _THOUSANDTHS = 1.5, 110.0, 1000.0  # the largest number in each unit
_OVER = 1.02  # of the canvas's side, that a box may stick out and still be in pixels
_HALF_SIDES = (512.0, 768.0)  # under a thousand only these give pixels away
_SIDES = (1024.0, 1152.0, 1216.0, 1280.0, 1344.0, 1536.0, 1920.0, 2048.0, 4096.0, 8192.0)


def fitted(edges: Sequence[Edges], canvas: tuple[int, int] | None = None) -> list[Box | str]:
    """A box on the canvas for each, or what is wrong with it, in a sentence's second half.

    Args:
        edges: As the model says them.
        canvas: Width and height in pixels, where they are known: pixels are told from thousandths.
    """
    finite = [one for one in edges if _is_finite(one)]
    width, height = _units(finite, canvas)
    candidates = [_clamped(one, width, height) for one in edges]
    return _snapped(candidates)


def _numbers(one: Edges) -> tuple[float, float, float, float]:
    return one.left, one.top, one.right, one.bottom


def _is_finite(one: Edges) -> bool:
    return all(math.isfinite(number) for number in _numbers(one))


def _units(edges: Sequence[Edges], canvas: tuple[int, int] | None) -> tuple[float, float]:
    """What the canvas's width and height are in the numbers of the plan."""
    across = max((max(one.left, one.right) for one in edges), default=0.0)
    down = max((max(one.top, one.bottom) for one in edges), default=0.0)
    most = max(across, down)
    if most <= _FRACTIONS:
        return 1.0, 1.0
    if most <= _PERCENT:
        return 100.0, 100.0
    if canvas is not None and most != _THOUSANDTHS:
        width, height = canvas
        if across <= width * _OVER and down <= height * _OVER:
            return float(width), float(height)
    if most <= _THOUSANDTHS and not {across, down} & set(_HALF_SIDES):
        return 1000.0, 1000.0
    usual = (*_HALF_SIDES, *_SIDES)
    square = next((side for side in usual if side >= most), most)
    return tuple(side if side in usual else square for side in (across, down))  # type: ignore[return-value]


def _clamped(one: Edges, width: float, height: float) -> Box | str:
    if not _is_finite(one):
        return "has an edge that is no number"
    try:
        box = Box.clamped(
            one.left / width, one.top / height, one.right / width, one.bottom / height
        )
    except LayoutError:
        return "has no area on the canvas"
    if min(box.width, box.height) < _LEAST:
        return f"is thinner than {MIN_SIDE:.0%} of the canvas"
    return box


def _snapped(candidates: Sequence[Box | str]) -> list[Box | str]:
    boxes = [one for one in candidates if isinstance(one, Box)]
    across = _meeting(edge for box in boxes for edge in (box.x0, box.x1))
    down = _meeting(edge for box in boxes for edge in (box.y0, box.y1))
    return [_moved(one, across, down) if isinstance(one, Box) else one for one in candidates]


def _meeting(edges: Iterable[float]) -> dict[float, float]:
    """Where each edge goes: all that lie within a percent of the first go to one place."""
    groups: list[list[float]] = []
    for edge in sorted(set(edges)):
        if groups and edge - groups[-1][0] <= _NEAR:
            groups[-1].append(edge)
        else:
            groups.append([edge])
    return {edge: _place(group) for group in groups for edge in group}


def _place(group: Sequence[float]) -> float:
    """The canvas's border, a sixth of it, or the middle of the group."""
    for border in (0.0, 1.0):
        if any(abs(edge - border) <= _NEAR for edge in group):
            return border
    middle = sum(group) / len(group)
    sixth = min(_SIXTHS, key=lambda sixth: abs(sixth - middle))
    return sixth if abs(sixth - middle) <= _ROUNDING else middle


def _moved(box: Box, across: dict[float, float], down: dict[float, float]) -> Box:
    """The box with its edges moved, unless that would leave too little of it."""
    x0, y0, x1, y1 = across[box.x0], down[box.y0], across[box.x1], down[box.y1]
    return Box(x0, y0, x1, y1) if min(x1 - x0, y1 - y0) >= _LEAST else box
