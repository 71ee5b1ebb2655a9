"""Sessions and turns as rows: read, written, counted. The only SQL beside the schema."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping
from typing import NamedTuple, TypeVar

from pydantic import TypeAdapter, ValidationError

from rpg.critique import Critique
from rpg.errors import SessionError
from rpg.metadata import Record, rescaled
from rpg.session.tree import TurnTree
from rpg.session.turn import Making, Turn
from rpg.settings import explain

Connection = sqlite3.Connection
T = TypeVar("T")
_CRITIQUE = TypeAdapter(Critique)


class Summary(NamedTuple):
    """What a list of sessions shows of one.

    Attributes:
        id: Twelve hexadecimal digits.
        title: The user's, or the first prompt.
        turns: How many there are.
        created: Seconds since 1970, UTC.
        updated: Likewise, of the last change.
        image: Digest of the picture at the head; None without turns.
    """

    id: str
    title: str
    turns: int
    created: float
    updated: float
    image: str | None


_SUMMARY = """
SELECT id, title,
    (SELECT count(*) FROM turn WHERE turn.session = session.id) AS turns, created, updated,
    (SELECT image FROM turn WHERE turn.session = session.id AND turn.id = head) AS image
FROM session
"""


def summaries(connection: Connection) -> list[Summary]:
    """All sessions, those changed last first."""
    return [Summary(*row) for row in connection.execute(_SUMMARY + "ORDER BY updated DESC, id")]


def summary(connection: Connection, session: str) -> Summary:
    """One session.

    Raises:
        SessionError: There is none of that id.
    """
    row = connection.execute(_SUMMARY + "WHERE id = ?", (session,)).fetchone()
    if row is None:
        raise SessionError(
            f"there is no session {session}; `rpg session list` shows those there are"
        )
    return Summary(*row)


def exists(connection: Connection, session: str) -> bool:
    """Whether there is a session of that id."""
    return bool(connection.execute("SELECT 1 FROM session WHERE id = ?", (session,)).fetchone())


def create(connection: Connection, session: str, title: str, created: float) -> None:
    """A new session without turns."""
    connection.execute(
        "INSERT INTO session (id, title, created, updated) VALUES (?, ?, ?, ?)",
        (session, title, created, time.time()),
    )


def delete(connection: Connection, session: str) -> None:
    """A session with all its turns."""
    connection.execute("DELETE FROM session WHERE id = ?", (session,))


def retitle(connection: Connection, session: str, title: str) -> None:
    """Another title for a session."""
    connection.execute(
        "UPDATE session SET title = ?, updated = ? WHERE id = ?", (title, time.time(), session)
    )


def tree(connection: Connection, session: str) -> TurnTree:
    """The shape of a session.

    Raises:
        SessionError: There is none of that id.
    """
    summary(connection, session)
    query = "SELECT id, parent, ahead, label FROM turn WHERE session = ? ORDER BY id"
    rows = connection.execute(query, (session,)).fetchall()
    query = "SELECT head, last FROM session WHERE id = ?"
    head, last = connection.execute(query, (session,)).fetchone()
    return TurnTree(
        parents={row["id"]: row["parent"] for row in rows},
        head=head,
        ahead={row["id"]: row["ahead"] for row in rows if row["ahead"] is not None},
        labels={row["label"]: row["id"] for row in rows if row["label"] is not None},
        last=last,
    )


def save_tree(connection: Connection, session: str, before: TurnTree, after: TurnTree) -> None:
    """Writes what is different; rows of new turns are to be there already."""
    _set(connection, session, "ahead", before.ahead, after.ahead)
    old, new = ({turn: name for name, turn in one.labels.items()} for one in (before, after))
    kept = {turn: name for turn, name in old.items() if new.get(turn) == name}
    _set(connection, session, "label", old, kept)  # no two may have a name even for a moment
    _set(connection, session, "label", kept, new)
    connection.executemany(
        "DELETE FROM turn WHERE session = ? AND id = ?",
        [(session, turn) for turn in before.parents if turn not in after.parents],
    )
    connection.execute(
        "UPDATE session SET head = ?, last = ? WHERE id = ?", (after.head, after.last, session)
    )
    _touch(connection, session)


def _set(
    connection: Connection, session: str, column: str, old: Mapping[int, T], new: Mapping[int, T]
) -> None:
    """Brings a column of some turns from the old values to the new ones; null where none is."""
    connection.executemany(
        f"UPDATE turn SET {column} = ? WHERE session = ? AND id = ?",
        [
            (new.get(turn), session, turn)
            for turn in old.keys() | new.keys()
            if old.get(turn) != new.get(turn)
        ],
    )


def add_turn(connection: Connection, session: str, turn: Turn) -> None:
    """The row of a new turn; its label is the tree's to write."""
    critique = turn.critique.model_dump_json() if turn.critique is not None else None
    connection.execute(
        "INSERT INTO turn (session, id, parent, image, mask, created, made, critique)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            session,
            turn.id,
            turn.parent,
            turn.image,
            turn.mask,
            turn.created,
            turn.made.model_dump_json(),
            critique,
        ),
    )


def set_critique(connection: Connection, session: str, turn: int, critique: Critique) -> None:
    """What a critic said of a turn, in place of what one said before."""
    found = connection.execute(
        "UPDATE turn SET critique = ? WHERE session = ? AND id = ?",
        (critique.model_dump_json(), session, turn),
    )
    if not found.rowcount:
        raise SessionError(f"there is no turn {turn} in session {session}")
    _touch(connection, session)


def turn(connection: Connection, session: str, number: int) -> Turn:
    """One turn.

    Raises:
        SessionError: There is none of that number.
    """
    query = "SELECT * FROM turn WHERE session = ? AND id = ?"
    row = connection.execute(query, (session, number)).fetchone()
    if row is None:
        raise SessionError(f"there is no turn {number} in session {session}")
    return _turn(row)


def turns(connection: Connection, session: str) -> tuple[Turn, ...]:
    """All turns of a session, the oldest first."""
    query = "SELECT * FROM turn WHERE session = ? ORDER BY id"
    return tuple(_turn(row) for row in connection.execute(query, (session,)))


def drawn(connection: Connection, record: Record) -> list[tuple[str, Turn]]:
    """Turns of any session that were made in that way, at whatever scale; the newest first."""
    wanted = rescaled(record, 1)
    query = (
        "SELECT * FROM turn WHERE json_extract(made, '$.record.settings.seed') IS ?"
        " ORDER BY created DESC, id DESC"
    )
    rows = connection.execute(query, (record.settings.seed,))
    found = ((row["session"], _turn(row)) for row in rows)
    return [(name, one) for name, one in found if rescaled(one.made.record, 1) == wanted]


def needed(connection: Connection) -> set[str]:
    """Digests of all pictures and masks that any turn names."""
    query = "SELECT image FROM turn UNION SELECT mask FROM turn WHERE mask IS NOT NULL"
    return {name for (name,) in connection.execute(query)}


def _turn(row: sqlite3.Row) -> Turn:
    """A row, through the same validation as everything from outside."""
    plain = {name: row[name] for name in ("id", "parent", "image", "mask", "created")}
    try:
        made = Making.model_validate_json(row["made"])
        critique = None
        if row["critique"] is not None:
            critique = _CRITIQUE.validate_json(row["critique"])
        return Turn(**plain, made=made, critique=critique, label=row["label"] or "")
    except ValidationError as error:
        raise SessionError(f"turn {row['id']} is damaged: {explain(error)}") from None


def _touch(connection: Connection, session: str) -> None:
    connection.execute("UPDATE session SET updated = ? WHERE id = ?", (time.time(), session))
