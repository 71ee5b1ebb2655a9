"""From rows to figures: what each variant got right, how sure that is, and what it cost.

Only prompts count that every variant of a table has drawn, so that all are judged by the same ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from benchmarks.detector import SIZES, share_named
from benchmarks.suite.judge import judge, look
from benchmarks.suite.sheet import MEASURES, Measure, Sheet
from benchmarks.suite.stats import difference, estimate
from benchmarks.suite.store import Row
from benchmarks.suite.truth import Item
from benchmarks.suite.variants import Variant, canvas
from benchmarks.suite.work import Setup, Unit
from rpg.defaults import ModelDefaults
from rpg.toybox.renderer import render

__all__ = ["ALL", "figures", "judge_error"]

ALL = "all"
_SCENES = 200  # of each size, that the detector is tried on


def figures(
    setup: Setup,
    units: Sequence[Unit],
    variants: Mapping[str, Variant],
    rows: Mapping[str, Row],
    *,
    points: Mapping[str, Mapping[str, Variant]],
    short: Sequence[Unit],
) -> dict[str, Any]:
    """Every figure of a run, ready for JSON.

    Args:
        setup: Of the run.
        units: Of the variants.
        variants: By name; the first is what the others are compared with.
        rows: What is drawn.
        points: The ablations' variants.
        short: Their units.
    """
    sheet = Sheet.of(units, variants, rows)
    found: dict[str, Any] = {
        "setup": {**asdict(setup), "model": setup.defaults.name or setup.model},
        "prompts": {"asked": len({u.item.id for u in units}), "complete": len(set(sheet.items))},
        "judge": judge_error(list({u.item.id: u.item for u in units}.values()), setup.defaults),
    }
    if sheet.items:
        found |= {
            "tables": {
                name: _table(sheet, variants, name, _categories(sheet)) for name in MEASURES
            },
            "by things": _table(sheet, variants, "strict", _numbers(sheet)),
            "differences": _differences(sheet, list(variants)),
            "costs": {variant: sheet.cost(variant) for variant in variants},
        }
    found["ablations"] = {name: _points(short, of, rows) for name, of in points.items()}
    return found


def judge_error(items: Iterable[Item], defaults: ModelDefaults) -> dict[str, Any]:
    """How often the judge is right about pictures that are right.

    Returns:
        `named`, for each size the detector's share of things in random scenes named right;
        `scenes`, of how many; `right`, for each category the share of prompts whose ground truth,
        drawn by the renderer, is judged all right.
    """
    right: dict[str, list[bool]] = {}
    for item in items:
        picture = render(item.scene_of(*canvas(item, defaults)))
        right.setdefault(item.category, []).append(judge(look(picture), item).strict)
    named = {f"{w}x{h}": share_named((w, h), _SCENES, seed=1)["all"] for w, h in SIZES}
    shares = {name: sum(of) / len(of) for name, of in right.items()}
    return {"named": named, "scenes": _SCENES, "right": shares}


_Groups = Mapping[str, Callable[[Item], bool]]


def _categories(sheet: Sheet) -> _Groups:
    names = dict.fromkeys(item.category for item in sheet.items)
    return {**{name: _is_of(name) for name in names}, ALL: lambda _: True}


def _is_of(category: str) -> Callable[[Item], bool]:
    return lambda item: item.category == category


def _numbers(sheet: Sheet) -> _Groups:
    return {str(count): _has(count) for count in sorted({item.total for item in sheet.items})}


def _has(count: int) -> Callable[[Item], bool]:
    return lambda item: item.total == count


def _table(
    sheet: Sheet, variants: Iterable[str], measure: Measure, groups: _Groups
) -> dict[str, dict[str, Any]]:
    """For each group of prompts their number and every variant's mean with its interval."""
    found = {}
    for group, keep in groups.items():
        values = {variant: sheet.values(variant, measure, keep) for variant in variants}
        estimates = {variant: asdict(estimate(of)) for variant, of in values.items()}
        found[group] = {"n": len(next(iter(values.values()))), "arms": estimates}
    return found


def _differences(sheet: Sheet, variants: Sequence[str]) -> list[dict[str, Any]]:
    """Every variant against the first, and the loop's rivals against the loop, over all prompts."""
    pairs = [(variant, variants[0]) for variant in variants[1:]]
    pairs += [
        ("loop", variant)
        for variant in variants
        if "loop" in variants and variant.startswith("best of N")
    ]
    return [
        {
            "arm": variant,
            "than": other,
            "measure": measure,
            **asdict(difference(sheet.values(variant, measure), sheet.values(other, measure))),
        }
        for variant, other in pairs
        for measure in MEASURES
    ]


def _points(
    units: Sequence[Unit], variants: Mapping[str, Variant], rows: Mapping[str, Row]
) -> dict[str, Any]:
    """One ablation: every point's score and strict share, over the prompts that all have."""
    sheet = Sheet.of(units, variants, rows)
    if not sheet.items:
        return {"n": 0, "points": {}}
    points = {
        label: {name: asdict(estimate(sheet.values(label, name))) for name in MEASURES}
        for label in variants
    }
    return {"n": len({item.id for item in sheet.items}), "points": points}
