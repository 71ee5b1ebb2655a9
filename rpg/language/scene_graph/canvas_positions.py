"""Places on the canvas that the prompt names: corners, edges, the middle, rows and orders."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from rpg.language.grammar.elements import Anchor, Arrange, Kind, Order, RowMark
from rpg.language.scene_graph.clause import Clause
from rpg.language.scene_graph.graph import Reading, Relation, Thing, singled

_NATURAL = {"floor": (None, 2), "flooring": (None, 2), "ceiling": (None, 0)}
_CORNERS = ((0, 0), (2, 0), (0, 2), (2, 2))


def place_on_canvas(reading: Reading, things: list[Thing], anchor: Anchor) -> None:
    """Puts the things where the anchor says; "in each corner" makes one thing four."""
    if anchor.each:
        _into_corners(reading, things)
        return
    for thing in things:
        thing.back = thing.back or anchor.back
        x, y = thing.anchor
        thing.anchor = (x if anchor.x is None else anchor.x, y if anchor.y is None else anchor.y)


def settle(reading: Reading) -> None:
    """Puts floors below and ceilings above where nothing else is said of them."""
    bound = {id(t) for r in reading.relations for t in (r.subject, *r.objects)}
    for thing in reading.things:
        free = id(thing) not in bound and thing.anchor == (None, None) and thing.parent is None
        if free and len(reading.things) > 1:
            thing.anchor = _NATURAL.get(thing.head, thing.anchor)


def _into_corners(reading: Reading, things: list[Thing]) -> None:
    if len(things) == 1:
        count = 4 if things[0].count == 1 else things[0].count
        things = singled(reading.things, things[0], count)
    for thing, corner in zip(things, _CORNERS, strict=False):
        thing.anchor = corner


class Lines:
    """Rows, columns and orders of one sentence: "from left to right", "in the top row"."""

    def __init__(self, reading: Reading) -> None:
        """Turns what it is told into relations of the reading."""
        self._reading = reading
        self._start()

    def _start(self) -> None:
        self._named: list[Thing] = []
        self._order: Order | None = None
        self._ordered_from = 0
        self._rows: dict[int, list[Thing]] = {}
        self._row: RowMark | None = None
        self._rows_lead = False

    def saw(self, things: list[Thing]) -> None:
        """Takes note of things in the order in which they are named."""
        for thing in things:
            if thing not in self._named:
                self._named.append(thing)
                if self._row is not None and self._rows_lead:
                    self._rows.setdefault(self._row.index, []).append(thing)

    def take(self, element: Arrange | Order | RowMark, clause: Clause) -> None:
        """Takes a word about lines."""
        if isinstance(element, Arrange):
            self._arrange(element, clause)
        elif isinstance(element, Order):
            self._order = element
        else:
            self._mark_row(element)

    def _arrange(self, element: Arrange, clause: Clause) -> None:
        # In the order of the prompt: of a group that was split, the rest comes last.
        things = sorted(clause.subjects or clause.last, key=self._reading.things.index)
        if element.shape != "grid":
            self._chain(things, Kind.LEFT if element.shape == "row" else Kind.ABOVE)
        if element.shape != "grid" or len(things) == 1:
            _line_up(things, element.shape)
        clause.predicate = True

    def _mark_row(self, mark: RowMark) -> None:
        if not self._named or self._rows_lead:
            self._rows_lead = True
        else:
            placed = {id(thing) for row in self._rows.values() for thing in row}
            rest = [thing for thing in self._named if id(thing) not in placed]
            self._rows.setdefault(mark.index, []).extend(rest)
        self._row = mark

    def end_sentence(self) -> None:
        """Turns orders and rows into relations."""
        if self._order is not None:
            self._apply_order(self._order)
        if self._row is not None:
            self._apply_rows(self._row)
        self._start()

    def _apply_order(self, order: Order) -> None:
        things = self._named
        _line_up(things, "row" if order.x else "column")
        if order.x:
            self._chain(things, Kind.LEFT if order.x > 0 else Kind.RIGHT)
        else:
            self._chain(things, Kind.ABOVE if order.y > 0 else Kind.BELOW)

    def _apply_rows(self, mark: RowMark) -> None:
        across, along = (Kind.LEFT, Kind.ABOVE) if mark.column else (Kind.ABOVE, Kind.LEFT)
        for row in self._rows.values():
            self._chain(row, along)
            if len(row) == 1:
                _line_up(row, "column" if mark.column else "row")
        rows = [self._rows[index] for index in sorted(self._rows)]
        for upper, lower in pairwise(rows):
            for thing in upper:
                self._relate(across, thing, lower)
        if len(rows) == 1 and not mark.column:
            side = {0: 0, 1: 1, 9: 2}.get(mark.index)
            for thing in rows[0]:
                thing.anchor = (None, side)

    def _chain(self, things: list[Thing], kind: Kind) -> None:
        for first, second in pairwise(things):
            self._relate(kind, first, [second])

    def _relate(self, kind: Kind, subject: Thing, objects: list[Thing]) -> None:
        self._reading.relations.append(Relation(kind, subject, tuple(objects)))


def _line_up(things: Iterable[Thing], shape: str) -> None:
    """Has several of a kind stand in the line as well: "two red cars and a blue one in a row"."""
    for thing in things:
        thing.arrangement = thing.arrangement or shape
