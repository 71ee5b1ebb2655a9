"""Ids that are paths, links, full disks, read-only folders, foreign and damaged files."""

from __future__ import annotations

import errno
import json
import resource
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from rpg.critique import Critique
from rpg.errors import SessionError, StoreError
from rpg.session import Session, Sessions
from tests.processes import python
from tests.session.helpers import critique, drawn, edited, picture, same

BAD_IDS = [
    "",
    ".",
    "..",
    "../../x",
    "..\\..\\x",
    "/etc/passwd",
    "a\x00b",
    "0123456789ab\x00",
    "0123456789ab\n",
    "0123456789AB",
    "0123456789a",
    "０１２３４５６７８９ab",
    "CON",
    "con",
    "NUL.png",
    "f" * 100_000,
    "%2e%2e%2f",
    "' OR 1=1 --",
]


def as_before(sessions: Sessions, session: Session) -> None:
    """The two turns are there, whole, and a third goes in."""
    again = Sessions(sessions.root).open(session.id)
    assert sorted(again.tree.parents) == [1, 2]
    assert same(again.image(1), picture(1))
    assert same(again.image(2), picture(2))
    assert drawn(again, 3, 2).id == 3


@pytest.mark.parametrize("name", BAD_IDS, ids=lambda name: repr(name[:16]))
def test_ids_that_are_none_are_refused_everywhere(
    sessions: Sessions, session: Session, tmp_path: Path, name: str
) -> None:
    before = sorted(tmp_path.rglob("*"))
    for use in (
        lambda: sessions.open(name),
        lambda: sessions.delete(name),
        lambda: sessions.rename(name, "x"),
        lambda: sessions.export(name, tmp_path / "x.zip"),
    ):
        with pytest.raises(SessionError, match="is no session") as refusal:
            use()
        assert len(str(refusal.value)) < 200
        assert str(refusal.value).isprintable()
    assert sorted(tmp_path.rglob("*")) == before
    as_before(sessions, session)


def test_no_file_leaves_the_root(sessions: Sessions, session: Session, tmp_path: Path) -> None:
    inside = {path.relative_to(sessions.root).parts[0] for path in sessions.root.rglob("*")}
    assert inside == {"pictures", "sessions.sqlite3"}
    assert list(tmp_path.iterdir()) == [sessions.root]
    assert session.path(1).parent == sessions.root / "pictures"


@pytest.mark.parametrize("what", ["sessions.sqlite3", "sessions.sqlite3-wal", "pictures"])
def test_links_in_the_root_are_refused(
    sessions: Sessions, session: Session, tmp_path: Path, what: str
) -> None:
    elsewhere = tmp_path / "elsewhere"
    if (sessions.root / what).exists():
        (sessions.root / what).rename(elsewhere)
    (sessions.root / what).symlink_to(elsewhere)
    before = sorted(tmp_path.rglob("*"))
    for use in (lambda: session.image(1), lambda: drawn(session, 3, 2)):
        with pytest.raises(StoreError, match="symbolic link"):
            use()
    assert sorted(tmp_path.rglob("*")) == before


def test_a_picture_that_is_a_link_is_not_followed_but_replaced(
    sessions: Sessions, session: Session, tmp_path: Path
) -> None:
    target = tmp_path / "target.png"
    session.path(1).rename(target)
    session.path(1).symlink_to(target)
    with pytest.raises(StoreError, match="symbolic link"):
        session.image(1)
    target.write_bytes(b"mine")
    drawn(session, 1, 2)
    assert target.read_bytes() == b"mine"
    assert same(session.image(1), picture(1))


def test_a_root_behind_a_link_is_the_users_choice(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "disk")
    session = Sessions(tmp_path / "link" / "mine").create()
    drawn(session, 1, None)
    assert (tmp_path / "disk" / "mine" / "sessions.sqlite3").is_file()


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """No file may grow beyond `size` bytes: what a full disk looks like to who writes to it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("size", [0, 1, 200, 1000, 4096, 8192, 20000, 32000])
def test_a_full_disk_costs_the_turn_in_work_and_no_other(
    sessions: Sessions, session: Session, size: int
) -> None:
    with room_for(size), pytest.raises(StoreError, match=r"(?i)make room") as refusal:
        drawn(session, 3, 2)
    assert "\n" not in str(refusal.value)
    as_before(sessions, session)
    drafts = [path for path in session.path(1).parent.iterdir() if path.name.startswith(".")]
    assert drafts == []


@pytest.mark.parametrize("size", [33_000, 40_000, 60_000])
def test_a_disk_that_fills_in_the_middle_of_a_transaction_leaves_the_one_before(
    sessions: Sessions, session: Session, size: int
) -> None:
    session.criticise(2, critique(0.5))
    seen = critique(0.0).findings[0].model_copy(update={"seen": "x" * 2000})
    with room_for(size), pytest.raises(StoreError, match="make room"):
        session.criticise(2, Critique(score=0.0, findings=(seen,) * 100))
    assert session.turn(2).critique == critique(0.5)
    as_before(sessions, session)


def test_a_disk_that_is_full_when_the_store_is_made(sessions: Sessions) -> None:
    with room_for(5000), pytest.raises(StoreError, match="make room"):
        sessions.create()
    assert sessions.list() == ()
    drawn(sessions.create(), 1, None)


def test_a_disk_that_fails_to_flush_costs_the_turn(
    sessions: Sessions, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(handle: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(StoreError, match="Input/output error"):
        drawn(session, 3, 2)
    monkeypatch.undo()
    as_before(sessions, session)


LOOK = """
sessions = Sessions(sys.argv[1])
session = sessions.open(sys.argv[2])
told = {"turns": [turn.id for turn in session.turns], "size": session.image(2).size}
told["listed"] = [about.id for about in sessions.list()]
for name, work in {
    "add": lambda: drawn(session, 3, 2),
    "undo": session.undo,
    "delete": lambda: sessions.delete(session.id),
    "create": sessions.create,
}.items():
    try:
        work()
        told[name] = "done"
    except RPGError as error:
        told[name] = f"{type(error).__name__}: {error}"
