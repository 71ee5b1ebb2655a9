"""The quality benchmark, on one prompt in two steps of the bundled model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from PIL import Image
from rich.console import Console

from benchmarks.quality import METHODS, PLAIN, QUESTIONS, Bench, Row, table
from rpg.toybox import weights_path


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # pictures this small are no work for more
    yield Bench(weights_path(), seed=0, steps=2, keep=None)
    torch.set_num_threads(threads)


@pytest.fixture
def folder(bench: Bench, tmp_path: Path) -> Iterator[Path]:
    """Where the benchmark keeps the pictures of this test."""
    bench.keep = tmp_path / "new"
    yield bench.keep
    bench.keep = None


def test_every_method_has_its_row_and_draws_its_own_picture(bench: Bench, folder: Path) -> None:
    rows = list(bench.rows(4, prompts=1))
    assert [row.method for row in rows] == list(METHODS)
    for row in rows:
        assert (row.things, row.pictures) == (4, 1)
        assert tuple(row.shares) == QUESTIONS
        assert all(share in (0, 1) for share in row.shares.values())
        assert row.seconds_per_picture > 0
    assert {file.name for file in folder.iterdir()} == {f"4-0-{name}.png" for name in METHODS}
    assert len({Image.open(file).tobytes() for file in folder.iterdir()}) == len(METHODS)


def test_several_things_are_drawn_plainly_and_by_the_model_s_own_composer(bench: Bench) -> None:
    assert [row.method for row in bench.rows(2, prompts=1)] == [PLAIN, bench.rpg.defaults.composer]


def test_one_thing_is_drawn_by_the_plain_pipeline_alone(bench: Bench, folder: Path) -> None:
    (row,) = bench.rows(1, prompts=2)
    assert (row.method, row.pictures) == (PLAIN, 2)
    first, second = (Image.open(file).tobytes() for file in sorted(folder.iterdir()))
    assert first != second


def test_the_same_seeds_give_the_same_pictures(bench: Bench, folder: Path) -> None:
    drawn = []
    for _ in range(2):
        list(bench.rows(1, prompts=1))
        (file,) = folder.iterdir()
        drawn.append(Image.open(file).tobytes())
    assert drawn[0] == drawn[1]


def test_the_table_shows_shares_in_percent() -> None:
    row = Row(4, "latent", 8, dict.fromkeys(QUESTIONS, 0.625), 1.5)
    console = Console(width=200)
    with console.capture() as shown:
        console.print(table([row]))
    assert shown.get().count("62%") == len(QUESTIONS)
    assert "latent" in shown.get() and "1.50" in shown.get()
