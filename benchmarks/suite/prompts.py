"""The suite's prompts: seeded, by category, each made together with what it asks for.

The categories are T2I-CompBench's, as far as Toybox's world has them (Huang et al., NeurIPS 2023).
Prompt `number` of a category depends on the seed alone, not on how many there are.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from benchmarks.suite.truth import CORNERS, Group, Item, Relation, Way, cells, chunked
from rpg.toybox.vocabulary import COLOURS, FILLS, PLACES, THINGS

__all__ = ["CATEGORIES", "make_items"]

_SAID: Mapping[Way, Sequence[str]] = {
    "left": ("to the left of", "on the left of"),
    "right": ("to the right of", "on the right of"),
    "above": ("above",),
    "below": ("below",),
}


@dataclass(frozen=True)
class _Draft:
    """An item without its number, and with the scene still to be added to the words."""

    words: str
    groups: tuple[Group, ...]
    rows: list[list[int]]
    relations: tuple[Relation, ...] = ()
    corners: tuple[tuple[int, str], ...] = ()


def make_items(per_category: int, *, seed: int, categories: Sequence[str] = ()) -> list[Item]:
    """So many prompts of each category, one of each in turn; all categories where none is named."""
    chosen = categories or tuple(CATEGORIES)
    return [_item(name, number, seed) for number in range(per_category) for name in chosen]


def _item(category: str, number: int, seed: int) -> Item:
    rng = random.Random(f"suite/{category}/{seed}/{number}")
    draft = CATEGORIES[category](rng, number)
    prompt, scene = _with_scene(draft.words, rng, number, always=category == "scene")
    return Item(
        id=f"{category}-{number:03}",
        category=category,
        number=number,
        prompt=prompt,
        groups=draft.groups,
        relations=draft.relations,
        corners=draft.corners,
        scene=scene,
        layout=cells(draft.rows),
    )


def _with_scene(
    words: str, rng: random.Random, number: int, *, always: bool
) -> tuple[str, str | None]:
    """Half of the prompts name a place, those about scenes all of them and in several ways."""
    if always:
        place = list(PLACES)[number % len(PLACES)]
        form = rng.choice(("{0} {1}", "{0}, {1}", "{1}, {0}"))
        return form.format(words, place), place
    if rng.random() < 0.5:
        return words, None
    place = rng.choice(list(PLACES))
    return f"{words} {place}", place


def _color(rng: random.Random, number: int) -> _Draft:
    """Two to four things, no two of one colour."""
    return _listed(_kinds(rng, 2 + number % 3))


def _shape(rng: random.Random, number: int) -> _Draft:
    """Two to four things of one colour, no two of one shape."""
    colour, count = rng.choice(list(COLOURS)), 2 + number % 3
    return _listed([Group(colour, name) for name in rng.sample(THINGS, count)])


def _pattern(rng: random.Random, number: int) -> _Draft:
    """One to three things, each with a fill; of two or three no two have the same."""
    kinds = _kinds(rng, 1 + number % 3)
    fills = rng.sample([fill for fill in FILLS if fill != "plain"], len(kinds))
    return _listed([replace(one, fill=fill) for one, fill in zip(kinds, fills, strict=True)])


def _numeracy(rng: random.Random, number: int) -> _Draft:
    """Two to nine things of one to three kinds."""
    total = 2 + number % 8
    return _listed(_counted(rng, total, rng.randint(1, min(3, total))))


def _scene(rng: random.Random, number: int) -> _Draft:
    """One to three things; the place is added as to every other prompt."""
    return _listed(_kinds(rng, 1 + number % 3))


def _spatial(rng: random.Random, number: int) -> _Draft:
    """Two things, or three of which the first stands so to both others."""
    if number % 2:
        a, b, c = _kinds(rng, 3)
        beside: Way = rng.choice(("left", "right"))
        over: Way = rng.choice(("above", "below"))
        return _corner_of_three(rng, (a, b, c), beside, over)
    way = rng.choice(tuple(_SAID))
    a, b = _kinds(rng, 2)
    rows = {"left": [[0, 1]], "right": [[1, 0]], "above": [[0], [1]], "below": [[1], [0]]}[way]
    return _Draft(f"{a.words} {_said(rng, way)} {b.words}", (a, b), rows, (Relation(0, way, 1),))


def _complex(rng: random.Random, number: int) -> _Draft:
    """Four to nine things with relations."""
    total = 4 + number % 6
    forms = (_pairs, _rows_above, _corner_and_rest, _in_corners)
    form = forms[number // 6 % len(forms)]
    return form(rng, total) if total == 4 or form is not _in_corners else _pairs(rng, total)


CATEGORIES: Mapping[str, Callable[[random.Random, int], _Draft]] = {
    "color": _color,
    "shape": _shape,
    "pattern": _pattern,
    "spatial": _spatial,
    "numeracy": _numeracy,
    "complex": _complex,
    "scene": _scene,
}


# How things are chosen, counted and named ---------------------------------------------------------


def _kinds(rng: random.Random, count: int) -> list[Group]:
    """Single things of different colours; shapes may come again."""
    return [Group(colour, rng.choice(THINGS)) for colour in rng.sample(list(COLOURS), count)]


def _counted(rng: random.Random, total: int, kinds: int) -> list[Group]:
    """`total` things of so many kinds, of each at least one."""
    edges = [0, *sorted(rng.sample(range(1, total), kinds - 1)), total]
    counts = [b - a for a, b in zip(edges, edges[1:], strict=False)]
    return [
        Group(one.colour, one.name, count)
        for one, count in zip(_kinds(rng, kinds), counts, strict=True)
    ]


def _listed(groups: Sequence[Group]) -> _Draft:
    """A mere list: "a red star, two blue moons and a green heart"."""
    return _Draft(_joined(groups), tuple(groups), chunked(_spread(groups)))


def _joined(groups: Sequence[Group]) -> str:
    *most, last = [group.words for group in groups]
    return f"{', '.join(most)} and {last}" if most else last


def _spread(groups: Sequence[Group], first: int = 0) -> list[int]:
    """The number of its group for every thing; the groups are numbered from `first`."""
    return [index for index, group in enumerate(groups, first) for _ in range(group.count)]


def _said(rng: random.Random, way: Way) -> str:
    return rng.choice(_SAID[way])


# Forms with relations -----------------------------------------------------------------------------


def _pairs(rng: random.Random, total: int) -> _Draft:
    """Two pairs side by side, and the rest: "a left of b, c right of d and two pink hearts"."""
    a, b, c, d = _kinds(rng, 4)
    spare = _rest(rng, total - 4, {a.colour, b.colour, c.colour, d.colour})
    ways: list[Way] = [rng.choice(("left", "right")) for _ in range(2)]
    first, second = (
        f"{one.words} {_said(rng, way)} {other.words}"
        for one, way, other in ((a, ways[0], b), (c, ways[1], d))
    )
    rows = [[0, 1] if ways[0] == "left" else [1, 0], [2, 3] if ways[1] == "left" else [3, 2]]
    relations = (Relation(0, ways[0], 1), Relation(2, ways[1], 3))
    words = f"{first}, {second} and {_joined(spare)}" if spare else f"{first} and {second}"
    below = chunked(_spread(spare, 4)) if spare else []
    return _Draft(words, (a, b, c, d, *spare), [*rows, *below], relations)


def _rows_above(rng: random.Random, total: int) -> _Draft:
    """Two kinds above two others: "two red stars and a moon above a heart and three circles"."""
    upper, lower = total // 2, total - total // 2
    groups = [*_counted(rng, upper, 2), *_counted(rng, lower, 2)]
    colours = rng.sample(list(COLOURS), 4)
    groups = [Group(colour, g.name, g.count) for colour, g in zip(colours, groups, strict=True)]
    rows = [*chunked(_spread(groups[:2])), *chunked(_spread(groups[2:], 2))]
    relations = tuple(Relation(a, "above", b) for a in (0, 1) for b in (2, 3))
    words = f"{_joined(groups[:2])} above {_joined(groups[2:])}"
    return _Draft(words, tuple(groups), rows, relations)


def _corner_of_three(
    rng: random.Random, groups: tuple[Group, Group, Group], beside: Way, over: Way
) -> _Draft:
    """The first beside the second and above or below the third."""
    a, b, c = groups
    pair = [0, 1] if beside == "left" else [1, 0]
    rows = [pair, [2]] if over == "above" else [[2], pair]
    words = f"{a.words} {_said(rng, beside)} {b.words} and {_said(rng, over)} {c.words}"
    return _Draft(words, groups, rows, (Relation(0, beside, 1), Relation(0, over, 2)))


def _corner_and_rest(rng: random.Random, total: int) -> _Draft:
    """Three that stand to each other, and the rest."""
    a, b, c = _kinds(rng, 3)
    beside: Way = rng.choice(("left", "right"))
    three = _corner_of_three(rng, (a, b, c), beside, "above")
    spare = _rest(rng, total - 3, {a.colour, b.colour, c.colour})
    rows = [*three.rows, *chunked(_spread(spare, 3))]
    words = f"{three.words}, with {_joined(spare)}"
    return _Draft(words, (*three.groups, *spare), rows, three.relations)


def _in_corners(rng: random.Random, total: int) -> _Draft:
    """Four things in the four corners."""
    groups = tuple(_kinds(rng, total))
    said = [f"{g.words} in the {corner}" for g, corner in zip(groups, CORNERS, strict=True)]
    words = f"{', '.join(said[:-1])} and {said[-1]}"
    return _Draft(words, groups, [[0, 1], [2, 3]], corners=tuple(enumerate(CORNERS)))


def _rest(rng: random.Random, total: int, used: set[str]) -> list[Group]:
    """`total` more things of one or two kinds, in colours that are not used yet."""
    if not total:
        return []
    free = [colour for colour in COLOURS if colour not in used]
    groups = _counted(rng, total, rng.randint(1, min(2, total)))
    colours = rng.sample(free, len(groups))
    return [Group(colour, g.name, g.count) for colour, g in zip(colours, groups, strict=True)]
