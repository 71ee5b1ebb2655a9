"""What `python -m benchmarks.quality` does with the suite: measure and report, or export."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from rich.console import Console

from benchmarks.suite.arms import Arm, ablations, arms
from benchmarks.suite.export import Export, Fault, SuiteName, read_prompts
from benchmarks.suite.grids import grids
from benchmarks.suite.prompts import CATEGORIES, make_items
from benchmarks.suite.report import figures
from benchmarks.suite.run import run
from benchmarks.suite.sheet import Sheet
from benchmarks.suite.store import Store
from benchmarks.suite.tables import markdown
from benchmarks.suite.work import Setup, Unit, units
from rpg.batch.processes import Process
from rpg.cli.planning import PlannerFlags
from rpg.errors import SettingsError
from rpg.metadata import public_name
from rpg.pipeline import RPGPipeline
from rpg.toybox import weights_path

__all__ = ["Measuring", "export"]


@dataclass(frozen=True)
class Measuring:
    """The suite's flags.

    Attributes:
        folder: Of results and reports.
        limit: Prompts of each category.
        short: Prompts of each category in the ablations; 0 leaves the ablations out.
        seeds: Pictures of each prompt in each arm.
        arms: Names; all where none is given. The plain pipeline is always among them.
        categories: Likewise.
        jobs: Processes.
        threads: Of each process.
    """

    folder: Path
    limit: int = 50
    short: int = 0
    seeds: int = 1
    arms: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    jobs: int = 1
    threads: int = 1

    def measure(self, setup: Setup) -> dict[str, Any]:
        """Draw what is missing and write the report; the figures are those of `report.json`.

        Raises:
            SettingsError: An arm or a category that there is not.
        """
        columns = _chosen("arms", self.arms, arms(setup.defaults))
        points = ablations(setup.defaults) if self.short else {}
        names = tuple(_chosen("categories", self.categories, CATEGORIES))
        items = make_items(self.limit, seed=setup.seed, categories=names)
        few = [item for item in items if item.number < self.short]
        whole = units(setup, items, list(columns.values()), self.seeds)
        all_points = [arm for of in points.values() for arm in of.values()]
        short = units(setup, few, all_points, 1)
        run(setup, self.folder, [*whole, *short], jobs=self.jobs, threads=self.threads)
        return self._report(setup, whole, columns, short, points)

    def _report(
        self,
        setup: Setup,
        whole: Sequence[Unit],
        columns: Mapping[str, Arm],
        short: Sequence[Unit],
        points: Mapping[str, Mapping[str, Arm]],
    ) -> dict[str, Any]:
        from benchmarks.suite.plots import plots

        rows = Store(self.folder).rows()
        found = figures(setup, whole, columns, rows, points=points, short=short)
        (self.folder / "report.json").write_text(json.dumps(found, indent=2), "utf-8")
        (self.folder / "tables.md").write_text(markdown(found), "utf-8")
        plots(found, self.folder / "plots")
        sheet = Sheet.of(whole, columns, rows)
        grids(sheet, self.folder, self.folder / "grids")
        return found


def export(
    suite: SuiteName,
    file: Path,
    folder: Path,
    *,
    model: str | None,
    planner: PlannerFlags,
    per_prompt: int,
    seed: int,
    method: Literal["rpg", "plain"],
) -> list[Fault]:
    """Write another suite's pictures; returns what could not be drawn.

    Raises:
        RPGError: A file, planner, model or folder that cannot be used.
    """
    work = Export(suite, folder, read_prompts(suite, file), per_prompt, seed, method)
    process = Process.found(None)
    shard = process.shard
    source = model or str(weights_path())
    about = work.about(model=public_name(source), planner=planner.model or planner.planner)
    if shard.index == 1:
        work.claim(about)

    def load() -> RPGPipeline:
        return RPGPipeline.from_pretrained(source, planner=planner.build(), device=process.device)

    console = Console(stderr=True)
    faults = work.unnameable() if shard.index == 1 else []
    for number, told in enumerate(work.run(load, shard), start=1):
        if isinstance(told, Fault):
            faults.append(told)
        console.print(f"{shard.index}/{shard.count}: row {number} done", highlight=False)
    process.wait()
    return faults


def _chosen(what: str, wanted: Sequence[str], all_: Mapping[str, Any]) -> dict[str, Any]:
    unknown = [name for name in wanted if name not in all_]
    if unknown:
        raise SettingsError(f"--{what} {unknown[0]!r}: one of {', '.join(map(repr, all_))}")
    return {name: of for name, of in all_.items() if not wanted or name in wanted}
