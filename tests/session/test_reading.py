"""Looking at sessions writes nothing: on full disks, in read-only folders, beside writers."""

from __future__ import annotations

import errno
import json
import os
import random
import shutil
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from rpg.errors import StoreError
from rpg.session import Session, Sessions
from rpg.session._snapshot import with_log
from tests.processes import python
from tests.session.helpers import drawn, edited, picture, record, same

# Every write beyond the first byte of any file fails, as on a disk that is full to the last byte.
NO_ROOM = """
import json, resource, signal, sys
from pathlib import Path
from PIL import Image
from rpg.session import Sessions
from tests.session.helpers import picture, record, same
Image.preinit()
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
"""
LOOK = """
sessions = Sessions(sys.argv[1])
session = sessions.open(sys.argv[2])
found = sessions.find(picture(1), record(1))
print(json.dumps({
    "listed": [about.id for about in sessions.list()],
    "turns": [turn.id for turn in session.turns],
    "head": session.head,
    "same": same(session.image(1), picture(1)) and session.mask(2) is not None,
    "found": found and found[1],
    "edits": len(session.compare(1, 2).edits),
}))
"""
SEEN = {"turns": [1, 2], "head": 2, "same": True, "found": 1, "edits": 1}


def state(root: Path) -> dict[str, tuple[int, int, int, bytes]]:
    """Everything about every file that a write would change, times included."""
    found = {}
    for path in (root, *sorted(root.rglob("*"))):
        about = path.stat()
        data = path.read_bytes() if path.is_file() else b""
        found[str(path)] = (about.st_ino, about.st_mtime_ns, about.st_mode, data)
    return found


def looked(done: subprocess.CompletedProcess[str], session: Session) -> None:
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"listed": [session.id], **SEEN}


def killed_writer(sessions: Sessions, session: Session) -> None:
    """Its last turn is in the log alone, as after a kill between the commit and the close."""
    with closing(sqlite3.connect(sessions.root / "sessions.sqlite3")) as other:
        other.execute("SELECT * FROM session").fetchall()
        edited(session, 2, 1)  # not the last to close, so the log stays
        kept = {
            name: (sessions.root / f"sessions.sqlite3{name}").read_bytes() for name in ("", "-wal")
        }
    for name, data in kept.items():
        (sessions.root / f"sessions.sqlite3{name}").write_bytes(data)


@pytest.mark.parametrize("log", [False, True])
def test_everything_can_be_looked_at_where_nothing_can_be_written(
    sessions: Sessions, log: bool
) -> None:
    session = sessions.create("mine")
    drawn(session, 1, None)
    killed_writer(sessions, session) if log else edited(session, 2, 1)
    before = state(sessions.root)
    looked(python("-c", NO_ROOM + LOOK, sessions.root, session.id), session)
    assert state(sessions.root) == before


def test_the_full_disk_above_is_full(sessions: Sessions, session: Session) -> None:
    code = NO_ROOM + "drawn(Sessions(sys.argv[1]).open(sys.argv[2]), 3, 2)"
    done = python("-c", code.replace("picture,", "drawn, picture,"), sessions.root, session.id)
    assert "StoreError" in done.stderr and "make room" in done.stderr


def test_looking_changes_no_file_and_no_time(sessions: Sessions, session: Session) -> None:
    before = state(sessions.root)
    again = Sessions(sessions.root)
    assert [about.turns for about in again.list()] == [2]
    assert same(again.open(session.id).image(1), picture(1))
    assert again.find(picture(1), record(1)) is not None
    assert state(sessions.root) == before


def test_export_goes_elsewhere_and_leaves_the_store_alone(
    sessions: Sessions, session: Session, tmp_path: Path
) -> None:
    before = state(sessions.root)
    path = sessions.export(session.id, tmp_path / "out" / "x.zip")
    assert state(sessions.root) == before
    assert len(Sessions(tmp_path / "elsewhere").load(path).turns) == 2


@pytest.mark.parametrize("content", [b"", None])
def test_a_store_that_was_only_begun_is_read_as_empty_and_not_mended(
    sessions: Sessions, content: bytes | None
) -> None:
    """As its maker leaves it that was killed before there were tables."""
    sessions.root.mkdir()
    path = sessions.root / "sessions.sqlite3"
    if content is None:
        with closing(sqlite3.connect(path)) as begun:
            begun.execute("PRAGMA journal_mode = WAL")
    else:
        path.write_bytes(content)
    before = state(sessions.root)
    assert sessions.list() == ()
    assert state(sessions.root) == before
    assert drawn(sessions.create(), 1, None).id == 1


