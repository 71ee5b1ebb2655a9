"""Positions on the canvas that a prompt names: corners, edges, the middle, rows and orders."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from rpg.language.grammar.elements import Anchor, Arrange, Order, RelationKind, RowMark
from rpg.language.scene_graph.clause import Clause
from rpg.language.scene_graph.graph import Entity, Relation, SceneGraph, singled

_NATURAL = {"floor": (None, 2), "flooring": (None, 2), "ceiling": (None, 0)}
_CORNERS = ((0, 0), (2, 0), (0, 2), (2, 2))


def place_on_canvas(graph: SceneGraph, entities: list[Entity], anchor: Anchor) -> None:
    """Puts the entities where the anchor says; "in each corner" makes one entity four."""
    if anchor.each:
        _into_corners(graph, entities)
        return
    for entity in entities:
        entity.back = entity.back or anchor.back
        x, y = entity.anchor
        entity.anchor = (x if anchor.x is None else anchor.x, y if anchor.y is None else anchor.y)


def settle(graph: SceneGraph) -> None:
    """Puts floors below and ceilings above where nothing else is said of them."""
    bound = {id(t) for r in graph.relations for t in (r.subject, *r.objects)}
    for entity in graph.entities:
        free = id(entity) not in bound and entity.anchor == (None, None) and entity.parent is None
        if free and len(graph.entities) > 1:
            entity.anchor = _NATURAL.get(entity.head, entity.anchor)


def _into_corners(graph: SceneGraph, entities: list[Entity]) -> None:
    if len(entities) == 1:
        count = 4 if entities[0].count == 1 else entities[0].count
        entities = singled(graph.entities, entities[0], count)
    for entity, corner in zip(entities, _CORNERS, strict=False):
        entity.anchor = corner


class Lines:
    """Rows, columns and orders of one sentence: "from left to right", "in the top row"."""

    def __init__(self, graph: SceneGraph) -> None:
        """Adds relations to the graph."""
        self._graph = graph
        self._start()

    def _start(self) -> None:
        self._named: list[Entity] = []
        self._order: Order | None = None
        self._ordered_from = 0
        self._rows: dict[int, list[Entity]] = {}
        self._row: RowMark | None = None
        self._rows_lead = False

    def saw(self, entities: list[Entity]) -> None:
        """Records entities in the order in which they are named."""
        for entity in entities:
            if entity not in self._named:
                self._named.append(entity)
                if self._row is not None and self._rows_lead:
                    self._rows.setdefault(self._row.index, []).append(entity)

    def take(self, element: Arrange | Order | RowMark, clause: Clause) -> None:
        """Applies an element that describes a line."""
        if isinstance(element, Arrange):
            self._arrange(element, clause)
        elif isinstance(element, Order):
            self._order = element
        else:
            self._mark_row(element)

    def _arrange(self, element: Arrange, clause: Clause) -> None:
        # In the order of the prompt: of a group that was split, the rest comes last.
        entities = sorted(clause.subjects or clause.last, key=self._graph.entities.index)
        if element.shape != "grid":
            self._chain(
                entities, RelationKind.LEFT if element.shape == "row" else RelationKind.ABOVE
            )
        if element.shape != "grid" or len(entities) == 1:
            _line_up(entities, element.shape)
        clause.predicate = True

    def _mark_row(self, mark: RowMark) -> None:
        if not self._named or self._rows_lead:
            self._rows_lead = True
        else:
            placed = {id(entity) for row in self._rows.values() for entity in row}
            rest = [entity for entity in self._named if id(entity) not in placed]
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
        entities = self._named
        _line_up(entities, "row" if order.x else "column")
        if order.x:
            self._chain(entities, RelationKind.LEFT if order.x > 0 else RelationKind.RIGHT)
        else:
            self._chain(entities, RelationKind.ABOVE if order.y > 0 else RelationKind.BELOW)

    def _apply_rows(self, mark: RowMark) -> None:
        across, along = (
            (RelationKind.LEFT, RelationKind.ABOVE)
            if mark.column
            else (RelationKind.ABOVE, RelationKind.LEFT)
        )
        for row in self._rows.values():
            self._chain(row, along)
            if len(row) == 1:
                _line_up(row, "column" if mark.column else "row")
        rows = [self._rows[index] for index in sorted(self._rows)]
        for upper, lower in pairwise(rows):
            for entity in upper:
                self._relate(across, entity, lower)
        if len(rows) == 1 and not mark.column:
            side = {0: 0, 1: 1, 9: 2}.get(mark.index)
            for entity in rows[0]:
                entity.anchor = (None, side)

    def _chain(self, entities: list[Entity], kind: RelationKind) -> None:
        for first, second in pairwise(entities):
            self._relate(kind, first, [second])

    def _relate(self, kind: RelationKind, subject: Entity, objects: list[Entity]) -> None:
        self._graph.relations.append(Relation(kind, subject, tuple(objects)))


def _line_up(entities: Iterable[Entity], shape: str) -> None:
    """Has several of a kind stand in the line as well: "two red cars and a blue one in a row"."""
    for entity in entities:
        entity.arrangement = entity.arrangement or shape
