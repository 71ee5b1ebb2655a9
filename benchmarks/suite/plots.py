"""The figures as plots; the only module that needs matplotlib."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

__all__ = ["plots"]

_TITLES = {"score": "Share of what is asked for that is right", "strict": "Everything right"}


def plots(found: Mapping[str, Any], folder: Path) -> list[Path]:
    """Draw what there are figures for; says which files were written."""
    written = []
    for measure, table in found.get("tables", {}).items():
        figure, axes = _sheet(12, 4.5)
        _bars(axes, table)
        axes.set_title(_TITLES[measure])
        written.append(_saved(figure, folder / f"{measure}.png"))
    if "by things" in found:
        figure, axes = _sheet(7, 4.5)
        _lines(axes, found["by things"])
        written.append(_saved(figure, folder / "things.png"))
    for name, of in found["ablations"].items():
        if of["points"]:
            figure, axes = _sheet(7, 4)
            _ablation(axes, name, of["points"])
            file = "".join(c if c.isalnum() else "-" for c in name)
            written.append(_saved(figure, folder / f"ablation-{file}.png"))
    return written


def _sheet(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set_ylim(0, 1.02)
    axes.grid(axis="y", alpha=0.3)
    return figure, axes


def _bars(axes: Axes, table: Mapping[str, Any]) -> None:
    """A group of bars for each category, a bar for each variant."""
    variants = list(next(iter(table.values()))["arms"])
    width = 0.85 / len(variants)
    for number, variant in enumerate(variants):
        of = [group["arms"][variant] for group in table.values()]
        places = [x + (number - (len(variants) - 1) / 2) * width for x in range(len(table))]
        means = [one["mean"] for one in of]
        axes.bar(places, means, width, yerr=_ends(of), label=variant, error_kw={"linewidth": 0.8})
    axes.set_xticks(range(len(table)), [f"{name}\n(n = {of['n']})" for name, of in table.items()])
    axes.legend(ncols=4, fontsize="small", loc="upper center", bbox_to_anchor=(0.5, -0.12))


def _lines(axes: Axes, table: Mapping[str, Any]) -> None:
    """A line for each variant over the number of things."""
    for variant in next(iter(table.values()))["arms"]:
        of = [group["arms"][variant] for group in table.values()]
        means = [one["mean"] for one in of]
        axes.errorbar(
            [int(name) for name in table],
            means,
            yerr=_ends(of),
            label=variant,
            marker="o",
            markersize=4,
            capsize=2,
            linewidth=1.2,
        )
    axes.set_xlabel("things asked for")
    axes.set_title(_TITLES["strict"])
    axes.legend(fontsize="small")


def _ablation(axes: Axes, name: str, points: Mapping[str, Any]) -> None:
    """Both measures at every point, in the points' order."""
    for measure, title in _TITLES.items():
        of = [point[measure] for point in points.values()]
        means = [one["mean"] for one in of]
        axes.errorbar(range(len(points)), means, yerr=_ends(of), label=title, marker="o", capsize=3)
    axes.set_xticks(range(len(points)), [label.replace(", ", ",\n") for label in points])
    axes.set_title(name)
    axes.legend(fontsize="small")


def _ends(of: list[Mapping[str, float]]) -> tuple[list[float], list[float]]:
    """How far the interval reaches below and above each mean."""
    below = [max(one["mean"] - one["low"], 0.0) for one in of]
    return below, [max(one["high"] - one["mean"], 0.0) for one in of]


def _saved(figure: Figure, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
    return path
