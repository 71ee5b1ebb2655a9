"""A stream of events that leaves turns behind.

events = rpg.edit_stream(session.image(head), session.turn(head).plan, "make the star blue")
for event in recorded(session, events, parent=head, instruction="make the star blue"):
    ...
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from typing import TYPE_CHECKING

from rpg.events import Critiqued, Edited, Event, Rendered

if TYPE_CHECKING:
    from rpg.session.session import Session

__all__ = ["recorded"]


def recorded(
    session: Session,
    events: Generator[Event, None, None],
    *,
    parent: int | None,
    instruction: str = "",
) -> Generator[Event, None, None]:
    """Passes events on, and stores every picture before it does so.

    Every picture of a batch is a turn. The head follows the best: of a round of refinement the
    picture that the critic kept, whose turn is then the next round's parent. Closing this closes
    the events.

    Args:
        session: Where to.
        events: Of a call, an edit or a refinement, whose pictures are PIL's.
        parent: The turn whose picture they start from; None for nothing.
        instruction: The user's words, where events bring no reason of their own.

    Raises:
        StoreError: The disk is full or read-only; what was stored before is there.
    """
    taker = _Taker(session, parent, instruction)
    with closing(events):
        for event in events:
            taker.hear(event)
            yield event


class _Taker:
    """What has to be remembered from one event to the next."""

    def __init__(self, session: Session, parent: int | None, instruction: str) -> None:
        self._session = session
        self._best = parent
        self._instruction = instruction
        self._edited: Edited | None = None
        self._drawn: list[int] = []

    def hear(self, event: Event) -> None:
        match event:
            case Edited():
                self._edited = event
            case Rendered():
                self._store(event)
            case Critiqued():
                self._judge(event)

    def _store(self, event: Rendered) -> None:
        edited, self._edited = self._edited, None
        added = [
            self._session.add(
                image,
                record,
                parent=self._best,
                edits=edited.edits if edited is not None else (),
                instruction=(edited.why if edited is not None else "") or self._instruction,
                mask=edited.mask if edited is not None else None,
                index=index,
                of=len(event.records),
            )
            for index, (image, record) in enumerate(zip(event.images, event.records, strict=True))
        ]
        self._drawn = [one.turn.id for one in added]

    def _judge(self, event: Critiqued) -> None:
        turn = self._drawn[event.index]
        self._session.criticise(turn, event.critique)
        if event.kept:
            self._best = turn
        if self._best is not None and self._session.refresh().head in self._drawn:
            self._session.branch(self._best)
