"""A stream of events that leaves turns behind.

events = rpg.edit_stream(session.image(head), session.turn(head).plan, "make the star blue")
for event in recorded(session, events, parent=head, instruction="make the star blue"):
    ...
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from rpg.errors import SessionError
from rpg.events import Critiqued, Edited, Event, Notice, Refined, Rendered

if TYPE_CHECKING:
    from PIL.Image import Image

    from rpg.session.session import Session

__all__ = ["recorded", "recorded_from"]


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

    A session that cannot be written, since its disk is full or read-only, or since it or the
    parent was deleted meanwhile, costs no picture: a `Notice` says why, nothing more is stored, and
    all events go on. What was stored before is there.

    Args:
        session: Where to.
        events: Of a call, an edit or a refinement, whose pictures are PIL's.
        parent: The turn whose picture they start from; None for nothing.
        instruction: The user's words, where events bring no reason of their own.
    """
    return recorded_from(lambda: (session, parent), events, instruction=instruction)


def recorded_from(
    start: Callable[[], tuple[Session, int | None]],
    events: Generator[Event, None, None],
    *,
    instruction: str = "",
) -> Generator[Event, None, None]:
    """The same where the session is begun late, so that none is left by a call that fails.

    Args:
        start: Asked once, when there is something to store: the session and the parent. A
            `SessionError` that it raises is told of like any other.
        events: As in `recorded`.
        instruction: As in `recorded`.
    """
    taker = _Taker(start, instruction)
    with closing(events):
        for event in events:
            if (fault := taker.hear(event)) is not None:
                yield Notice(f"not recorded: {fault}")
            yield event


class _Taker:
    """What has to be remembered from one event to the next."""

    def __init__(self, start: Callable[[], tuple[Session, int | None]], instruction: str) -> None:
        self._start = start
        self._instruction = instruction
        self._session: Session | None = None
        self._best: int | None = None
        self._edited: Edited | None = None
        self._drawn: list[int] = []
        self._images: Sequence[Image] = ()  # of these
        self._over = False

    def hear(self, event: Event) -> SessionError | None:
        """Stores what there is to store; the reason why nothing more is stored, once."""
        if self._over:
            return None
        try:
            self._take(event)
        except SessionError as error:
            self._over = True
            return error
        return None

    def _take(self, event: Event) -> None:
        match event:
            case Edited():
                self._edited = event
            case Rendered():
                self._store(self._begun(), event)
            case Critiqued():
                self._judge(self._begun(), event)
            case Refined() if self._session is not None:
                self._see_upscaled(event)
                self._go_to_best(self._session)  # the last round may have found no critic

    def _begun(self) -> Session:
        if self._session is None:
            self._session, self._best = self._start()
            self._drawn = [] if self._best is None else [self._best]
        return self._session

    def _store(self, session: Session, event: Rendered) -> None:
        edited, self._edited = self._edited, None
        added = [
            session.add(
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
        self._drawn, self._images = [one.turn.id for one in added], event.images

    def _judge(self, session: Session, event: Critiqued) -> None:
        if not self._drawn:
            return  # of a picture to begin with that is no turn
        turn = self._drawn[event.index]
        session.criticise(turn, event.critique)
        if event.kept:
            self._best = turn
        self._go_to_best(session)

    def _see_upscaled(self, event: Refined) -> None:
        """The best picture may have been upscaled at the end, and not judged again."""
        for turn, image in zip(self._drawn, self._images, strict=False):
            if image is event.image:
                self._best = turn

    def _go_to_best(self, session: Session) -> None:
        """The head from what was drawn last to the best, unless it was moved elsewhere."""
        if self._best is not None and session.refresh().head in self._drawn:
            session.branch(self._best)