print(json.dumps(told))
"""


STRANGER = """
import json, os, sys
from PIL import Image
from rpg.errors import RPGError
from rpg.session import Sessions
from tests.session.helpers import drawn
Image.preinit()
if os.geteuid() == 0:
    os.setuid(65534)
"""


def as_stranger(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs as somebody whom permissions bind; to root, who may read our code, they mean nothing."""
    return python("-c", STRANGER + code, *arguments)


@pytest.fixture
def locked() -> Iterator[tuple[Sessions, Session]]:
    """A store that can be read by all and written by none but root, who does not ask."""
    root = Path(tempfile.mkdtemp())
    root.chmod(0o755)
    sessions = Sessions(root / "store")
    session = sessions.create("mine")
    drawn(session, 1, None)
    edited(session, 2, 1)
    set_modes(sessions.root, 0o555, 0o444)
    yield sessions, session
    set_modes(sessions.root, 0o755, 0o644)
    shutil.rmtree(root)


def set_modes(root: Path, folder: int, file: int) -> None:
    root.chmod(0o755)
    for path in (*root.rglob("*"), root):
        path.chmod(folder if path.is_dir() else file)


@pytest.mark.parametrize("in_use", [False, True])
def test_a_read_only_folder_can_be_looked_at_and_not_changed(
    locked: tuple[Sessions, Session], in_use: bool
) -> None:
    sessions, session = locked
    with closing(sqlite3.connect(sessions.root / "sessions.sqlite3")) as other:
        if in_use:  # then the last changes may be in the log alone
            set_modes(sessions.root, 0o755, 0o644)
            other.execute("SELECT * FROM session").fetchall()
            sessions.rename(session.id, "renamed")
            set_modes(sessions.root, 0o555, 0o444)
        done = as_stranger(LOOK, str(sessions.root), session.id)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["turns"], told["size"], told["listed"]) == ([1, 2], [16, 8], [session.id])
    for work in ("add", "undo", "delete", "create"):
        assert told[work].startswith("StoreError: "), work
        assert "set RPG_SESSIONS to another" in told[work]
    set_modes(sessions.root, 0o755, 0o644)
    as_before(sessions, session)


def test_permissions_bind_the_stranger_above(locked: tuple[Sessions, Session]) -> None:
    done = as_stranger("open(sys.argv[1], 'w')", str(locked[0].root / "new"))
    assert "PermissionError" in done.stderr


def test_a_damaged_store_is_said_and_left_alone(sessions: Sessions, session: Session) -> None:
    path = sessions.root / "sessions.sqlite3"
    whole = path.read_bytes()
    for broken, says in ((b"not a database" * 500, "no SQLite file"), (whole[:4096], "damaged")):
        path.write_bytes(broken)
        for use in (sessions.list, lambda: drawn(session, 3, 2), sessions.create):
            with pytest.raises(StoreError, match=says):
                use()
        assert path.read_bytes() == broken
    path.write_bytes(whole)
    as_before(sessions, session)


def test_a_store_of_a_newer_version_or_another_program_is_left_alone(
    sessions: Sessions, session: Session, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(sessions.root / "sessions.sqlite3")) as database:
        database.execute("PRAGMA user_version = 2")
    for use in (sessions.list, sessions.create, session.undo):
        with pytest.raises(StoreError, match="newer version of rpg"):
            use()
    with closing(sqlite3.connect(tmp_path / "sessions.sqlite3")) as database:
        database.execute("CREATE TABLE notes (text)")
    before = (tmp_path / "sessions.sqlite3").read_bytes()
    other = Sessions(tmp_path)
    for use in (other.list, other.create):
        with pytest.raises(StoreError, match="another program"):
            use()
    assert (tmp_path / "sessions.sqlite3").read_bytes() == before


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("UPDATE turn SET made = '{}' WHERE id = 2", "turn 2 is damaged"),
        ("UPDATE turn SET image = '../../x' WHERE id = 2", "turn 2 is damaged"),
        ("UPDATE turn SET critique = '{\"score\": 7}' WHERE id = 2", "turn 2 is damaged"),
        (
            "UPDATE turn SET made = replace(made, '\"seed\":2', '\"seed\":-5') WHERE id = 2",
            "turn 2 is damaged",
        ),
    ],
)
def test_rows_that_were_tampered_with_are_refused(
    sessions: Sessions, session: Session, change: str, says: str
) -> None:
    with closing(sqlite3.connect(sessions.root / "sessions.sqlite3")) as database, database:
        assert database.execute(change).rowcount == 1
    with pytest.raises(SessionError, match=says):
        session.image(2)
    assert same(session.image(1), picture(1))


def test_a_writer_that_waits_too_long_is_told(
    sessions: Sessions, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rpg.session._database._LOCK_TIMEOUT", 0.05)
    with closing(sqlite3.connect(sessions.root / "sessions.sqlite3")) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="another program has been writing"):
            drawn(session, 3, 2)
        assert len(session.turns) == 2  # who reads does not wait
        other.rollback()
    as_before(sessions, session)
