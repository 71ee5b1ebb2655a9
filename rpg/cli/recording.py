"""Where a command's pictures are recorded: in a session of its own, or in one that goes on."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rpg.cli import console
from rpg.errors import SessionError, SettingsError
from rpg.events import Event
from rpg.session import Sessions, recorded_from

if TYPE_CHECKING:
    from PIL.Image import Image

    from rpg.metadata import Record
    from rpg.session import Session

LAST = "last"


def opened(name: str) -> Session:
    """The session that an id, its beginning or "last" means.

    Raises:
        SessionError: None, or more than one.
    """
    sessions = Sessions()
    ids = [one.id for one in sessions.list()]
    found = ids[:1] if name == LAST else [one for one in ids if name and one.startswith(name)]
    if len(found) > 1:
        raise SessionError(f"{name}: {len(found)} sessions begin like that; give more of the id")
    if not found and name == LAST:
        raise SessionError("there are no sessions yet")
    return sessions.open(found[0] if found else name)


@dataclass
class Recording:
    """The session of one command. Whatever is wrong with it costs no picture.

    Attributes:
        store: Where sessions are kept; None records nothing.
        session: The one that the pictures go to; None begins one when there is a picture.
        parent: The turn that they come of, once that is known.
        source: A picture that is no turn yet, to be the first one.
        before: The highest number of a turn before the pictures; None until recording began.
    """

    store: Sessions | None
    session: Session | None = None
    parent: int | None = None
    source: tuple[Image, Record] | None = None
    before: int | None = None

    @classmethod
    def of(cls, name: str | None, off: bool) -> Recording:
        """What `--session` and `--no-session` say.

        Raises:
            SettingsError: Both.
            SessionError: There is no such session.
        """
        if off and name is not None:
            raise SettingsError("--session and --no-session exclude each other; leave out one")
        if off:
            return cls(None)
        return cls(Sessions(), opened(name) if name is not None else None)

    def starting_from(self, own: Image, record: Record, off: float) -> Image:
        """Takes a picture to be edited; where a turn drew it, that turn is the parent.

        Args:
            own: The picture at its own size.
            record: What it was made with.
            off: See `Sessions.find`.

        Returns:
            The pixels to start from: as they were drawn, where a turn holds them.
        """
        self.source = own, record
        if self.store is None:
            return own
        try:
            within = self.session.id if self.session is not None else None
            found = self.store.find(own, record, within=within, off=off)
            if found is None:
                return own
            image = found[0].image(found[1])
        except SessionError as error:
            self.store = None
            console.note(f"not recorded: {error}")
            return own
        self.session, self.parent = found
        return image

    def stream(
        self, events: Generator[Event, None, None], instruction: str = ""
    ) -> Generator[Event, None, None]:
        """The events, whose pictures are recorded as they pass."""
        if self.store is None:
            yield from events
            return
        going_on = self.session is not None
        try:
            yield from recorded_from(self._begun, events, instruction=instruction)
        finally:
            if not going_on:
                self._tidy(self.store)

    def _tidy(self, store: Sessions) -> None:
        """No session is left that nothing could be stored in."""
        with suppress(SessionError):
            if self.session is not None and self.session.refresh().head is None:
                store.delete(self.session.id)

    def _begun(self) -> tuple[Session, int | None]:
        """The session, its head at the turn that the pictures come of."""
        assert self.store is not None  # or nothing is recorded
        session = self.session = self.session or self.store.create()
        if self.parent is None and self.source is not None:
            self.parent = session.add(*self.source, parent=None).turn.id
        if self.parent is None:
            self.parent = session.refresh().head
        elif session.refresh().head != self.parent:
            session.branch(self.parent)
        self.before = session.tree.last
        return session, self.parent

    def summary(self) -> dict[str, object]:
        """Session and turn of the picture that is written, for programs; None where there are none.

        Of several pictures it is the first one's turn.
        """
        session, before = self.session, self.before
        if session is None or before is None or session.tree.last == before:
            return {"session": None, "turn": None}
        head = session.head or 0
        return {"session": session.id, "turn": head if head > before else session.tree.last}

    def say(self) -> None:
        """The same for people, where there is something to say."""
        told = self.summary()
        if told["session"] is not None:
            console.say(f"session {told['session']}, turn {told['turn']}", style="dim")
