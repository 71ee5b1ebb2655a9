"""The shelf of sessions as values: what there is, and what can be done with one."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rpg.errors import RPGError, SessionError

if TYPE_CHECKING:
    from rpg.session import Session, Summary
    from ui.workshop import Workshop

__all__ = ["Shelf", "exported", "imported", "shelf", "when"]

MOST_SHOWN = 60
_SHORT = 60  # characters of a title in a caption
_UNITS = ((60, "min"), (24, "h"), (7, "days"))


@dataclass(frozen=True)
class Shelf:
    """The sessions to show.

    Attributes:
        items: Files of thumbnails and captions, the newest first.
        ids: Of those sessions.
        line: How many there are, in words.
    """

    items: list[tuple[str, str]]
    ids: list[str]
    line: str


def shelf(shop: Workshop) -> Shelf:
    """The newest sessions.

    Raises:
        StoreError: The folder cannot be read.
    """
    every = shop.sessions.list()
    shown = every[:MOST_SHOWN]
    now = time.time()
    items = [
        (shop.files.thumbnail(shop.sessions.thumbnail(one)), _caption(one, now)) for one in shown
    ]
    return Shelf(items, [one.id for one in shown], _line(len(every)))


def exported(shop: Workshop, session: str) -> str:
    """A zip of the session, to be downloaded.

    Raises:
        SessionError: There is no such session, or it is too large.
        StoreError: It cannot be written.
    """
    title = shop.sessions.open(session).title
    words = re.sub(r"[^A-Za-z0-9]+", "-", title)[:40].strip("-").lower() or "session"
    return str(shop.sessions.export(session, shop.files.download(f"{words}-{session}.zip")))


def imported(shop: Workshop, path: str) -> Session:
    """Takes in a session from an uploaded file.

    Raises:
        SessionError: It is no exported session; the path is not told.
    """
    try:
        return shop.sessions.load(path)
    except RPGError as error:
        raise SessionError(str(error).replace(path, Path(path).name)) from None


def when(then: float, now: float) -> str:
    """How long ago, in words: "just now", "5 min ago", "3 days ago", or the date.

    Args:
        then: Seconds since 1970.
        now: Likewise.
    """
    count = (now - then) / 60
    if count < 1:
        return "just now"
    for size, unit in _UNITS:
        if count < size:
            whole = int(count)
            return f"{whole} {'day' if unit == 'days' and whole == 1 else unit} ago"
        count /= size
    return time.strftime("%d %b %Y", time.localtime(then)).lstrip("0")


def _caption(one: Summary, now: float) -> str:
    turns = f"{one.turns} turn{'' if one.turns == 1 else 's'}"
    title = one.title if len(one.title) <= _SHORT else one.title[: _SHORT - 1] + "…"
    return f"{title or 'Without a title'} · {turns} · {when(one.updated, now)}"


def _line(count: int) -> str:
    if not count:
        return "No sessions yet. Every picture that you draw begins one, and it is kept here."
    if count > MOST_SHOWN:
        return f"The newest {MOST_SHOWN} of {count:,} sessions. The others are kept, too."
    return "1 session." if count == 1 else f"{count} sessions, the newest first."
