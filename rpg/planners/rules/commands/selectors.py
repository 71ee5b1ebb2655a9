"""Selectors among alike regions: "left", "second from the right", "biggest"."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from rpg.language.grammar.elements import Anchor, RelationKind
from rpg.language.lexicon.function_words import MIDDLE, ORDINALS
from rpg.planners.rules.commands.plan_editor import RegionNode

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


def reading_order(items: Sequence[RegionNode]) -> list[RegionNode]:
    """Row by row, from left to right."""
    rows: list[list[RegionNode]] = []
    for item in sorted(items, key=lambda item: item.box.center[1]):
        if rows and item.box.center[1] - rows[-1][0].box.center[1] <= _ROW:
            rows[-1].append(item)
        else:
            rows.append([item])
    return [item for row in rows for item in sorted(row, key=lambda item: item.box.center[0])]


def pick(
    items: Sequence[RegionNode], words: Collection[str], *, side: str = ""
) -> list[RegionNode]:
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


def _nth(items: Sequence[RegionNode], ordinal: int, side: str) -> list[RegionNode]:
    order = reading_order(items)
    if side:
        order = sorted(items, key=lambda item: item.box.center[0], reverse=side == "right")
    return [order[ordinal]] if -1 <= ordinal < len(order) else []


def _best(items: Sequence[RegionNode], score: Callable[[RegionNode], float]) -> list[RegionNode]:
    least = min(score(item) for item in items)
    return [item for item in items if score(item) <= least + _TIED]


def _from_middle(item: RegionNode) -> float:
    x, y = item.box.center
    return abs(x - 0.5) + abs(y - 0.5)


def at_anchor(items: Sequence[RegionNode], anchor: Anchor) -> list[RegionNode]:
    """Those nearest to a place on the canvas: "the star on the left"."""
    names = {(0, 0): "left", (0, 2): "right", (1, 0): "top", (1, 2): "bottom"}
    words = [names[axis, place] for axis, place in enumerate((anchor.x, anchor.y))
             if place is not None and place != 1]  # fmt: skip
    return pick(items, words or ["middle"])


def related(
    items: Sequence[RegionNode], kinds: Sequence[RelationKind], other: RegionNode
) -> list[RegionNode]:
    """Those that stand to the other one in these ways; the nearest where they are next to it."""
    matching = [item for item in items if item.id != other.id]
    for kind in kinds:
        matching = [item for item in matching if stands(item, kind, other)]
    if not matching or RelationKind.BESIDE not in kinds:
        return matching
    return _best(matching, lambda item: _distance(item, other))


def stands(item: RegionNode, kind: RelationKind, other: RegionNode) -> bool:
    """Whether one stands to the other in that way; always of ways that have no one direction."""
    (x, y), (ox, oy) = item.box.center, other.box.center
    match kind:
        case RelationKind.LEFT:
            return x < ox - _TIED
        case RelationKind.RIGHT:
            return x > ox + _TIED
        case RelationKind.ABOVE | RelationKind.ON:
            return y < oy - _TIED
        case RelationKind.BELOW:
            return y > oy + _TIED
        case RelationKind.INSIDE:
            return item.parent == other.id
        case RelationKind.FRONT:
            return item.region.z > other.region.z
        case RelationKind.BEHIND:
            return item.region.z < other.region.z
        case _:
            return True


def _distance(item: RegionNode, other: RegionNode) -> float:
    (x, y), (ox, oy) = item.box.center, other.box.center
    return abs(x - ox) + abs(y - oy)
