"""The plan cache: one SQLite file in the user's cache folder.

An entry is found by a digest of what was asked, of which model, at which address and in what form,
and holds the plan as JSON: no key, no address, nothing of the machine. The cache never stands in
the way of a plan: what cannot be read is forgotten, what cannot be written is let go.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, TypeVar

from platformdirs import user_cache_path

from rpg.errors import PlanError
from rpg.plans.plan import Plan

_LOG = logging.getLogger("rpg.planners.llm")
_NAME = "plans.sqlite3"
_LOCK_TIMEOUT = 2.0  # seconds for another process to finish writing
_TABLE = "CREATE TABLE IF NOT EXISTS plans (key TEXT PRIMARY KEY, plan TEXT, used REAL)"


T = TypeVar("T")


class PlanCache:
    """Keeps the plans used last.

    Args:
        folder: Where; None is the user's cache folder for this program.
        limit: The most plans kept; those unused for longest go first.
    """

    def __init__(self, folder: str | os.PathLike[str] | None = None, *, limit: int = 1000) -> None:
        self.path = (Path(folder) if folder is not None else user_cache_path("rpg")) / _NAME
        self._limit = limit

    @staticmethod
    def key(*asked: Any) -> str:
        """The key of what was asked: a digest of its JSON."""
        text = json.dumps(asked, sort_keys=True, ensure_ascii=True, default=str)
        return hashlib.sha256(text.encode("ascii")).hexdigest()

    def get(self, key: str) -> Plan | None:
        """The plan kept under a key; None where there is none, or none that is valid."""
        stored = self._transact(lambda database: _load(database, key))
        try:
            return Plan.from_json(stored) if stored is not None else None
        except PlanError as error:
            _LOG.debug("plan cache: %s", error)
            return None

    def put(self, key: str, plan: Plan) -> None:
        """Keeps a plan, whole or not at all."""
        self._transact(lambda database: _store(database, key, plan.to_json(), self._limit))

    def _transact(self, work: Callable[[sqlite3.Connection], T]) -> T | None:
        """One transaction; a file that is no database is thrown away, other troubles are let be."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self.path, timeout=_LOCK_TIMEOUT)) as database, database:
                database.execute(_TABLE)
                return work(database)
        except (sqlite3.OperationalError, OSError) as error:  # locked, read-only, disk full
            _LOG.debug("plan cache: %s", error)
        except sqlite3.DatabaseError as error:
            _LOG.debug("plan cache thrown away: %s", error)
            with suppress(OSError):
                self.path.unlink()
        return None


def _load(database: sqlite3.Connection, key: str) -> str | None:
    row = database.execute("SELECT plan FROM plans WHERE key = ?", (key,)).fetchone()
    if row is None or not isinstance(row[0], str):
        return None
    database.execute("UPDATE plans SET used = ? WHERE key = ?", (time.time(), key))
    return row[0]


def _store(database: sqlite3.Connection, key: str, plan: str, limit: int) -> None:
    database.execute("INSERT OR REPLACE INTO plans VALUES (?, ?, ?)", (key, plan, time.time()))
    database.execute(
        "DELETE FROM plans WHERE key NOT IN (SELECT key FROM plans ORDER BY used DESC LIMIT ?)",
        (limit,),
    )
