"""The pictures of several variants side by side, of the prompts that all of them have drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

import numpy as np

from benchmarks.suite.judge import Verdict, judge
from benchmarks.suite.stats import Floats
from benchmarks.suite.store import Row
from benchmarks.suite.truth import Item
from benchmarks.suite.variants import Variant
from benchmarks.suite.work import Unit, shown

__all__ = ["MEASURES", "Measure", "Sheet"]

Measure = Literal["score", "strict"]
MEASURES: tuple[Measure, ...] = ("score", "strict")
_Keep = Callable[[Item], bool]


@dataclass(frozen=True)
class Sheet:
    """Judged pictures.

    Attributes:
        items: The prompt of every line; a prompt has a line for each of its seeds.
        pictures: For each variant and line what was drawn, the picture that it shows first.
        verdicts: For each variant and line about the picture shown.
    """

    items: tuple[Item, ...]
    pictures: Mapping[str, Sequence[Sequence[Row]]]
    verdicts: Mapping[str, Sequence[Verdict]]

    @classmethod
    def of(
        cls, units: Sequence[Unit], variants: Mapping[str, Variant], rows: Mapping[str, Row]
    ) -> Sheet:
        """Of the units that are complete in all variants."""
        found = [
            (unit.item, [shown(unit, variant, rows) for variant in variants.values()])
            for unit in units
        ]
        lines = [(item, [of or [] for of in each]) for item, each in found if all(each)]
        items = tuple(item for item, _ in lines)
        pictures = {name: [each[i] for _, each in lines] for i, name in enumerate(variants)}
        verdicts = {
            name: [judge(of[0].seen, item) for item, of in zip(items, column, strict=True)]
            for name, column in pictures.items()
        }
        return cls(items, pictures, verdicts)

    def values(self, variant: str, measure: Measure, keep: _Keep = lambda _: True) -> Floats:
        """What a variant got for each prompt that is kept, the mean over its seeds: (N,)."""
        gathered: dict[str, list[float]] = {}
        for item, verdict in zip(self.items, self.verdicts[variant], strict=True):
            if keep(item):
                gathered.setdefault(item.id, []).append(float(getattr(verdict, measure)))
        return np.array([fmean(of) for of in gathered.values()])

    def cost(self, variant: str) -> dict[str, float]:
        """Means over all lines of what one picture took, with the others of its pool."""
        column = self.pictures[variant]
        return {
            "pictures": fmean(len(of) for of in column),
            "calls": fmean(sum(row.calls for row in of) for of in column),
            "cost": fmean(sum(row.cost for row in of) for of in column),
            "seconds": fmean(sum(row.seconds for row in of) for of in column),
        }
