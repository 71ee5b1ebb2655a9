"""What "on the left of" and the like mean between two regions, by the planners' judge."""

from __future__ import annotations

from collections.abc import Callable

from rpg.plans.plan import Region

Test = Callable[[Region, Region], bool]


def _covers(a: Region, b: Region) -> bool:
    """Whether a lies over a part of b, and leaves a part of it to be seen."""
    over = _overlap(a, b)
    return a.z > b.z and 0 < over < b.box.area * 0.99


def _overlap(a: Region, b: Region) -> float:
    width = min(a.box.x1, b.box.x1) - max(a.box.x0, b.box.x0)
    height = min(a.box.y1, b.box.y1) - max(a.box.y0, b.box.y0)
    return max(width, 0.0) * max(height, 0.0)


def _touching(a: Region, b: Region) -> bool:
    """Whether the boxes share an edge or nearly do, and do not overlap."""
    gap_x = max(a.box.x0, b.box.x0) - min(a.box.x1, b.box.x1)
    gap_y = max(a.box.y0, b.box.y0) - min(a.box.y1, b.box.y1)
    return _overlap(a, b) < 1e-6 and max(gap_x, gap_y) < 0.1


def _level(a: Region, b: Region) -> bool:
    dx, dy = (abs(p - q) for p, q in zip(a.box.center, b.box.center, strict=True))
    return _touching(a, b) and dx > dy


def left_of(a: Region, b: Region) -> bool:
    """Whether a's centre is left of b's, by a hundredth of the canvas at least."""
    return a.box.center[0] < b.box.center[0] - 0.01


def above(a: Region, b: Region) -> bool:
    """Whether a's centre is above b's, by a hundredth of the canvas at least."""
    return a.box.center[1] < b.box.center[1] - 0.01


def _within(a: Region, b: Region) -> bool:
    return _overlap(a, b) > a.box.area * 0.99 and a.box.area < b.box.area


def _flip(test: Test) -> Test:
    return lambda a, b: test(b, a)


PLACES: dict[str, Test] = {
    "on the left of": left_of, "on the right of": _flip(left_of),
    "on the top of": above, "on top of": above, "above": above, "over": above,
    "on": lambda a, b: above(a, b) or _within(a, b),  # as a picture is on a wall
    "onto": above, "on the bottom of": _flip(above),
    "on side of": _level, "next to": _level, "near": _touching, "beside": _level,
    "past": _touching, "against": _touching, "inside": _within, "in front of": _covers,
    "behind": _flip(_covers), "hidden by": _flip(_covers),
    "with": lambda a, b: True, "contrasted with": lambda a, b: True,
}  # fmt: skip
