"""The one SQLite file of a folder of sessions: opening, transactions, failures in plain words.

Every piece of work opens its own connection, so that threads, processes and forks share nothing but
the file. Write-ahead logging with full synchronisation: what was committed survives a kill and a
power failure, what was not leaves no trace.

Whoever reads writes nothing, so that a full disk and a read-only folder can be looked at. A writer
adds to the log at any time, and works the log into the file only as it closes, when nobody reads
the file: so that a reader may take the file as still.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

from rpg.errors import StoreError
from rpg.session._folder_lock import folder_lock
from rpg.session._snapshot import holds_more, with_log

__all__ = ["Database", "refuse_link"]

_LOCK_TIMEOUT = 30.0  # seconds for other processes to finish writing
_YIELD = 0.1  # seconds for readers to finish; then the log is left to the next writer
_LONG_LOG = 8 * 2**20  # bytes
_VERSION = 1
_APPLICATION = 0x52504753  # "RPGS": other programs' databases are left alone
_SCHEMA = f"""
CREATE TABLE session (
    id TEXT PRIMARY KEY,
    title TEXT NOT NULL,
    created REAL NOT NULL,
    updated REAL NOT NULL,
    last INTEGER NOT NULL DEFAULT 0,
    head INTEGER,
    FOREIGN KEY (id, head) REFERENCES turn (session, id) DEFERRABLE INITIALLY DEFERRED
) STRICT, WITHOUT ROWID;
CREATE TABLE turn (
    session TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    id INTEGER NOT NULL,
    parent INTEGER,
    ahead INTEGER,
    label TEXT,
    image TEXT NOT NULL,
    mask TEXT,
    created REAL NOT NULL,
    made TEXT NOT NULL,
    critique TEXT,
    PRIMARY KEY (session, id),
    UNIQUE (session, label),
    FOREIGN KEY (session, parent) REFERENCES turn (session, id) DEFERRABLE INITIALLY DEFERRED,
    FOREIGN KEY (session, ahead) REFERENCES turn (session, id) DEFERRABLE INITIALLY DEFERRED
) STRICT;
PRAGMA application_id = {_APPLICATION};
PRAGMA user_version = {_VERSION};
"""
_SAYS = {
    sqlite3.SQLITE_BUSY: "another program has been writing for long; try again",
    sqlite3.SQLITE_FULL: "the disk is full; make room and try again",
    sqlite3.SQLITE_IOERR: "the disk is full or failing; make room and try again",
    sqlite3.SQLITE_READONLY: "it is read-only; make it writable or set RPG_SESSIONS to another",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened; make it writable or set RPG_SESSIONS to another",
    sqlite3.SQLITE_CORRUPT: "it is damaged; bring it back from a copy",
    sqlite3.SQLITE_NOTADB: "it is no SQLite file; move it away",
}


class Database:
    """The file; made when something is first written, read as empty until then.

    Args:
        path: Where.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A transaction that sees one state of the file, whatever others write.

        Nothing is written: no log, no index, no repair of what a killed program left behind.

        Raises:
            StoreError: It cannot be read.
        """
        lock = folder_lock(self.path.parent, shared=True, timeout=_LOCK_TIMEOUT)
        with self._explained(), lock as still:
            if not still:
                raise StoreError(f"the sessions in {self.path}: {_SAYS[sqlite3.SQLITE_BUSY]}")
            with closing(self._seen()) as connection:
                connection.execute("BEGIN")
                yield connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction, and the only one that writes; all of it counts or nothing.

        Raises:
            StoreError: It cannot be written.
        """
        with self._explained(), self._made() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def _seen(self) -> sqlite3.Connection:
        """A connection that writes nothing; to an empty database where there is none yet."""
        self._safe()
        if not self.path.exists():
            return _empty()
        connection = _connection(self._address("rw") if os.name == "nt" else self._still())
        try:
            log = self._log()
            if holds_more(log):
                pages = connection.serialize()
                connection.close()
                connection = _connection(":memory:")
                connection.deserialize(with_log(pages, log))
            if _blank(connection):  # its maker was killed
                connection.close()
                return _empty()
            self._check(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    @contextmanager
    def _made(self) -> Iterator[sqlite3.Connection]:
        """A connection that can write; the file is made if need be."""
        self._safe()
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        connection = _connection(self._address("rwc"))
        try:
            connection.execute("PRAGMA wal_autocheckpoint = 0")  # the file changes as it is closed
            if _blank(connection):
                _set_up(connection)
            self._check(connection)
            yield connection
        finally:
            self._close(connection)

    def _still(self) -> str:
        """How to open a file that does not change meanwhile, without a lock or an index."""
        return self._address("ro") + "&immutable=1"

    def _log(self) -> bytes:
        """What was committed and is not yet in the file: that of a writer at work or killed."""
        if os.name == "nt":
            return b""  # SQLite reads it there
        try:
            return self._beside("-wal").read_bytes()
        except FileNotFoundError:
            return b""

    def _log_size(self) -> int:
        try:
            return self._beside("-wal").stat().st_size
        except OSError:
            return 0

    def _close(self, connection: sqlite3.Connection) -> None:
        """Ends a writer; the last one works the log into the file, unless somebody reads that."""
        with ExitStack() as held:
            # A log that has grown long slows every reader down: it is worth a wait.
            timeout = _YIELD if self._log_size() < _LONG_LOG else _LOCK_TIMEOUT
            lock = folder_lock(self.path.parent, shared=False, timeout=timeout)
            alone = held.enter_context(lock)
            if not alone:
                with suppress(sqlite3.Error):
                    self._last_instead(held)
            connection.close()

    def _last_instead(self, held: ExitStack) -> None:
        """A connection that closes after the writer and may not write, so that the log stays."""
        last = held.enter_context(closing(_connection(self._address("ro"))))
        last.execute("SELECT count(*) FROM sqlite_schema").fetchone()

    def _address(self, mode: str) -> str:
        return f"{self.path.absolute().as_uri()}?mode={mode}"

    def _beside(self, suffix: str) -> Path:
        return self.path.with_name(self.path.name + suffix)

    def _safe(self) -> None:
        for path in (self.path, self._beside("-wal"), self._beside("-shm")):
            refuse_link(path)

    def _check(self, connection: sqlite3.Connection) -> None:
        """Whether it is ours, and of a form that we know."""
        if connection.execute("PRAGMA application_id").fetchone()[0] != _APPLICATION:
            raise StoreError(f"{self.path} belongs to another program; set RPG_SESSIONS elsewhere")
        if _version(connection) > _VERSION:
            raise StoreError(f"{self.path} was written by a newer version of rpg; update this one")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            says = _SAYS.get(code, str(error))
            raise StoreError(f"the sessions in {self.path}: {says}") from error
        except OSError as error:
            raise StoreError(f"the sessions in {self.path}: {error.strerror or error}") from error


def refuse_link(path: Path) -> None:
    """Nothing of a store is a link: one could lead anywhere.

    Raises:
        StoreError: This is one.
    """
    if path.is_symlink():
        raise StoreError(f"{path} is a symbolic link, which sessions do not follow; remove it")


def _connection(address: str) -> sqlite3.Connection:
    connection = sqlite3.connect(address, uri=True, timeout=_LOCK_TIMEOUT, isolation_level=None)
    connection.row_factory = sqlite3.Row
    try:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA temp_store = MEMORY")  # sorting needs no room on a full disk
    except BaseException:
        connection.close()
        raise
    return connection


def _empty() -> sqlite3.Connection:
    connection = _connection(":memory:")
    connection.executescript(_SCHEMA)
    return connection


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _blank(connection: sqlite3.Connection) -> bool:
    tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    return _version(connection) == 0 and tables == 0


def _set_up(connection: sqlite3.Connection) -> None:
    """Makes the tables, unless another process does so at this moment."""
    _log_ahead(connection)
    connection.execute("BEGIN IMMEDIATE")
    try:
        if _blank(connection):
            for statement in _SCHEMA.split(";"):
                connection.execute(statement)
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _log_ahead(connection: sqlite3.Connection) -> None:
    """Changing the mode of a file does not wait for others by itself."""
    until = time.monotonic() + _LOCK_TIMEOUT
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.01)
