"""What `python -m benchmarks.quality` does with the suite: measure and report, or export."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track

from benchmarks.suite.export import Export, Fault, Prompt
from benchmarks.suite.grids import grids
from benchmarks.suite.prompts import CATEGORIES, make_items
from benchmarks.suite.report import figures
from benchmarks.suite.run import run
from benchmarks.suite.sheet import Sheet
from benchmarks.suite.store import Store
from benchmarks.suite.tables import markdown
from benchmarks.suite.variants import Variant, ablations, variants
from benchmarks.suite.work import Setup, Unit, units
from rpg.batch import Shard
from rpg.batch.processes import Process
from rpg.cli.planning import PlannerFlags
from rpg.diffusion.quiet import quiet_loading
from rpg.environment import environment
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
        seeds: Pictures of each prompt in each variant.
        variants: Names; all where none is given.
        categories: Likewise.
        jobs: Processes.
        threads: Of each process.
    """

    folder: Path
    limit: int = 50
    short: int = 0
    seeds: int = 1
    variants: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    jobs: int = 1
    threads: int = 1

    def measure(self, setup: Setup) -> dict[str, Any]:
        """Draw what is missing and write the report; the figures are those of `report.json`.

        Raises:
            SettingsError: A variant or a category that there is not.
        """
        columns = _chosen("variants", self.variants, variants(setup.defaults))
        points = ablations(setup.defaults) if self.short else {}
        names = tuple(_chosen("categories", self.categories, CATEGORIES))
        items = make_items(self.limit, seed=setup.seed, categories=names)
        few = [item for item in items if item.number < self.short]
        whole = units(setup, items, list(columns.values()), self.seeds)
        all_points = [variant for of in points.values() for variant in of.values()]
        short = units(setup, few, all_points, 1)
        run(setup, self.folder, [*whole, *short], jobs=self.jobs, threads=self.threads)
        return self._report(setup, whole, columns, short, points)

    def _report(
        self,
        setup: Setup,
        whole: Sequence[Unit],
        columns: Mapping[str, Variant],
        short: Sequence[Unit],
        points: Mapping[str, Mapping[str, Variant]],
    ) -> dict[str, Any]:
        from benchmarks.suite.plots import plots

        rows = Store(self.folder).rows()
        found = figures(setup, whole, columns, rows, points=points, short=short)
        (self.folder / "report.json").write_text(json.dumps(found, indent=2) + "\n", "utf-8")
        (self.folder / "tables.md").write_text(markdown(found), "utf-8")
        plots(found, self.folder / "plots")
        sheet = Sheet.of(whole, columns, rows)
        grids(sheet, self.folder, self.folder / "grids")
        return found


def export(work: Export, model: str | None, planner: PlannerFlags) -> list[Fault]:
    """Write another suite's pictures; returns which prompts of this process could not be drawn.

    Args:
        work: What to draw.
        model: Folder or hub id; None is Toybox.
        planner: Which planner, as on `rpg`'s own command line.

    Raises:
        RPGError: A planner, model or folder that cannot be used.
    """
    process = Process.found(environment().device)
    source = model or str(weights_path())

    def load() -> RPGPipeline:
        with quiet_loading():
            rpg = RPGPipeline.from_pretrained(source, planner=made, device=process.device)
        rpg.pipe.set_progress_bar_config(disable=True)
        return rpg

    made = planner.build()
    work.claim(work.about(model=public_name(source), planner=planner.model or planner.planner))
    faults = list(work.unnameable()) if process.shard.index == 1 else []
    rows = work.run(load, process.shard)
    faults += [told for told in _tracked(rows, work, process.shard) if isinstance(told, Fault)]
    process.wait()
    return faults


def _tracked(
    rows: Iterable[Prompt | Fault], work: Export, shard: Shard
) -> Iterable[Prompt | Fault]:
    """With a bar of the first process's share."""
    total = len(work.prompts[shard.index - 1 :: shard.count])
    words = {"total": total, "console": Console(stderr=True), "disable": shard.index > 1}
    return track(rows, f"prompts of process {shard.index}", **words)  # type: ignore[arg-type]


def _chosen(what: str, wanted: Sequence[str], all_: Mapping[str, Any]) -> dict[str, Any]:
    unknown = [name for name in wanted if name not in all_]
    if unknown:
        raise SettingsError(f"--{what} {unknown[0]!r}: one of {', '.join(map(repr, all_))}")
    return {name: of for name, of in all_.items() if not wanted or name in wanted}
