"""Planning, measured: how often the rule planner's plans do what 2,400 prompts ask for.

`python -m benchmarks.planner` shows a table; the judge (`benchmarks.compbench`) reads prompts by
its own patterns, and counts those it cannot read apart.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from benchmarks.compbench import CATEGORIES, Verdict, judge, load, valid
from rpg.planners import RulePlanner
from rpg.plans.plan import Plan


@dataclass(frozen=True, slots=True)
class Case:
    """One prompt, its plan and what the judge says of it."""

    prompt: str
    plan: Plan
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Row:
    """One category: numbers of prompts, the share that is right of those judged, and the time."""

    category: str
    prompts: int
    valid: int
    judged: int
    right: int
    share: float
    ms_per_prompt: float


def main(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    failures: Annotated[
        int, typer.Option(help="Show up to so many plans per category that are wrong.")
    ] = 0,
) -> None:
    """Measure how often plans hold the prompt's things, attributes, numbers and relations."""
    console = Console()
    rows = []
    for category in CATEGORIES:
        row, found = measure(category, load(category))
        rows.append(row)
        wrong = [case for case in found if case.verdict.wrong][:failures]
        for case in wrong:
            console.print(f"{category}: {case.prompt}\n  {case.verdict.wrong}", highlight=False)
    if as_json:
        typer.echo(json.dumps([asdict(row) for row in rows], indent=2))
    else:
        console.print(table(rows))


def measure(category: str, prompts: Sequence[str]) -> tuple[Row, list[Case]]:
    """Plans and judges the prompts of one category."""
    planner = RulePlanner()
    started = time.perf_counter()
    plans = [planner.plan(prompt) for prompt in prompts]
    seconds = time.perf_counter() - started
    found = [
        Case(prompt, plan, judge(category, prompt, plan))
        for prompt, plan in zip(prompts, plans, strict=True)
    ]
    judged, right = sum(c.verdict.judged for c in found), sum(c.verdict.right for c in found)
    row = Row(
        category,
        prompts=len(prompts),
        valid=sum(map(valid, plans)),
        judged=judged,
        right=right,
        share=round(right / max(judged, 1), 4),
        ms_per_prompt=round(1000 * seconds / max(len(prompts), 1), 3),
    )
    return row, found


def table(rows: Iterable[Row]) -> Table:
    """The rows as a table."""
    view = Table("category")
    for name in ("n", "valid plans", "judged", "right", "share of judged", "ms/prompt"):
        view.add_column(name, justify="right")
    for row in rows:
        numbers = (row.prompts, row.valid, row.judged, row.right)
        share, pace = f"{row.share:.1%}", f"{row.ms_per_prompt:.2f}"
        view.add_row(row.category, *map(str, numbers), share, pace)
    return view


if __name__ == "__main__":
    typer.run(main)
