"""Scenes of Toybox's world as data, and how random ones are laid out."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from rpg.toybox.vocabulary import COLOURS, DEFAULT_PLACE, PLACES, THINGS

SMALLEST_SIDE = 16.0  # pixels; below this, stars and hearts cannot be told apart
_GAP = 2.0  # pixels between two things, and between a thing and the edge
_TRIES = 60


@dataclass(frozen=True, slots=True)
class Thing:
    """A thing in a scene: its centre and the side of its bounding square, in pixels."""

    name: str
    colour: str
    x: float
    y: float
    side: float

    def clear_of(self, other: Thing) -> bool:
        """Whether the bounding squares of the two things are at least the gap apart."""
        reach = (self.side + other.side) / 2 + _GAP
        return abs(self.x - other.x) >= reach or abs(self.y - other.y) >= reach


@dataclass(frozen=True, slots=True)
class Scene:
    """A canvas of `width` x `height` pixels in one place, with things that do not overlap."""

    width: int
    height: int
    things: tuple[Thing, ...]
    place: str = DEFAULT_PLACE


def random_scene(
    rng: random.Random, width: int, height: int, count: int, *, names: Sequence[str] = THINGS
) -> Scene:
    """Draw a scene of `count` things at most; fewer only where the canvas has no room left.

    Args:
        rng: the source of randomness; the same state gives the same scene.
        width: canvas width in pixels.
        height: canvas height in pixels.
        count: things wanted, at least 1.
        names: the things to choose from.
    """
    place = rng.choice(list(PLACES))
    things: list[Thing] = []
    # One scene in five repeats its first thing, so that counts ("two red stars") are seen often.
    repeat = count > 1 and rng.random() < 0.2
    for _ in range(count):
        name, colour = rng.choice(list(names)), rng.choice(list(COLOURS))
        if repeat and things:
            name, colour = things[0].name, things[0].colour
        thing = _placed(rng, width, height, count, name, colour, things)
        if thing is not None:
            things.append(thing)
    return Scene(width, height, tuple(things), place)


def _placed(
    rng: random.Random,
    width: int,
    height: int,
    count: int,
    name: str,
    colour: str,
    others: Sequence[Thing],
) -> Thing | None:
    longest = min(width, height) * (0.85 if count == 1 else 0.62 if count == 2 else 0.5)
    longest = max(longest, SMALLEST_SIDE)
    for attempt in range(_TRIES):
        # Later attempts try smaller things: a crowded canvas still gets what it was asked for.
        limit = longest - (longest - SMALLEST_SIDE) * attempt / _TRIES
        side = rng.uniform(max(SMALLEST_SIDE, 0.6 * limit), limit)
        room = side / 2 + _GAP / 2
        thing = Thing(
            name, colour, rng.uniform(room, width - room), rng.uniform(room, height - room), side
        )
        if all(thing.clear_of(other) for other in others):
            return thing
    return None
