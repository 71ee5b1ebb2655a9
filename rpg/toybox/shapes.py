"""The things of Toybox's world as polygons: parts in one of three tones of the thing's colour.

Every thing lies in the square from (-1, -1) to (1, 1), y down, and touches its sides. Parts come in
the order in which they are drawn.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import cache
from typing import Literal

Point = tuple[float, float]
Tone = Literal["main", "dark", "light"]
Part = tuple[Tone, tuple[Point, ...]]


@cache
def parts(name: str) -> tuple[Part, ...]:
    """The parts of a thing of this world, in drawing order."""
    return _fitted(_DRAWINGS[name]())


def _fitted(drawn: list[Part]) -> tuple[Part, ...]:
    """Centre the parts and scale them evenly until they touch the square's sides."""
    xs = [x for _, points in drawn for x, _ in points]
    ys = [y for _, points in drawn for _, y in points]
    middle_x, middle_y = (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2
    half = max(max(xs) - min(xs), max(ys) - min(ys)) / 2
    return tuple(
        (tone, tuple(((x - middle_x) / half, (y - middle_y) / half) for x, y in points))
        for tone, points in drawn
    )


def _ellipse(x: float, y: float, rx: float, ry: float, tone: Tone = "main") -> Part:
    return tone, tuple(_arc(x, y, rx, ry, 0, 360, 48))


def _polygon(*points: Point, tone: Tone = "main") -> Part:
    return tone, points


def _arc(
    x: float, y: float, rx: float, ry: float, start: float, end: float, steps: int = 24
) -> list[Point]:
    """Points on an ellipse from `start` to `end` degrees (0 right, 90 down)."""
    angles = [math.radians(start + (end - start) * i / steps) for i in range(steps + 1)]
    return [(x + rx * math.cos(a), y + ry * math.sin(a)) for a in angles]


def _rounded(
    left: float, top: float, right: float, bottom: float, radius: float, tone: Tone = "main"
) -> Part:
    corners = (
        (right - radius, top + radius, -90),
        (right - radius, bottom - radius, 0),
        (left + radius, bottom - radius, 90),
        (left + radius, top + radius, 180),
    )
    return tone, tuple(
        point for x, y, start in corners for point in _arc(x, y, radius, radius, start, start + 90)
    )


def _ribbon(points: list[Point], width: float, tone: Tone = "main") -> list[Part]:
    """A line of round joints through the points."""
    drawn: list[Part] = []
    for (x0, y0), (x1, y1) in zip(points, points[1:], strict=False):
        length = math.hypot(x1 - x0, y1 - y0)
        dx, dy = -(y1 - y0) / length * width / 2, (x1 - x0) / length * width / 2
        corners = ((x0 + dx, y0 + dy), (x1 + dx, y1 + dy), (x1 - dx, y1 - dy), (x0 - dx, y0 - dy))
        drawn.append(_polygon(*corners, tone=tone))
    return drawn + [_ellipse(x, y, width / 2, width / 2, tone) for x, y in points]


def _circle() -> list[Part]:
    return [_ellipse(0, 0, 1, 1)]


def _square() -> list[Part]:
    return [_rounded(-1, -1, 1, 1, 0.1)]


def _triangle() -> list[Part]:
    return [_polygon((0, -1), (1.1, 0.9), (-1.1, 0.9))]


def _diamond() -> list[Part]:
    return [_polygon((0, -1), (0.72, 0), (0, 1), (-0.72, 0))]


def _star() -> list[Part]:
    radii = (1.0, 0.46)
    angles = [math.pi * i / 5 for i in range(10)]
    points = [
        (radii[i % 2] * math.sin(a), -radii[i % 2] * math.cos(a)) for i, a in enumerate(angles)
    ]
    return [_polygon(*points)]


def _heart(steps: int = 64) -> list[Part]:
    angles = [2 * math.pi * i / steps for i in range(steps)]
    heights = [
        13 * math.cos(a) - 5 * math.cos(2 * a) - 2 * math.cos(3 * a) - math.cos(4 * a)
        for a in angles
    ]
    return [_polygon(*((16 * math.sin(a) ** 3, -y) for a, y in zip(angles, heights, strict=True)))]


def _moon() -> list[Part]:
    """A crescent open to the right: a disc without the part that a second disc covers."""
    away, radius = 0.62, 0.8
    tip = (away**2 + 1 - radius**2) / (2 * away)
    outer = math.degrees(math.acos(tip))
    inner = math.degrees(math.acos((tip - away) / radius))
    edge = _arc(0, 0, 1, 1, outer, 360 - outer, 40)
    bite = _arc(away, 0, radius, radius, -inner, inner - 360, 30)
    return [_polygon(*edge, *bite)]


def _house() -> list[Part]:
    return [
        _polygon((-0.78, -0.2), (0.78, -0.2), (0.78, 1), (-0.78, 1)),
        _polygon((0.4, -0.95), (0.66, -0.95), (0.66, -0.3), (0.4, -0.3), tone="dark"),
        _polygon((0, -1), (1.02, -0.08), (-1.02, -0.08), tone="dark"),
        _polygon((-0.5, 0.34), (-0.1, 0.34), (-0.1, 1), (-0.5, 1), tone="dark"),
        _polygon((0.16, 0.2), (0.56, 0.2), (0.56, 0.6), (0.16, 0.6), tone="light"),
    ]


def _tree() -> list[Part]:
    """A fir of three tiers."""
    return [
        _polygon((-0.15, 0.6), (0.15, 0.6), (0.15, 1), (-0.15, 1), tone="dark"),
        _polygon((0, -0.25), (0.82, 0.66), (-0.82, 0.66)),
        _polygon((0, -0.65), (0.66, 0.16), (-0.66, 0.16)),
        _polygon((0, -1), (0.5, -0.32), (-0.5, -0.32)),
    ]


def _flower() -> list[Part]:
    angles = [math.radians(-90 + 72 * i) for i in range(5)]
    petals = [_ellipse(0.57 * math.cos(a), 0.57 * math.sin(a), 0.4, 0.4) for a in angles]
    return [*petals, _ellipse(0, 0, 0.34, 0.34, "dark"), _ellipse(0, 0, 0.25, 0.25, "light")]


def _mushroom() -> list[Part]:
    stem = [(-0.26, 0.0), (0.26, 0.0), (0.36, 0.92), (0.2, 1.0), (-0.2, 1.0), (-0.36, 0.92)]
    cap = _arc(0, 0.12, 1, 1.0, 180, 360, 36)
    lip = _arc(0, 0.12, 1, 0.2, 0, 180)
    return [_polygon(*stem, tone="light"), _polygon(*cap, *lip)]


def _fish() -> list[Part]:
    return [
        _polygon((0.42, 0), (1.02, -0.56), (0.88, 0), (1.02, 0.56), tone="dark"),
        _polygon((-0.35, -0.4), (0.05, -0.78), (0.3, -0.3), tone="dark"),
        _ellipse(-0.2, 0, 0.82, 0.54),
        _ellipse(-0.62, -0.12, 0.14, 0.14, "light"),
        _ellipse(-0.65, -0.12, 0.07, 0.07, "dark"),
    ]


def _bird() -> list[Part]:
    return [
        _polygon((0.3, 0.1), (1.05, -0.3), (0.98, 0.12), (0.5, 0.55), tone="dark"),
        _polygon((-0.75, -0.52), (-1.1, -0.3), (-0.72, -0.2), tone="dark"),
        _ellipse(0.0, 0.25, 0.66, 0.52),
        _ellipse(-0.5, -0.36, 0.38, 0.38),
        _polygon((-0.85, -0.3), (-0.15, -0.4), (0.1, 0.1), (-0.6, 0.3)),
        _polygon(*_arc(0.08, 0.14, 0.42, 0.4, 0, 180), tone="dark"),
        _ellipse(-0.58, -0.42, 0.13, 0.13, "light"),
        _ellipse(-0.6, -0.42, 0.065, 0.065, "dark"),
    ]


def _cat() -> list[Part]:
    tail = _ribbon([(0.35, 0.84), (0.72, 0.72), (0.84, 0.42), (0.74, 0.12)], 0.28)
    face: list[Part] = [
        _ellipse(-0.33, -0.42, 0.085, 0.11, "light"),
        _ellipse(0.13, -0.42, 0.085, 0.11, "light"),
        _ellipse(-0.33, -0.42, 0.045, 0.09, "dark"),
        _ellipse(0.13, -0.42, 0.045, 0.09, "dark"),
        _polygon((-0.18, -0.24), (-0.02, -0.24), (-0.1, -0.14), tone="dark"),
    ]
    return [
        *tail,
        _ellipse(-0.1, 0.46, 0.54, 0.58),
        _polygon((-0.58, -0.4), (-0.54, -1.04), (-0.1, -0.66)),
        _polygon((0.38, -0.4), (0.34, -1.04), (-0.1, -0.66)),
        _ellipse(-0.1, -0.36, 0.5, 0.42),
        *face,
        _ellipse(-0.1, 0.62, 0.24, 0.3, "light"),
    ]


def _boat() -> list[Part]:
    return [
        _polygon((0.0, -0.96), (0.9, 0.46), (0.0, 0.46)),
        _polygon((0.0, -0.8), (0.0, 0.46), (-0.72, 0.46)),
        _polygon((-0.06, -1), (0.06, -1), (0.06, 0.5), (-0.06, 0.5), tone="dark"),
        _polygon((-1, 0.4), (1, 0.4), (0.64, 0.98), (-0.64, 0.98), tone="dark"),
        _polygon((-1, 0.4), (1, 0.4), (0.92, 0.55), (-0.92, 0.55), tone="light"),
    ]


def _car() -> list[Part]:
    return [
        _polygon((-0.66, -0.1), (-0.46, -0.66), (0.36, -0.66), (0.66, -0.1)),
        _rounded(-1, -0.16, 1, 0.5, 0.2),
        _polygon((-0.46, -0.16), (-0.34, -0.52), (-0.1, -0.52), (-0.1, -0.16), tone="light"),
        _polygon((0.04, -0.16), (0.04, -0.52), (0.27, -0.52), (0.46, -0.16), tone="light"),
        *(_ellipse(x, 0.5, 0.24, 0.24, "dark") for x in (-0.54, 0.54)),
        *(_ellipse(x, 0.5, 0.1, 0.1, "light") for x in (-0.54, 0.54)),
    ]


def _cup() -> list[Part]:
    outer = _arc(0.42, 0.1, 0.56, 0.5, -90, 90)
    inner = _arc(0.42, 0.1, 0.3, 0.26, 90, -90)
    return [
        _polygon(*outer, *inner, tone="dark"),
        _polygon(
            (-0.86, -0.66), (0.5, -0.66), (0.42, 0.72), (0.24, 0.84), (-0.6, 0.84), (-0.78, 0.72)
        ),
        _ellipse(-0.18, -0.66, 0.68, 0.18, "dark"),
        _ellipse(-0.18, -0.66, 0.56, 0.11, "light"),
    ]


_DRAWINGS: Mapping[str, Callable[[], list[Part]]] = {
    "circle": _circle,
    "square": _square,
    "triangle": _triangle,
    "diamond": _diamond,
    "star": _star,
    "heart": _heart,
    "moon": _moon,
    "house": _house,
    "tree": _tree,
    "flower": _flower,
    "mushroom": _mushroom,
    "fish": _fish,
    "bird": _bird,
    "cat": _cat,
    "boat": _boat,
    "car": _car,
    "cup": _cup,
}
