"""Writers that are killed at any moment, and several at once."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from rpg.session import Session, Sessions
from tests.processes import ROOT
from tests.session.helpers import drawn, picture, same

KILLS = int(os.environ.get("RPG_TEST_KILLS", "30"))
KILLS_IN_ROUNDS = int(os.environ.get("RPG_TEST_KILLS", "6"))


def hammer(what: str, root: Path, session: str, *numbers: int) -> subprocess.Popen[str]:
    return running("tests.session.hammer", what, root, session, *numbers)


def running(module: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", module, *map(str, arguments)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def told(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def go_on(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def check_whole(session: Session, known: dict[int, int], since: int) -> None:
    """Every turn told of is there with its picture, and at most one that was not."""
    new = [turn for turn in session.turns if turn.id > since]
    assert set(known) <= set(session.tree.parents)
    assert sum(turn.id not in known for turn in new) <= 1
    for turn in new:
        image = session.image(turn.id)
        assert turn.settings.seed == known.get(turn.id, turn.settings.seed)
        assert same(image, picture(turn.settings.seed or 0))
        drawn_in = session.mask(turn.id)
        assert (drawn_in is not None) == (turn.made.record.task == "inpaint")
    assert session.head == max(session.tree.parents, default=None)


def test_a_kill_at_any_moment_loses_at_most_the_turn_in_work(tmp_path: Path) -> None:
    root = tmp_path / "store"
    session = Sessions(root).create("killed")
    known: dict[int, int] = {}
    since = caught = 0
    with hammer("kills", root, session.id, KILLS, 7) as process:
        for _ in range(KILLS):
            done = json.loads(told(process))
            assert done["signal"] == 9
            known |= {int(turn): int(number) for turn, number in done["turns"]}
            session = Sessions(root).open(session.id)
            check_whole(session, known, since)
            caught += len(session.tree.parents) > len(known)
            since = max(session.tree.parents, default=0)
            known |= {turn.id: turn.settings.seed or 0 for turn in session.turns}
            go_on(process)
    assert len(known) >= KILLS  # else it was killed before it ever wrote
    print(f"{KILLS} kills, {len(known)} turns, {caught} stored but not told of")
    assert drawn(session, 1, session.head).id == since + 1
    with closing(sqlite3.connect(root / "sessions.sqlite3")) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
        assert database.execute("PRAGMA journal_mode").fetchall() == [("wal",)]


def check_rounds(root: Path, told_of: dict[str, set[int]], since: float) -> None:
    """Every turn told of is there; what is new is a tree of pictures that can be looked at."""
    listed = {one.id: one for one in Sessions(root).list()}
    assert all(listed[name].turns >= len(turns) for name, turns in told_of.items())
    for one in listed.values():
        if one.updated < since:
            continue
        session = Sessions(root).open(one.id)
        assert told_of.get(one.id, set()) <= set(session.tree.parents)
        assert (session.head is None) == (not session.turns)
        for turn in session.turns:
            assert session.image(turn.id).size == (turn.settings.width, turn.settings.height)
            assert (turn.mask is not None) == (turn.made.record.task == "inpaint")
            assert turn.mask is None or session.mask(turn.id) is not None


def test_a_kill_within_a_round_costs_at_most_the_round(tmp_path: Path) -> None:
    told_of: dict[str, set[int]] = {}
    again: list[dict[str, bool]] = []
    since = 0.0
    with running("tests.session.rounds", tmp_path, KILLS_IN_ROUNDS, 11) as process:
        for _ in range(KILLS_IN_ROUNDS):
            done = json.loads(told(process))
            assert done["signal"] == 9
            for session, turn in done["turns"]:
                told_of.setdefault(session, set()).add(int(turn))
            check_rounds(tmp_path, told_of, since)
            since = time.time()
            if done["replayed"] is not None:
                assert done["replayed"]["same"]
                again.append(done["replayed"])
            go_on(process)
    check_rounds(tmp_path, told_of, 0.0)
    turns, masked = sum(map(len, told_of.values())), sum(one["masked"] for one in again)
    print(f"{KILLS_IN_ROUNDS} kills, {turns} turns, {len(again)} drawn again, {masked} with a mask")
    assert turns > KILLS_IN_ROUNDS  # else it was killed before there were rounds
    assert again


def test_a_store_whose_maker_is_killed_is_made_by_the_next(tmp_path: Path) -> None:
    """Between making the file and making its tables there is a moment."""
    (tmp_path / "sessions.sqlite3").touch()
    assert Sessions(tmp_path).list() == ()
    session = Sessions(tmp_path).create()
    assert drawn(session, 1, None).id == 1


@pytest.mark.parametrize("count", [12])
def test_two_processes_on_one_session_make_two_branches(tmp_path: Path, count: int) -> None:
    session = Sessions(tmp_path).create()
    drawn(session, 1, None)
    with (
        hammer("append", tmp_path, session.id, count, 100) as one,
        hammer("append", tmp_path, session.id, count, 200) as other,
    ):
        for process in (one, other):
            assert told(process) == "ready\n"
        for process in (one, other):
            go_on(process)
        chains = [[int(told(process)) for _ in range(count)] for process in (one, other)]
    tree = session.refresh().tree
    assert sorted(tree.parents) == [1, *sorted(chains[0] + chains[1])]
    for chain, tag in zip(chains, (100, 200), strict=True):
        assert tree.path(chain[-1]) == (1, *chain)
        assert [session.turn(turn).settings.seed for turn in chain] == [
            tag + i for i in range(count)
        ]
    assert tree.head in (chains[0][-1], chains[1][-1])
