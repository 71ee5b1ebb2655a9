"""Words for where something is among its like: "left", "second from the right", "biggest"."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from rpg.language.grammar.elements import Anchor, Kind
from rpg.language.lexicon.function_words import MIDDLE, ORDINALS
from rpg.planners.rules.commands.plan_editor import Item

_TIED = 0.02
_ROW = 0.15
_AXES: dict[str, tuple[float, float]] = {
    **dict.fromkeys(("left", "leftmost", "left-most", "left-hand"), (1.0, 0.0)),
    **dict.fromkeys(("right", "rightmost", "right-most", "right-hand"), (-1.0, 0.0)),
    **dict.fromkeys(("top", "upper", "topmost", "uppermost", "highest", "higher"), (0.0, 1.0)),
    **dict.fromkeys(("bottom", "lower", "lowest", "bottommost", "lowermost"), (0.0, -1.0)),
}
_LARGE = frozenset("biggest largest bigger larger hugest".split())
_SMALL = frozenset("smallest smaller tiniest littlest".split())
WORDS = frozenset(_AXES) | MIDDLE | frozenset(ORDINALS) | _LARGE | _SMALL


def reading_order(items: Sequence[Item]) -> list[Item]:
    """Row by row, from left to right."""
    rows: list[list[Item]] = []
    for item in sorted(items, key=lambda item: item.box.center[1]):
        if rows and item.box.center[1] - rows[-1][0].box.center[1] <= _ROW:
            rows[-1].append(item)
        else:
            rows.append([item])
    return [item for row in rows for item in sorted(row, key=lambda item: item.box.center[0])]


def pick(items: Sequence[Item], words: Collection[str], *, side: str = "") -> list[Item]:
    """Those of the items that the words mean; several where they are level.

    Args:
        items: What to choose from.
        words: Out of `WORDS`.
        side: "left" or "right" where an ordinal counts from there.
    """
    ordinal = next((ORDINALS[word] for word in words if word in ORDINALS), None)
    if ordinal is not None:
        return _nth(items, ordinal, side)
    if _LARGE & set(words):
        return _best(items, lambda item: -item.box.area)
    if _SMALL & set(words):
        return _best(items, lambda item: item.box.area)
    axes = [_AXES[word] for word in words if word in _AXES]
    x, y = sum(axis[0] for axis in axes), sum(axis[1] for axis in axes)
    if not axes:
        return _best(items, lambda item: _from_middle(item))
    return _best(items, lambda item: x * item.box.center[0] + y * item.box.center[1])


def _nth(items: Sequence[Item], ordinal: int, side: str) -> list[Item]:
    order = reading_order(items)
    if side:
        order = sorted(items, key=lambda item: item.box.center[0], reverse=side == "right")
    return [order[ordinal]] if -1 <= ordinal < len(order) else []


def _best(items: Sequence[Item], score: Callable[[Item], float]) -> list[Item]:
    least = min(score(item) for item in items)
    return [item for item in items if score(item) <= least + _TIED]


def _from_middle(item: Item) -> float:
    x, y = item.box.center
    return abs(x - 0.5) + abs(y - 0.5)


def at_anchor(items: Sequence[Item], anchor: Anchor) -> list[Item]:
    """Those nearest to a place on the canvas: "the star on the left"."""
    names = {(0, 0): "left", (0, 2): "right", (1, 0): "top", (1, 2): "bottom"}
    words = [names[axis, place] for axis, place in enumerate((anchor.x, anchor.y))
             if place is not None and place != 1]  # fmt: skip
    return pick(items, words or ["middle"])


def related(items: Sequence[Item], kinds: Sequence[Kind], other: Item) -> list[Item]:
    """Those that stand to the other one in these ways; the nearest where they are next to it."""
    found = [item for item in items if item.id != other.id]
    for kind in kinds:
        found = [item for item in found if _stands(item, kind, other)]
    if not found or Kind.BESIDE not in kinds:
        return found
    return _best(found, lambda item: _distance(item, other))


def _stands(item: Item, kind: Kind, other: Item) -> bool:
    (x, y), (ox, oy) = item.box.center, other.box.center
    match kind:
        case Kind.LEFT:
            return x < ox - _TIED
        case Kind.RIGHT:
            return x > ox + _TIED
        case Kind.ABOVE | Kind.ON:
            return y < oy - _TIED
        case Kind.BELOW:
            return y > oy + _TIED
        case Kind.INSIDE:
            return item.parent == other.id
        case Kind.FRONT:
            return item.region.z > other.region.z
        case Kind.BEHIND:
            return item.region.z < other.region.z
        case _:
            return True


def _distance(item: Item, other: Item) -> float:
    (x, y), (ox, oy) = item.box.center, other.box.center
    return abs(x - ox) + abs(y - oy)
