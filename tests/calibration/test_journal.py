"""The journal: whole lines count, the first of each picture, whatever a crash left."""

from __future__ import annotations

from pathlib import Path

import pytest

from rpg.calibration.journal import Journal, Judged, digest_of
from rpg.errors import StoreError


def judged(key: object, score: float = 0.5) -> Judged:
    return Judged(key=digest_of([key]), prompt="01", arm="a", score=score, seconds=1.5)


def test_what_is_added_is_found_again(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "new" / "j.jsonl")
    journal.add(judged(1))
    journal.add(judged(2, 0.25))
    again = Journal(journal.path)
    assert again.get(digest_of([1])) == judged(1) and again.get(digest_of([2])) == judged(2, 0.25)
    assert again.get(digest_of([3])) is None


def test_a_line_cut_short_is_passed_over_and_harms_no_other(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j.jsonl")
    journal.add(judged(1))
    with journal.path.open("ab") as stream:
        stream.write(b'\xff\n{"version": 2}\n{"version": 1, "key": "ab')
    Journal(journal.path).add(judged(2))
    again = Journal(journal.path)
    assert again.get(digest_of([1])) is not None and again.get(digest_of([2])) is not None


def test_of_two_runs_at_once_the_first_line_counts(tmp_path: Path) -> None:
    one, other = Journal(tmp_path / "j.jsonl"), Journal(tmp_path / "j.jsonl")
    one.add(judged(1, 0.75))
    other.add(judged(1, 0.25))
    assert Journal(one.path).get(digest_of([1])) == judged(1, 0.75)


def test_a_journal_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"cannot write .*j\.jsonl"):
        Journal(tmp_path / "file" / "j.jsonl").add(judged(1))
