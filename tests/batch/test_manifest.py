"""The manifest under cuts, strangers and second runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from rpg.batch import Entry, Shard, entries
from rpg.batch.manifest import Manifest
from rpg.errors import StoreError
from tests.session.helpers import record


def entry(number: int) -> Entry:
    digest = f"{number:064x}"
    return Entry(
        id=digest,
        subject=digest,
        line=number,
        file=f"{number}.png",
        bytes=10,
        sha256=digest,
        record=record(number),
        seeds=(number, number + 5),
        index=1,
        made={"rpg": "0"},
    )


def add(folder: Path, *numbers: int, shard: Shard | None = None) -> Path:
    with Manifest.open(folder, shard or Shard()) as manifest:
        for number in numbers:
            manifest.add(entry(number))
        return manifest.path


def test_lines_come_back_as_they_were(tmp_path: Path) -> None:
    add(tmp_path / "new" / "folder", 1, 2)
    assert list(entries(tmp_path / "new" / "folder")) == [entry(1), entry(2)]


def test_a_line_cut_anywhere_does_not_count_and_goes(tmp_path: Path) -> None:
    path = add(tmp_path, 1, 2)
    whole = path.read_bytes()
    end = whole.index(b"\n") + 1
    for length in range(end, len(whole)):
        path.write_bytes(whole[:length])
        assert list(entries(tmp_path)) == [entry(1)]
    add(tmp_path, 3)
    assert list(entries(tmp_path)) == [entry(1), entry(3)]


def test_a_line_that_makes_no_sense_costs_only_itself(tmp_path: Path) -> None:
    path = add(tmp_path, 1)
    lines = [b"\0\xff\n", b"{}\n", entry(9).model_dump_json().replace("9.png", "../9.png").encode()]
    path.write_bytes(path.read_bytes() + b"".join(lines) + b"\n")
    add(tmp_path, 2)
    assert list(entries(tmp_path)) == [entry(1), None, None, None, entry(2)]


def test_every_part_counts_and_none_is_touched_by_another(tmp_path: Path) -> None:
    torn = add(tmp_path, 1)
    torn.write_bytes(torn.read_bytes() + b"{torn")
    before = torn.read_bytes()
    add(tmp_path, 2, shard=Shard(1, 2))
    add(tmp_path, 3, shard=Shard(2, 2))
    assert torn.read_bytes() == before
    assert {one.line for one in entries(tmp_path) if one is not None} == {1, 2, 3}


def test_two_runs_of_one_share_exclude_each_other(tmp_path: Path) -> None:
    pytest.importorskip("fcntl")
    with Manifest.open(tmp_path, Shard()):
        with Manifest.open(tmp_path, Shard(1, 2)), Manifest.open(tmp_path, Shard(2, 2)):
            pass
        with (
            pytest.raises(StoreError, match="another run is drawing"),
            Manifest.open(tmp_path, Shard()),
        ):
            raise AssertionError
    add(tmp_path, 1)


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot write"), Manifest.open(tmp_path / "file", Shard()):
        raise AssertionError
