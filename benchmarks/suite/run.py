"""Runs the suite's units in one process or several; what is drawn already is not drawn again."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread

import torch
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from benchmarks.suite.runner import SuiteRunner
from benchmarks.suite.store import Store
from benchmarks.suite.work import Setup, Unit, missing

__all__ = ["run"]

_RUNNERS: list[SuiteRunner] = []  # of this process, in a pool


def run(setup: Setup, folder: Path, units: Sequence[Unit], *, jobs: int, threads: int) -> int:
    """Draw what is missing of the units; says how many pictures that were.

    Args:
        setup: Of all units.
        folder: That the results are kept in.
        units: What there is to draw.
        jobs: Processes.
        threads: Of each process.
    """
    store = Store(folder)
    rows = store.rows()
    todo = [unit for unit in units if next(missing(unit, rows), None) is not None]
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    drawn = 0
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("prompts", total=len(units), completed=len(units) - len(todo))
        for count in _drawn(setup, store, todo, jobs, threads):
            drawn += count
            bar.advance(task)
    return drawn


def _drawn(
    setup: Setup, store: Store, todo: Sequence[Unit], jobs: int, threads: int
) -> Iterator[int]:
    """Pictures of every unit, as each is done."""
    if not todo:
        return
    if jobs == 1:
        torch.set_num_threads(threads)
        runner = SuiteRunner(setup, store)
        yield from map(runner.unit, todo)
        return
    words = (setup, store.folder, threads)
    with ProcessPoolExecutor(jobs, get_context("spawn"), _begin, words) as pool:
        try:
            for future in as_completed([pool.submit(_work, unit) for unit in todo]):
                yield future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _begin(setup: Setup, folder: Path, threads: int) -> None:
    Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(threads)
    _RUNNERS.append(SuiteRunner(setup, Store(folder)))


def _work(unit: Unit) -> int:
    return _RUNNERS[0].unit(unit)


def _end_with_parent() -> None:
    """A pool whose parent was killed would wait for work for ever."""
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
