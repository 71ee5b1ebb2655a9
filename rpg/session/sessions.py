"""Sessions: the folder of them all, one SQLite file and the pictures beside it."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from PIL import ImageChops, ImageStat
from platformdirs import user_data_path
from pydantic import TypeAdapter, ValidationError

from rpg.environment import environment
from rpg.errors import SessionError
from rpg.session import _bundle, _rows
from rpg.session._database import Database
from rpg.session._pictures import Pictures
from rpg.session._rows import Summary
from rpg.session.session import Session
from rpg.session.turn import Title, Turn, new_id, valid_id
from rpg.settings import explain

if TYPE_CHECKING:
    from PIL.Image import Image

    from rpg.metadata import Record

__all__ = ["Sessions"]

_TITLE: TypeAdapter[str] = TypeAdapter(Title)


class Sessions:
    """All sessions of a folder. Any number of threads and processes may use one folder.

    Args:
        root: The folder, made when something is first written. None takes `RPG_SESSIONS`, else a
            place of the user's data folder.

    Attributes:
        root: The folder.
    """

    def __init__(self, root: str | os.PathLike[str] | None = None) -> None:
        chosen = root if root is not None else environment().sessions
        self.root = Path(chosen).expanduser() if chosen else user_data_path("rpg") / "sessions"
        self._database = Database(self.root / "sessions.sqlite3")
        self._pictures = Pictures(self.root / "pictures")

    def create(self, title: str = "") -> Session:
        """A new session without turns.

        Args:
            title: One line of at most 200 characters; empty takes the first prompt's beginning.

        Raises:
            SessionError: The title cannot be.
            StoreError: The folder cannot be written.
        """
        session, title = new_id(), _checked(title)
        with self._database.writing() as rows:
            _rows.create(rows, session, title, time.time())
        return self._session(session)

    def open(self, session: str) -> Session:
        """The session of that id.

        Raises:
            SessionError: It is no id, or there is no such session.
            StoreError: The folder cannot be read.
        """
        return self._session(valid_id(session))

    def list(self) -> tuple[Summary, ...]:
        """All sessions, those changed last first.

        Raises:
            StoreError: The folder cannot be read.
        """
        with self._database.reading() as rows:
            return tuple(_rows.summaries(rows))

    def find(
        self, image: Image, record: Record, *, within: str | None = None, off: float = 0.0
    ) -> tuple[Session, int] | None:
        """The session and the turn that drew a picture, the newest where several did; None if none.

        Args:
            image: The picture at its own size.
            record: What it was made with, as its file says; the scale does not matter.
            within: Id of the only session to look in; None looks in all.
            off: Mean difference of pixels, in steps of a channel, that still counts as the same: a
                file of an enlarged picture holds the own pixels only nearly.

        Raises:
            StoreError: The folder cannot be read.
        """
        with self._database.reading() as rows:
            made = _rows.drawn(rows, record)
        for session, turn in made:
            if within in (None, session) and self._shows(turn, image, off):
                return self._session(session), turn.id
        return None

    def thumbnail(self, summary: Summary) -> Path | None:
        """The file of the picture at a session's head; None without turns."""
        return self._pictures.path(summary.image) if summary.image is not None else None

    def rename(self, session: str, title: str) -> None:
        """Another title.

        Raises:
            SessionError: There is no such session, or the title cannot be.
        """
        title = _checked(title)
        with self._database.writing() as rows:
            _rows.summary(rows, valid_id(session))
            _rows.retitle(rows, session, title)

    def delete(self, session: str) -> None:
        """A session goes for good, with those of its pictures that no other shows.

        Raises:
            SessionError: There is no such session.
            StoreError: The folder cannot be written.
        """
        with self._database.writing() as rows:
            _rows.summary(rows, valid_id(session))
            _rows.delete(rows, session)
        self.sweep()

    def sweep(self) -> None:
        """Deletes pictures of no session: what killed programs left behind."""
        with self._database.writing() as rows:
            self._pictures.sweep(_rows.needed(rows))

    def export(self, session: str, target: str | os.PathLike[str]) -> Path:
        """Writes a session with all its pictures to one zip, whole or not at all.

        Raises:
            SessionError: There is no such session, or it is over 2 GiB.
            StoreError: The zip cannot be written, or a picture cannot be read.
        """
        with self._database.reading() as rows:
            about = _rows.summary(rows, valid_id(session))
            tree, turns = _rows.tree(rows, session), _rows.turns(rows, session)
        bundle = _bundle.Bundle(
            id=about.id,
            title=about.title,
            created=about.created,
            head=tree.head,
            ahead=dict(tree.ahead),
            turns=turns,
        )
        return _bundle.write(bundle, self._pictures.read, Path(target))

    def load(self, path: str | os.PathLike[str]) -> Session:
        """Takes in a session that was exported; under a new id if its own is taken.

        Raises:
            SessionError: It is no such zip, or one that was tampered with; nothing is taken in.
            StoreError: The folder cannot be written.
        """
        with _bundle.read(Path(path)) as incoming:
            incoming.check_pictures()
            with self._database.writing() as rows:
                bundle = incoming.bundle
                session = new_id() if _rows.exists(rows, bundle.id) else bundle.id
                _rows.create(rows, session, bundle.title, bundle.created)
                for name in bundle.needed():
                    self._pictures.keep(incoming.picture(name))
                for turn in bundle.turns:
                    _rows.add_turn(rows, session, turn)
                bare = replace(incoming.tree, ahead={}, labels={})
                _rows.save_tree(rows, session, bare, incoming.tree)
        return self._session(session)

    def _shows(self, turn: Turn, image: Image, off: float) -> bool:
        """Whether a turn's picture is that one; not if its file is gone or was changed."""
        try:
            own = self._pictures.load(turn.image)
        except SessionError:
            return False
        if own.size != image.size:
            return False
        difference = ImageChops.difference(own.convert("RGB"), image.convert("RGB"))
        return fmean(ImageStat.Stat(difference).mean) <= off

    def _session(self, session: str) -> Session:
        return Session(self._database, self._pictures, session)


def _checked(title: str) -> str:
    try:
        return _TITLE.validate_python(" ".join(title.split()))
    except ValidationError as error:
        raise SessionError(f"title: {explain(error)}") from None
