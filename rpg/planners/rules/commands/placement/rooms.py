"""Room among sibling regions: inserting, reordering, cutting back; in fractions of the parent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from rpg.errors import PlanError
from rpg.planners.rules.commands.placement.axes import (
    X,
    Y,
    along,
    boxed,
    close,
    cross,
    distance,
    is_at,
    length,
    overlap,
)
from rpg.planners.rules.commands.placement.free_space import aligned, free_rectangles
from rpg.plans.geometry import FULL, Box

LEAST = 0.06  # the shortest side that a region is left with
_SHORT = 0.6  # boxes shorter than this can be said to be at the top or at the bottom
_ENOUGH = 0.2  # sides of free room that is worth taking


class Room(NamedTuple):
    """A place for something, and what had to give way for it."""

    box: Box
    moves: dict[str, Box]


@dataclass(frozen=True, slots=True)
class SiblingBoxes:
    """Regions side by side, by id; those in front of others are left out."""

    boxes: dict[str, Box] = field(default_factory=dict)

    def without(self, name: str) -> SiblingBoxes:
        """The level as if the region had gone."""
        return SiblingBoxes({each: box for each, box in self.boxes.items() if each != name})

    # Lines ---------------------------------------------------------------------------------------

    def line(self, name: str, axis: int) -> list[str]:
        """The row (axis 0) or column (axis 1) around a region, in order, with nothing between."""
        here = cross(self.boxes[name], axis)
        alike = [each for each, box in self.boxes.items()
                 if close(cross(box, axis), here)]  # fmt: skip
        alike.sort(key=lambda each: along(self.boxes[each], axis))
        at = alike.index(name)
        first = last = at
        while first > 0 and self._adjoin(alike[first - 1], alike[first], axis):
            first -= 1
        while last < len(alike) - 1 and self._adjoin(alike[last], alike[last + 1], axis):
            last += 1
        return alike[first : last + 1]

    def _adjoin(self, one: str, other: str, axis: int) -> bool:
        """Whether nothing stands between two regions of a line."""
        start, end = along(self.boxes[one], axis)[1], along(self.boxes[other], axis)[0]
        if end - start < 1e-6:
            return end - start > -1e-6
        gap = boxed(axis, (start, end), cross(self.boxes[one], axis))
        return not any(overlap(gap, box) for box in self.boxes.values())

    def insert(self, name: str, axis: int, after: bool, size: float) -> Room:
        """A place beside a region; its row or column shrinks for it.

        Raises:
            PlanError: Everything in the line would be too small.
        """
        line = self.line(name, axis)
        order: list[str | None] = list(line)
        order.insert(line.index(name) + after, None)
        lengths = {each: length(self.boxes[each], axis) for each in line}
        new = sum(lengths.values()) / len(lengths) * size
        return self._laid(line, order, lengths, new, axis)

    def reorder(self, name: str, beside: str, axis: int, after: bool) -> Room:
        """Another place in its own line for a region."""
        line = self.line(name, axis)
        order: list[str | None] = [each for each in line if each != name]
        order.insert(order.index(beside) + after, None)
        lengths = {each: length(self.boxes[each], axis) for each in line}
        return self._laid(line, order, lengths, lengths[name], axis)

    def _laid(
        self,
        line: Sequence[str],
        order: Sequence[str | None],
        lengths: dict[str, float],
        new: float,
        axis: int,
    ) -> Room:
        """The line in a new order, over the length it had; None in it is the new one."""
        start, end = along(self.boxes[line[0]], axis)[0], along(self.boxes[line[-1]], axis)[1]
        total = sum(lengths[each] for each in order if each is not None) + new
        at, placed = start, dict[str | None, Box]()
        for each in order:
            share = (end - start) * (new if each is None else lengths[each]) / total
            across = cross(self.boxes[line[0] if each is None else each], axis)
            last = end if each == order[-1] else min(at + share, end)
            placed[each] = _roomy(boxed(axis, (at, last), across))
            at = last
        box = placed.pop(None)
        return Room(box, {each: moved for each, moved in placed.items() if each is not None})

    # Free room -----------------------------------------------------------------------------------

    def free(
        self, suits: Callable[[Box], bool], x: int | None, y: int | None, size: float
    ) -> Box | None:
        """The largest free place that suits, at most as large as things here are."""
        width, height = self._usual(size)
        least = min(_ENOUGH, width, height)
        fitting: list[tuple[float, float, Box]] = []
        for room in free_rectangles(self._all()):
            box = aligned(room, x, y, width, height)
            if min(box.width, box.height) >= least and suits(box):
                fitting.append((round(box.area, 6), round(room.area, 6), box))
        return max(fitting, key=lambda each: each[:2])[2] if fitting else None

    def _all(self) -> list[Box]:
        return list(self.boxes.values())

    def _usual(self, size: float) -> tuple[float, float]:
        """Width and height of a new thing: as of those here, no more than half of the canvas."""
        if not self.boxes:
            return (1.0, 1.0)
        count = len(self.boxes)
        scale = size**0.5
        width = sum(box.width for box in self._all()) / count * scale
        height = sum(box.height for box in self._all()) / count * scale
        return min(max(width, 0.25), 0.5), min(max(height, 0.25), 0.5)

    # Places on the canvas ------------------------------------------------------------------------

    def at(self, x: int | None, y: int | None, size: float) -> Room:
        """A place at a column and a row of 3 x 3.

        Raises:
            PlanError: There is no room.
        """
        if not self.boxes:
            width, height = (0.5 if place in (0, 2) else 1.0 for place in (x, y))
            return Room(aligned(FULL, x, y, width, height), {})
        box = self.free(lambda box: is_at(box, x, y), x, y, size)
        if box is not None:
            return Room(box, {})
        if x == 1 and y == 1:
            return self._middle(size)
        if x in (0, 2) and y in (0, 2):
            return self._corner(x, y, size)
        if x in (0, 2):
            return self._edge(X, x == 2, size)
        return self._edge(Y, y == 2, size) if y in (0, 2) else self.anywhere(size)

    def _edge(self, axis: int, last: bool, size: float) -> Room:
        """A strip along an edge; all else is pressed together towards the other one."""
        deep = sum(length(box, axis) for box in self._all()) / len(self.boxes)
        share = 1 / (1 / deep + 1) if axis == X else min(1 / (1 / deep + 1), 1 / 3)
        share = min(max(share * size, 0.12), 0.6 if axis == X else 0.45)
        start, end = (0.0, 1.0 - share) if last else (share, 1.0)
        strip = (1.0 - share, 1.0) if last else (0.0, share)
        moves = {}
        for name, box in self.boxes.items():
            first, second = along(box, axis)
            span = (start + first * (end - start), min(start + second * (end - start), end))
            moves[name] = _roomy(boxed(axis, span, cross(box, axis)))
        return Room(boxed(axis, strip, (0.0, 1.0)), moves)

    def _corner(self, x: int, y: int, size: float) -> Room:
        """Takes from the region that holds the corner; from its whole row if that is flat."""
        corner = (0.01 if x == 0 else 0.99, 0.01 if y == 0 else 0.99)
        name = min(self.boxes, key=lambda each: distance(self.boxes[each], corner))
        box = self.boxes[name]
        if box.height <= _SHORT:
            line = self.line(name, X)
            room = self.insert(line[0 if x == 0 else -1], X, x == 2, size)
            if is_at(room.box, x, y):
                return room
        deep = min(max(box.height * 0.35 * size**0.5, 0.12), box.height * 0.6)
        wide = box.width if box.width <= _SHORT else min(0.5 * size**0.5, box.width)
        if y == 0:
            strip, rest = (box.y0, box.y0 + deep), (box.y0 + deep, box.y1)
        else:
            strip, rest = (box.y1 - deep, box.y1), (box.y0, box.y1 - deep)
        across = (box.x0, box.x0 + wide) if x == 0 else (box.x1 - wide, box.x1)
        left = _roomy(Box(box.x0, rest[0], box.x1, rest[1]))
        return Room(_roomy(Box(across[0], strip[0], across[1], strip[1])), {name: left})

    def _middle(self, size: float) -> Room:
        """Between the regions on both sides of the middle; over it where one region holds it."""
        rooms: list[Room | None] = []
        for axis in (X, Y):
            one, other = ((0.5 - d, 0.5) if axis == X else (0.5, 0.5 - d) for d in (0.02, -0.02))
            before, behind = self._holding(*one), self._holding(*other)
            if before and behind and before != behind and behind in self.line(before, axis):
                rooms.append(self._tried(before, axis, size))
        holder = self._holding(0.5, 0.5)
        if holder:
            rooms += [self._tried(holder, a, size) for a in (X, Y) if len(self.line(holder, a)) > 1]
        for room in rooms:
            if room is not None and is_at(room.box, 1, 1):
                return room
        side = min(0.4 * size**0.5, 0.8)
        box = aligned(FULL, 1, 1, side, side)
        if holder and box.intersection(self.boxes[holder]) == box:
            return Room(box, {})  # in front of it
        over = {name: there for name, there in self.boxes.items() if overlap(box, there)}
        return Room(box, {name: _cut_back(there, box) for name, there in over.items()})

    def _holding(self, x: float, y: float) -> str | None:
        return next((name for name, box in self.boxes.items() if box.contains(x, y)), None)

    def anywhere(self, size: float) -> Room:
        """A place where the new thing gets the most room, for the fewest moves.

        Raises:
            PlanError: There is no room.
        """
        box = self.free(lambda box: True, None, None, size)
        if box is not None or not self.boxes:
            return Room(box or FULL, {})
        rooms = []
        for name in self.boxes:
            for axis in (X, Y):
                if self.line(name, axis)[-1] == name:
                    rooms.append(self._tried(name, axis, size))
        possible = [room for room in rooms if room is not None]
        if not possible:
            raise _full()
        return max(possible, key=_comfort)

    def _tried(self, name: str, axis: int, size: float) -> Room | None:
        try:
            return self.insert(name, axis, True, size)
        except PlanError:
            return None

    # Giving way ----------------------------------------------------------------------------------

    def pushed(self, name: str, box: Box) -> Room:
        """A new box for a region; those it would cover are cut back.

        Raises:
            PlanError: One of them would be too small.
        """
        moves = {}
        old = self.boxes[name]
        for other, there in self.boxes.items():
            if other != name and overlap(box, there) and not overlap(old, there):
                moves[other] = _cut_back(there, box)
        return Room(box, moves)


def _comfort(room: Room) -> tuple[float, int]:
    least = min(min(box.width, box.height) for box in (room.box, *room.moves.values()))
    return round(least, 6), -len(room.moves)


def _cut_back(box: Box, new: Box) -> Box:
    """The largest part of a box that lies on one side of the other."""
    spans = (
        (box.x0, box.y0, new.x0, box.y1), (new.x1, box.y0, box.x1, box.y1),
        (box.x0, box.y0, box.x1, new.y0), (box.x0, new.y1, box.x1, box.y1),
    )  # fmt: skip
    parts = [Box(*span) for span in spans
             if span[2] - span[0] >= LEAST and span[3] - span[1] >= LEAST]  # fmt: skip
    if not parts:
        raise _full()
    return max(parts, key=lambda part: round(part.area, 6))


def _full() -> PlanError:
    return PlanError("there is no room left for that: remove something, or make things smaller")


def _roomy(box: Box) -> Box:
    if min(box.width, box.height) < LEAST:
        raise _full()
    return box
