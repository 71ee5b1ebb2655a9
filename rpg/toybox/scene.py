"""Scenes of Toybox's world as data, and how random ones are laid out."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from rpg.toybox.vocabulary import COLOURS, DEFAULT_PLACE, FILLS, PLACES, THINGS

# Pixels, the same on every canvas: what is learnt on small canvases then holds on large ones.
SMALLEST_SIDE = 60.0
LARGEST_SIDE = 120.0
BACKDROPS = 64  # arrangements of a place's scenery
_GAP = 6.0  # pixels between two things, and between a thing and the edge
_TRIES = 60
# What a prompt without a place means is wanted most often; the dark one is hardest to learn.
_PLACE_WEIGHTS = tuple({DEFAULT_PLACE: 3.0, "at night": 2.5}.get(place, 1.0) for place in PLACES)


@dataclass(frozen=True, slots=True)
class Thing:
    """A thing in a scene: its centre and the side of its bounding square, in pixels."""

    name: str
    colour: str
    x: float
    y: float
    side: float
    fill: str = "plain"

    @property
    def kind(self) -> tuple[str, str, str]:
        """Fill, colour and name: what makes two things the same in words."""
        return self.fill, self.colour, self.name

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
    backdrop: int = 0


def random_scene(
    rng: random.Random,
    width: int,
    height: int,
    count: int,
    *,
    names: Sequence[str] = THINGS,
    fills: Sequence[str] = FILLS,
) -> Scene:
    """Draw a scene of `count` things at most; fewer only where the canvas has no room left.

    Args:
        rng: the source of randomness; the same state gives the same scene.
        width: canvas width in pixels, at least 64.
        height: canvas height in pixels, at least 64.
        count: things wanted; 0 for an empty place.
        names: the things to choose from.
        fills: the fills to choose from, if not plain.
    """
    place = rng.choices(list(PLACES), _PLACE_WEIGHTS)[0]
    backdrop = rng.randrange(BACKDROPS)
    things: list[Thing] = []
    # One scene in five repeats its first thing, so that counts ("two red stars") are seen often.
    repeat = count > 1 and rng.random() < 0.2
    for _ in range(count):
        kind = things[0].kind if repeat and things else _random_kind(rng, names, fills)
        thing = _placed(rng, width, height, kind, things)
        if thing is not None:
            things.append(thing)
    return Scene(width, height, tuple(things), place, backdrop)


def _random_kind(
    rng: random.Random, names: Sequence[str], fills: Sequence[str]
) -> tuple[str, str, str]:
    """Half of the things are plain: what a prompt without a fill means."""
    fill = "plain" if rng.random() < 0.5 else rng.choice(fills)
    return fill, rng.choice(list(COLOURS)), rng.choice(list(names))


def _placed(
    rng: random.Random,
    width: int,
    height: int,
    kind: tuple[str, str, str],
    others: Sequence[Thing],
) -> Thing | None:
    longest = max(min(LARGEST_SIDE, min(width, height) - 2 * _GAP), SMALLEST_SIDE)
    fill, colour, name = kind
    for attempt in range(_TRIES):
        # Later attempts try smaller things: a crowded canvas still gets what it was asked for.
        limit = longest - (longest - SMALLEST_SIDE) * attempt / _TRIES
        side = float(round(rng.uniform(SMALLEST_SIDE, limit)))
        room = side / 2 + _GAP / 2
        x, y = rng.uniform(room, width - room), rng.uniform(room, height - room)
        thing = Thing(name, colour, x, y, side, fill)
        if all(thing.clear_of(other) for other in others):
            return thing
    return None
