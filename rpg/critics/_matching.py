"""Assignment of detections to planned things, by maximum total agreement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rpg.critique import Check
from rpg.plans.geometry import Box
from rpg.toybox.vocabulary import THINGS

_UNCLEAR = 0.4  # a form that the detector cannot name may be the one wanted
_NEARNESS = 0.05  # breaks ties: less than any difference that matters


@dataclass(frozen=True, slots=True)
class Seen:
    """A thing in the picture.

    Attributes:
        name: One of Toybox's things; None where the form is unclear.
        colour: One of Toybox's colours; None where it is none of them.
        box: In fractions of the canvas.
        fill: One of Toybox's fills; None where the colour is unclear.
    """

    name: str | None
    colour: str | None
    box: Box
    fill: str | None = None

    @property
    def words(self) -> str:
        """What it looks like and its name: "red star", "striped red star", "blue blob"."""
        looks = [self.fill] if self.fill and self.fill != "plain" else []
        looks.append(self.colour or "strangely coloured")
        return " ".join([*looks, self.name or "blob"])


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for one planned thing.

    Attributes:
        key: The thing's id, as in the checks.
        name: What it is called.
        region: Id of its region; empty for none.
        noun: What is to be there.
        colours: What it is to look like; empty where nothing is said.
        box: Where.
        fills: Likewise.
    """

    key: str
    name: str
    region: str
    noun: str
    colours: frozenset[str]
    box: Box
    fills: frozenset[str] = frozenset()

    @property
    def known(self) -> bool:
        """Whether the detector can tell such a thing."""
        return self.noun in THINGS

    def holds(self, seen: Seen) -> bool:
        """Whether the thing's middle lies in the box."""
        return self.box.contains(*seen.box.center)

    def share(self, seen: Seen) -> float:
        """How much of the thing lies in the box, 0 to 1."""
        common = self.box.intersection(seen.box)
        return common.area / seen.box.area if common else 0.0


def key_of(check: Check, place: int = 0) -> str:
    """The id of a check's subject, or of the object at a later place; "" for none."""
    return (check.ids[place : place + 1] or ("",))[0]


def matched(slots: Sequence[Slot], seen: Sequence[Seen]) -> list[int | None]:
    """For each slot the number of what stands for it, one thing for one slot; None where nothing.

    The sum of what is right, form, colour, fill and place, is the largest there can be. A thing
    outside a slot's box stands for it only if it is right in all else.
    """
    if not slots or not seen:
        return [None] * len(slots)
    from scipy.optimize import linear_sum_assignment  # half a second that help pages need not wait

    worth = np.array([[_worth(slot, one) for one in seen] for slot in slots])
    rows, columns = linear_sum_assignment(worth, maximize=True)
    pairs = dict(zip(rows.tolist(), columns.tolist(), strict=True))
    return [_taken(worth, row, pairs.get(row)) for row in range(len(slots))]


def _taken(worth: NDArray[np.float64], row: int, column: int | None) -> int | None:
    return column if column is not None and worth[row, column] > 0 else None


def _worth(slot: Slot, seen: Seen) -> float:
    """How well a thing fits a slot; 0 where it does not stand for it at all."""
    form = 1.0 if slot.known and seen.name == slot.noun else 0.0
    colour = 1.0 if not slot.colours or seen.colour in slot.colours else 0.0
    fill = 1.0 if not slot.fills or seen.fill in slot.fills else 0.0
    held = slot.holds(seen)
    if not (held or (form and colour and fill)):
        return 0.0
    if not form and (seen.name is None or not slot.known):
        form = _UNCLEAR
    place = 1.0 if held else 0.5 * slot.share(seen)
    (x, y), (u, v) = slot.box.center, seen.box.center
    return form + colour + fill + place + _NEARNESS * (1 - max(abs(x - u), abs(y - v)))
