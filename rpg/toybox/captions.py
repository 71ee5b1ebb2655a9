"""Words for scenes: many ways to say what is in a picture, all of them true."""

from __future__ import annotations

import random
from collections import Counter

from rpg.toybox.scene import Scene, Thing
from rpg.toybox.vocabulary import DEFAULT_PLACE, NUMBERS, plural

_LISTS = ("{0} and {1}", "{0}, {1}", "{0} next to {1}", "{0} beside {1}", "{0} with {1}")
_RELATIONS = {
    "left": ("{0} to the left of {1}", "{0} on the left of {1}", "{0} left of {1}"),
    "right": ("{0} to the right of {1}", "{0} on the right of {1}", "{0} right of {1}"),
    "above": ("{0} above {1}", "{0} on top of {1}"),
    "below": ("{0} below {1}", "{0} under {1}"),
}


def caption(scene: Scene, rng: random.Random) -> str:
    """One sentence that is true of `scene`, with counts, relations and the place."""
    things = list(scene.things)
    counted = Counter((thing.colour, thing.name) for thing in things)
    if len(counted) == 1:
        body = _phrase(things[0], len(things), scene, rng)
    elif len(things) == 2:
        body = _pair(things[0], things[1], scene, rng)
    else:
        body = _many(things, counted, scene, rng)
    return _with_place(body, scene.place, rng)


def _phrase(thing: Thing, count: int, scene: Scene, rng: random.Random) -> str:
    """The thing with its article or number: "a red star", "two red stars"."""
    words = [thing.colour, thing.name]
    share = thing.side / min(scene.width, scene.height)
    if count == 1 and rng.random() < 0.15:
        words[:0] = ["big"] if share > 0.6 else ["small"] if share < 0.45 else []
    if count > 1:
        return " ".join([NUMBERS[count - 1], *words[:-1], plural(words[-1])])
    article = "an" if words[0][0] in "aeiou" else "a"
    start = rng.choices((article, "one", "the", ""), (0.84, 0.06, 0.04, 0.06))[0]
    return " ".join([start, *words]).strip()


def _pair(first: Thing, second: Thing, scene: Scene, rng: random.Random) -> str:
    if rng.random() < 0.5:
        first, second = second, first
    a, b = _phrase(first, 1, scene, rng), _phrase(second, 1, scene, rng)
    relation = _relation(first, second)
    if relation and rng.random() < 0.55:
        return rng.choice(_RELATIONS[relation]).format(a, b)
    return rng.choice(_LISTS).format(a, b)


def _relation(first: Thing, second: Thing) -> str | None:
    """Where the first thing stands, seen from the second; None where it is not plain."""
    dx, dy = first.x - second.x, first.y - second.y
    if abs(dx) > 1.5 * abs(dy):
        return "left" if dx < 0 else "right"
    if abs(dy) > 1.5 * abs(dx):
        return "above" if dy < 0 else "below"
    return None


def _many(
    things: list[Thing], counted: Counter[tuple[str, str]], scene: Scene, rng: random.Random
) -> str:
    ordered = sorted(things, key=lambda thing: thing.x)
    spread = all(b.x - a.x > b.side / 2 for a, b in zip(ordered, ordered[1:], strict=False))
    if spread and rng.random() < 0.15:
        body = ", ".join(_phrase(thing, 1, scene, rng) for thing in ordered)
        return f"from left to right {body}"
    by_kind = {(thing.colour, thing.name): thing for thing in things}
    phrases = [_phrase(by_kind[kind], count, scene, rng) for kind, count in counted.items()]
    rng.shuffle(phrases)
    *most, last = phrases
    return f"{', '.join(most)}{rng.choice((' and ', ', and ', ', '))}{last}"


def _with_place(body: str, place: str, rng: random.Random) -> str:
    if rng.random() < 0.08:
        body = f"{rng.choice(('a picture of', 'there is'))} {body}"
    if place == DEFAULT_PLACE and rng.random() < 0.5:
        return body
    return rng.choices((f"{body} {place}", f"{body}, {place}", f"{place} {body}"), (0.6, 0.3, 0.1))[
        0
    ]
