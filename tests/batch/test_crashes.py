"""A batch whose process is killed at random moments."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from rpg.batch import Work, entries
from tests.batch.hammer import MOMENTS
from tests.batch.helpers import ROWS, files, listed, little, run
from tests.processes import python

KILLS = int(os.environ.get("RPG_TEST_KILLS", "10"))


@pytest.fixture
def one_thread() -> Iterator[None]:
    """As the processes that are killed have: the last bit depends on how work is shared out."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.usefixtures("one_thread")
def test_killed_at_any_moment_it_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    whole, folder = tmp_path / "whole", tmp_path / "killed" / "out"
    folder.parent.mkdir()
    run(Work(whole, listed(tmp_path, ROWS), batch_size=2), little())
    done = python("-m", "tests.batch.hammer", folder, KILLS, 5)
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout)
    print(told)
    ends = [signal.SIGPROF if moment == "any" else signal.SIGKILL for moment in MOMENTS]
    assert [one["status"] for one in told[: len(MOMENTS)]] == ends
    assert told[-1]["status"] == 0
    there = [one["pictures"] for one in told]
    assert there == sorted(there)  # no picture is ever lost
    assert files(folder) == files(whole)
    lines = [one for one in entries(folder) if one is not None]
    assert sorted(one.id for one in lines) == sorted({one.id for one in lines})
    assert sorted(map(str, entries(folder))) == sorted(map(str, entries(whole)))
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []
