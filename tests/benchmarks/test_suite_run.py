"""Runs that are stopped and go on, on two prompts in two steps of the bundled model."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks.suite.prompts import make_items
from benchmarks.suite.run import run
from benchmarks.suite.runner import SuiteRunner
from benchmarks.suite.store import Row, Store
from benchmarks.suite.variants import MENDED, Method, Variant, variants
from benchmarks.suite.work import Setup, Unit, missing, pool_size, shown, units
from rpg.toybox import weights_path

ITEMS = make_items(1, seed=3, categories=["color", "spatial"])


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def setup() -> Setup:
    return Setup.of(weights_path(), steps=2)


@pytest.fixture(scope="module")
def columns(setup: Setup) -> dict[str, Variant]:
    """Few of the variants, of every scheme, with a loop of one round."""
    found = variants(setup.defaults)
    ours = found["latent"].method
    loop = Method(**{**vars(ours), "scheme": "loop", "rounds": 1})
    chosen = {name: found[name] for name in ("plain", MENDED, "latent")}
    return {**chosen, "loop": Variant(loop), "pool": Variant(found["plain"].method, loop)}


@pytest.fixture(scope="module")
def work(setup: Setup, columns: dict[str, Variant]) -> list[Unit]:
    return units(setup, ITEMS, list(columns.values()), 1)


@pytest.fixture(scope="module")
def whole(setup: Setup, work: list[Unit], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run without a break."""
    folder = tmp_path_factory.mktemp("whole")
    assert run(setup, folder, work, jobs=1, threads=1) == len(Store(folder).rows())
    return folder


def told(rows: dict[str, Row]) -> dict[str, dict[str, Any]]:
    """All but how long it took."""
    return {key: row.model_dump(exclude={"seconds"}) for key, row in rows.items()}


def pictures(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "pictures").iterdir()}


def test_every_arm_has_its_picture(
    whole: Path, work: list[Unit], columns: dict[str, Variant], setup: Setup
) -> None:
    rows = Store(whole).rows()
    for unit in work:
        found = {name: shown(unit, variant, rows) for name, variant in columns.items()}
        plain, ours, loop, pool = (found[n] for n in ("plain", "latent", "loop", "pool"))
        assert plain and ours and loop and pool
        assert plain[0].calls == setup.steps and plain[0].cost == 1.0
        assert loop[0].critic >= ours[0].critic and loop[0].calls > ours[0].calls
        assert len(pool) == pool_size(unit.job(columns["loop"].method), rows) > 1
        assert pool[0].critic == max(row.critic for row in pool)
        assert plain[0] in pool  # and was not drawn for it again
        files = {row.file for row in (plain[0], ours[0], (found[MENDED] or [])[0])}
        assert len({(whole / file).read_bytes() for file in files}) == 3
    assert len({row.seed for row in rows.values()}) == sum(
        len(shown(unit, columns["pool"], rows) or []) for unit in work
    )


def test_nothing_is_drawn_twice(
    whole: Path, setup: Setup, work: list[Unit], monkeypatch: pytest.MonkeyPatch
) -> None:
    def unwanted(*_: Any) -> None:
        raise AssertionError("the model is loaded, and there is nothing to draw")

    monkeypatch.setattr(SuiteRunner, "__init__", unwanted)
    before = (whole / "results.jsonl").read_bytes()
    assert run(setup, whole, work, jobs=1, threads=1) == 0
    assert (whole / "results.jsonl").read_bytes() == before


def test_a_run_that_was_killed_goes_on_as_if_it_had_not_been(
    whole: Path, setup: Setup, work: list[Unit], tmp_path: Path
) -> None:
    """In the middle of a line, and with a picture lost; it goes on in a pool of processes."""
    lines = (whole / "results.jsonl").read_bytes().splitlines(keepends=True)
    last = [i for i, line in enumerate(lines) if work[-1].item.id.encode() in line]
    kept, cut = lines[: last[2]], lines[last[2]]
    (tmp_path / "results.jsonl").write_bytes(b"".join(kept) + cut[:50])
    store = Store(tmp_path)
    for line in kept[:-1]:
        file = Row.model_validate_json(line).file
        (tmp_path / file).write_bytes((whole / file).read_bytes())
    assert len(store.rows()) == len(kept) - 1
    run(setup, tmp_path, work, jobs=2, threads=1)
    assert told(Store(tmp_path).rows()) == told(Store(whole).rows())
    assert pictures(tmp_path) == pictures(whole)


def test_rows_of_several_writers_do_not_mix(whole: Path, tmp_path: Path) -> None:
    row = next(iter(Store(whole).rows().values()))
    (tmp_path / row.file).parent.mkdir()
    (tmp_path / row.file).write_bytes(b"")

    def write(writer: int) -> None:
        store = Store(tmp_path)
        for number in range(50):
            store.add(row.model_copy(update={"key": f"{writer}/{number}"}))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    assert len(Store(tmp_path).rows()) == 200


def test_what_decides_about_a_picture_is_in_its_key(setup: Setup, work: list[Unit]) -> None:
    job = work[0].job(Method("rpg"))
    others = [
        job.by(Method("rpg", base_ratio=0.2), job.seed),
        job.by(Method("plain"), job.seed),
        job.by(Method("rpg"), job.seed + 1),
        work[1].job(Method("rpg")),
        Unit(Setup(setup.model, "others", 0, 2), job.item, job.seed, ()).job(Method("rpg")),
        Unit(Setup(setup.model, setup.weights, 0, 3), job.item, job.seed, ()).job(Method("rpg")),
    ]
    assert len({job.key, *(other.key for other in others)}) == 1 + len(others)
    assert job.key == work[0].job(Method("rpg")).key


def test_other_prompts_and_more_seeds_leave_the_first_as_they_were(
    setup: Setup, work: list[Unit], columns: dict[str, Variant], whole: Path
) -> None:
    more = units(setup, make_items(2, seed=3), list(columns.values()), 2)
    rows = Store(whole).rows()
    done = [unit for unit in more if next(missing(unit, rows), None) is None]
    assert [(unit.item.id, unit.seed) for unit in done] == [
        (unit.item.id, unit.seed) for unit in work
    ]
    assert len({unit.seed for unit in more}) == len(more)