@pytest.fixture
def little_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 1 MB; skips where none may be mounted."""
    disk = tmp_path / "disk"
    disk.mkdir()
    may = os.geteuid() == 0 and shutil.which("mount") is not None
    options = ("-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk))
    if not may or subprocess.run(["mount", *options], capture_output=True).returncode:
        pytest.skip("no disk can be mounted here")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_real_disk_full_to_the_last_byte(little_disk: Path) -> None:
    sessions = Sessions(little_disk / "store")
    session = sessions.create("mine")
    drawn(session, 1, None)
    edited(session, 2, 1)
    with pytest.raises(OSError) as full, open(little_disk / "filler", "wb", buffering=0) as filler:
        while True:
            filler.write(b"x" * 4096)
    assert full.value.errno == errno.ENOSPC
    before = state(sessions.root)
    looked(python("-c", NO_ROOM + LOOK, sessions.root, session.id), session)
    assert [about.turns for about in sessions.list()] == [2]
    assert state(sessions.root) == before
    with pytest.raises(StoreError, match="make room"):
        drawn(session, 3, 2)
    looked(python("-c", NO_ROOM + LOOK, sessions.root, session.id), session)
    (little_disk / "filler").unlink()
    assert drawn(session, 3, 2).id == 3


def test_readers_beside_writers_see_whole_turns_in_order(sessions: Sessions) -> None:
    """A torn read would be damage, a turn that goes missing, or a head that is no turn."""
    session = sessions.create("busy")
    drawn(session, 0, None)
    over = threading.Event()
    faults: list[BaseException] = []

    def write(tag: int) -> None:
        own = sessions.open(session.id)
        for number in range(12):
            edited(own, tag + number, 1)

    def read() -> None:
        try:
            seen = 0
            while not over.is_set():
                turns = sessions.open(session.id).turns
                assert [turn.id for turn in turns] == list(range(1, len(turns) + 1))
                assert len(turns) >= seen
                assert sessions.list()[0].turns >= len(turns)
                seen = len(turns)
        except BaseException as error:
            faults.append(error)

    writers = [threading.Thread(target=write, args=(100 * tag,)) for tag in (1, 2, 3)]
    readers = [threading.Thread(target=read) for _ in range(3)]
    for thread in (*readers, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    over.set()
    for thread in readers:
        thread.join()
    assert faults == []
    assert len(session.turns) == 37


@pytest.mark.parametrize("seed", range(8))
def test_a_file_with_its_log_is_what_sqlite_says_it_is(tmp_path: Path, seed: int) -> None:
    """Copies of both after any transaction, cut anywhere: what SQLite recovers is the truth."""
    chance = random.Random(seed)
    path, copy = tmp_path / "a.sqlite3", tmp_path / "b.sqlite3"
    size = chance.choice([512, 1024, 4096, 65536])
    with closing(sqlite3.connect(path, isolation_level=None)) as made:
        made.execute(f"PRAGMA page_size = {size}")
        made.execute("PRAGMA journal_mode = WAL")
        made.execute("CREATE TABLE t (a INTEGER PRIMARY KEY, b BLOB)")
        for number in range(chance.randrange(1, 25)):
            step = chance.random()
            if step < 0.6:
                made.execute("INSERT INTO t (b) VALUES (?)", (chance.randbytes(2000),))
            elif step < 0.8:
                made.execute("DELETE FROM t WHERE a % 3 = ?", (number % 3,))
            elif step < 0.9:
                made.execute("VACUUM")
            else:
                made.execute(f"PRAGMA wal_checkpoint({chance.choice(['PASSIVE', 'TRUNCATE'])})")
        pages, log = path.read_bytes(), Path(f"{path}-wal").read_bytes()
    for end in (len(log), *(chance.randrange(len(log) + 1) for _ in range(5))):
        damaged = bytearray(log[:end])
        if damaged and chance.random() < 0.3:
            damaged[chance.randrange(len(damaged))] ^= 1
        copy.write_bytes(pages)
        Path(f"{copy}-wal").write_bytes(damaged)
        with closing(sqlite3.connect(copy)) as recovered:
            expected = list(recovered.iterdump())
        with closing(sqlite3.connect(":memory:")) as held:
            held.deserialize(with_log(pages, bytes(damaged)))
            assert held.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert list(held.iterdump()) == expected
