"""The position of a box on the canvas in words."""

from __future__ import annotations

from rpg.plans.geometry import Box

_ROWS = ("top", "", "bottom")
_COLUMNS = ("left", "", "right")


def position_in_words(box: Box) -> str:
    """The position of a box in words: "top left", "in the middle", "the whole canvas"."""
    if box.area > 0.99:
        return "the whole canvas"
    x, y = (min(int(centre * 3 + 1e-9), 2) for centre in box.center)
    return " ".join(filter(None, (_ROWS[y], _COLUMNS[x]))) or "in the middle"
