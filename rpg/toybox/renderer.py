"""Draws Toybox's scenes: flat, antialiased icons on a plain ground."""

from __future__ import annotations

import math
from functools import cache

from PIL import Image, ImageDraw

from rpg.toybox.scene import Scene
from rpg.toybox.vocabulary import COLOURS, PLACES

Point = tuple[float, float]
_OVERSAMPLING = 4


@cache
def outline(name: str) -> tuple[Point, ...]:
    """The polygon of a thing, within the square from (-1, -1) to (1, 1), y down."""
    return _fitted(_OUTLINES[name]())


def render(scene: Scene) -> Image.Image:
    """Draw `scene` as an RGB image of its own size."""
    scale = _OVERSAMPLING
    image = Image.new("RGB", (scene.width * scale, scene.height * scale), PLACES[scene.place])
    draw = ImageDraw.Draw(image)
    for thing in scene.things:
        half = thing.side / 2
        polygon = [
            ((thing.x + half * x) * scale, (thing.y + half * y) * scale)
            for x, y in outline(thing.name)
        ]
        draw.polygon(polygon, fill=COLOURS[thing.colour])
    return image.resize((scene.width, scene.height), Image.Resampling.BOX)


def _circle(steps: int = 48) -> list[Point]:
    return _arc(0, 0, 1, 0, 360, steps)


def _arc(
    x: float, y: float, radius: float, start: float, end: float, steps: int = 24
) -> list[Point]:
    """Points on a circle from `start` to `end` degrees (0 right, 90 down)."""
    angles = [math.radians(start + (end - start) * i / steps) for i in range(steps + 1)]
    return [(x + radius * math.cos(a), y + radius * math.sin(a)) for a in angles]


def _square() -> list[Point]:
    return [(-1, -1), (1, -1), (1, 1), (-1, 1)]


def _triangle() -> list[Point]:
    return [(0, -1), (1.1, 0.9), (-1.1, 0.9)]


def _star() -> list[Point]:
    radii = (1.0, 0.42)
    return [
        (
            radii[i % 2] * math.sin(math.pi * i / 5),
            -radii[i % 2] * math.cos(math.pi * i / 5),
        )
        for i in range(10)
    ]


def _heart(steps: int = 64) -> list[Point]:
    angles = [2 * math.pi * i / steps for i in range(steps)]
    return [
        (
            16 * math.sin(a) ** 3,
            -(13 * math.cos(a) - 5 * math.cos(2 * a) - 2 * math.cos(3 * a) - math.cos(4 * a)),
        )
        for a in angles
    ]


def _moon() -> list[Point]:
    # A crescent open to the right: the outer arc, and back along a circle set off to the right.
    outer = _arc(0, 0, 1, 58, 302)
    inner = _arc(0.55, 0, 0.849, -92, 92)
    return outer + [(x, y) for x, y in _mirrored(inner)]


def _mirrored(points: list[Point]) -> list[Point]:
    """The points reflected to the left of their circle's centre (0.55, 0)."""
    return [(1.1 - x, y) for x, y in points]


def _fitted(points: list[Point]) -> tuple[Point, ...]:
    """Centre the points and scale them evenly until they touch the square's sides."""
    xs, ys = [x for x, _ in points], [y for _, y in points]
    middle_x, middle_y = (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2
    half = max(max(xs) - min(xs), max(ys) - min(ys)) / 2
    return tuple(((x - middle_x) / half, (y - middle_y) / half) for x, y in points)


_OUTLINES = {
    "circle": _circle,
    "square": _square,
    "triangle": _triangle,
    "star": _star,
    "heart": _heart,
    "moon": _moon,
}
