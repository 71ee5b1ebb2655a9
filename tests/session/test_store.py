"""What is stored comes back; deletion takes just what nobody shows; two windows."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from PIL import Image

from rpg import metadata
from rpg.errors import SessionError, StoreError
from rpg.session import Sessions
from tests.session.helpers import EDIT, critique, drawn, edited, mask, picture, record, same


@pytest.fixture
def sessions(tmp_path: Path) -> Sessions:
    return Sessions(tmp_path / "of" / "mine")


def files(sessions: Sessions) -> set[str]:
    return {path.stem for path in (sessions.root / "pictures").iterdir()}


def test_looking_makes_nothing(sessions: Sessions) -> None:
    assert sessions.list() == ()
    with pytest.raises(SessionError, match="no session"):
        sessions.open("0123456789ab")
    assert not sessions.root.exists()


def test_a_turn_comes_back_as_it_went_in(sessions: Sessions) -> None:
    session = sessions.create("A walk")
    first = drawn(session, 1, None)
    second = edited(session, 2, first.id)
    session.criticise(second.id, critique(0.5))
    again = Sessions(sessions.root).open(session.id)
    assert again.title == "A walk"
    assert [turn.id for turn in again.turns] == [1, 2]
    stored = again.turn(2)
    assert stored == second.model_copy(update={"critique": critique(0.5)})
    assert (stored.parent, stored.edits, stored.score) == (1, (EDIT,), 0.75)
    assert stored.made.record == record(2, "a blue star", task="inpaint")
    assert stored.plan == stored.made.record.plan
    assert stored.settings.guidance_scale == 1 / 3
    assert same(again.image(2), picture(2))
    assert again.image(2) == picture(2)
    assert same(again.mask(2), mask())
    assert again.mask(1) is None


def test_the_file_of_a_turn_is_a_picture_that_remembers(sessions: Sessions) -> None:
    session = sessions.create()
    drawn(session, 1, None)
    found = metadata.read(session.path(1))
    assert found == record(1).model_copy(update={"scale": 1})
    with Image.open(session.path(1)) as image:
        assert image.size == picture(1).size


def test_titles(sessions: Sessions) -> None:
    session = sessions.create()
    drawn(session, 1, None)
    assert session.title == "a star at night"
    sessions.rename(session.id, "  Another\n night ")
    assert session.refresh().title == "Another night"
    drawn(session, 2, 1)
    assert session.title == "Another night"
    for title in ("x" * 201, "a\x00b"):
        with pytest.raises(SessionError, match="title"):
            sessions.create(title)


def test_the_list_shows_what_was_changed_last_first(sessions: Sessions) -> None:
    one, other = sessions.create("one"), sessions.create("other")
    assert [about.title for about in sessions.list()] == ["other", "one"]
    drawn(one, 1, None)
    drawn(one, 2, 1)
    one.undo()
    first, second = sessions.list()
    assert (first.id, first.turns, second.turns) == (one.id, 2, 0)
    assert first.updated >= first.created > 1.7e9
    assert sessions.thumbnail(first) == one.path(1)
    assert sessions.thumbnail(second) is None
    assert other.head is None


def test_equal_pictures_are_one_file_and_go_with_the_last_who_shows_them(
    sessions: Sessions,
) -> None:
    one, other = sessions.create(), sessions.create()
    for session in (one, other):
        drawn(session, 1, None)
    edited(one, 2, 1)
    assert len(files(sessions)) == 3
    one.delete(2)
    assert files(sessions) == {one.turn(1).image}
    sessions.delete(one.id)
    assert same(other.image(1), picture(1))
    sessions.delete(other.id)
    assert files(sessions) == set()


def test_sweeping_takes_what_killed_writers_left_and_nothing_else(sessions: Sessions) -> None:
    session = sessions.create()
    drawn(session, 1, None)
    folder = sessions.root / "pictures"
    whole, orphan = session.path(1).name, "a" * 64 + ".png"
    (folder / orphan).write_bytes(b"x")
    (folder / f".{whole}.0123abcd").write_bytes(b"x")
    (folder / "holiday.png").write_bytes(b"x")
    sessions.sweep()
    assert {path.name for path in folder.iterdir()} == {whole, "holiday.png"}


def test_a_deleted_session_is_gone_for_those_who_have_it_open(sessions: Sessions) -> None:
    session = sessions.create()
    drawn(session, 1, None)
    sessions.delete(session.id)
    for late in (session.undo, session.refresh, lambda: drawn(session, 2, 1)):
        with pytest.raises(SessionError, match="no session"):
            late()
    assert sessions.list() == ()
    sessions.sweep()
    assert files(sessions) == set()


def test_two_windows_make_two_branches_and_lose_no_turn(sessions: Sessions) -> None:
    one = sessions.create()
    drawn(one, 1, None)
    other = sessions.open(one.id)
    added = one.add(picture(2), record(2), parent=1)
    late = other.add(picture(3), record(3), parent=1)
    assert (added.moved, late.moved, late.head) == (True, False, 2)
    assert dict(one.refresh().tree.parents) == {1: None, 2: 1, 3: 1}
    assert same(one.image(3), picture(3))


def test_a_head_that_another_window_moved_stays_and_the_answer_says_where(
    sessions: Sessions,
) -> None:
    one = sessions.create()
    drawn(one, 1, None)
    drawn(one, 2, 1)
    other = sessions.open(one.id)
    assert one.undo() == (True, 1)
    assert other.undo() == (False, 1)  # it would have undone what it never saw
    assert other.head == 1
    assert other.branch(2) == (True, 2)
    assert one.redo() == (False, 2)


def test_a_turn_under_a_deleted_parent_is_refused_and_the_tree_is_whole(
    sessions: Sessions,
) -> None:
    one = sessions.create()
    for number, parent in ((1, None), (2, 1), (3, 2)):
        drawn(one, number, parent)
    sessions.open(one.id).delete(2, below=True)
    with pytest.raises(SessionError, match="there is no turn 2; the session has 1"):
        drawn(one, 4, 2)
    assert dict(one.refresh().tree.parents) == {1: None}
    assert drawn(one, 5, 1).id == 4
    with pytest.raises(SessionError, match="1 more came of turn 1"):
        one.delete(1)


def test_threads_may_share_a_folder(sessions: Sessions) -> None:
    session = sessions.create()
    drawn(session, 0, None)
    failures: list[BaseException] = []

    def work(tag: int) -> None:
        try:
            own = Sessions(sessions.root).open(session.id)
            for i in range(4):
                drawn(own, 10 * tag + i, 1)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(tag,)) for tag in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    seeds = sorted(turn.settings.seed or 0 for turn in session.turns)
    assert seeds == [0, *(10 * tag + i for tag in range(1, 5) for i in range(4))]


def test_comparing_turns(sessions: Sessions) -> None:
    session = sessions.create()
    drawn(session, 1, None)
    edited(session, 2, 1)
    assert session.compare(1, 2).gained is None
    session.criticise(1, critique(0.2))
    session.criticise(2, critique(0.8, moon=0.4))
    found = session.compare(1, 2)
    assert found.edits == (EDIT,)
    assert found.settings == {"seed": (1, 2)}
    assert [round(score or 0, 9) for score in found.scores] == [0.6, 0.6]
    assert found.gained == pytest.approx(0.0)
    assert found.mended == ("there is a star",)
    assert found.broken == ("there is a moon",)
    assert session.compare(2, 1).mended == found.broken
    assert session.compare(1, 1).edits == ()


def test_what_cannot_be_stored_is_refused_before_anything_is(sessions: Sessions) -> None:
    session = sessions.create()
    drawn(session, 1, None)
    forged = record(1).model_copy(update={"model": "../../etc/passwd"})
    with pytest.raises(SessionError, match="cannot be stored"):
        session.add(picture(2), forged, parent=1)
    with pytest.raises(SessionError, match="of: "):
        session.add(picture(2), record(2), parent=1, of=10**6)
    with pytest.raises(SessionError, match="a mask goes with a parent"):
        session.add(picture(2), record(2), parent=None, mask=mask())
    with pytest.raises(SessionError, match="as large as the picture"):
        session.add(picture(2), record(2), parent=1, mask=mask().resize((4, 4)))
    with pytest.raises(SessionError, match="there is no turn 9"):
        session.criticise(9, critique(1.0))
    assert len(session.turns) == 1
    assert len(files(sessions)) == 1


def test_a_picture_that_was_changed_on_the_disk_is_noticed(sessions: Sessions) -> None:
    session = sessions.create()
    drawn(session, 1, None)
    session.path(1).write_bytes(session.path(1).read_bytes()[:-1])
    with pytest.raises(StoreError, match="was changed"):
        session.image(1)
    drawn(session, 1, 1)  # the same picture again: the broken file is not trusted
    assert same(session.image(1), picture(1))
    os.unlink(session.path(1))
    with pytest.raises(StoreError, match="cannot read"):
        session.image(1)


def test_the_folder_is_chosen_by_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RPG_SESSIONS", str(tmp_path / "there"))
    assert Sessions().root == tmp_path / "there"
    monkeypatch.delenv("RPG_SESSIONS")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert Sessions().root.name == "sessions"
    assert Sessions(tmp_path).root == tmp_path
