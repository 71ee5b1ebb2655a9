"""The figures as a table, which people can read as it is, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from benchmarks.speed.measure import Row
from benchmarks.suite.stats import Estimate

__all__ = ["as_json", "markdown"]

_HEADINGS = (
    "regions", "variant", "text s", "loop s", "VAE s", "end to end s", "end to end / plain",
    "loop / plain", "FLOP / plain", "launches a step", "/ plain", "peak MB", "loop / floor",
)  # fmt: skip


def markdown(rows: Sequence[Row], title: str) -> str:
    """A table in Markdown."""
    rule = [":--" if heading == "variant" else "--:" for heading in _HEADINGS]
    lines = [_HEADINGS, rule, *(_cells(row) for row in rows)]
    return f"{title}\n\n" + "".join(f"| {' | '.join(line)} |\n" for line in lines)


def as_json(rows: Sequence[Row], about: Mapping[str, object]) -> str:
    """For programs."""
    return json.dumps({**about, "rows": [asdict(row) for row in rows]}, indent=2)


def _cells(row: Row) -> list[str]:
    seconds = (row.seconds.text, row.seconds.loop, row.seconds.vae, row.seconds.total)
    return [
        str(row.regions),
        row.arm,
        *(f"{value:.3f}" for value in seconds),
        _interval(row.total),
        _interval(row.loop),
        f"{row.flop:.3f}",
        f"{row.launches:.0f}",
        f"{row.launch_ratio:.3f}",
        "" if row.memory is None else f"{row.memory:.0f}",
        f"{row.floor:.1f}",
    ]


def _interval(of: Estimate) -> str:
    return f"{of.mean:.3f} ({of.low:.3f} to {of.high:.3f})"
