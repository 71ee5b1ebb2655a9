"""Draws every variant again and again, in an order that is shuffled each time, and sums it up."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from benchmarks.speed.clock import Clock, Parts, Watch, forget_peak, peak_memory
from benchmarks.speed.counts import Cost, cost
from benchmarks.speed.subjects import Subject
from benchmarks.speed.variants import AGAIN, PLAIN, VARIANTS, Variant, plan_of
from benchmarks.suite.stats import Estimate

__all__ = ["Bench", "Row", "matmul_rate", "ratio"]

_RESAMPLES = 2000
_TAIL = 2.5  # percent on either side


@dataclass(frozen=True)
class Row:
    """One variant at one number of regions.

    Attributes:
        regions: How many.
        arm: Name of the variant.
        seconds: Medians.
        total: Ratio to plain, end to end, with its 95% interval.
        loop: Likewise of the UNet loop.
        flop: Of the UNet's calls, as a ratio to plain.
        launches: Kernels of a step.
        launch_ratio: Those as a ratio to plain.
        memory: MB at the most, or None.
        floor: The loop's seconds over what its FLOP take at the device's rate of multiplying
            matrices.
    """

    regions: int
    arm: str
    seconds: Parts
    total: Estimate
    loop: Estimate
    flop: float
    launches: float
    launch_ratio: float
    memory: float | None
    floor: float


@dataclass(frozen=True)
class Bench:
    """A run's parameters.

    Attributes:
        subject: What draws.
        repeats: Pictures of each variant that count.
        warmups: Those before them, which do not.
        clock: See `Watch`.
        seed: Of the orders.
    """

    subject: Subject
    repeats: int
    warmups: int
    clock: Clock = "wall"
    seed: int = 0

    @property
    def pictures(self) -> int:
        """How many are drawn in all."""
        return len(self.subject.counts) * len(VARIANTS) * (self.repeats + self.warmups)

    def rows(self, drawn: Callable[[], None]) -> list[Row]:
        """Every row; `drawn` is told of every picture."""
        rate = matmul_rate(self.subject.device, self.subject.pipe.unet.dtype)
        return [row for count in self.subject.counts for row in self._rows(count, rate, drawn)]

    def _rows(self, count: int, rate: float, drawn: Callable[[], None]) -> list[Row]:
        plan, rng = plan_of(count), random.Random(f"{self.seed}/{count}")
        costs = {
            variant.name: cost(self.subject, variant, plan)
            for variant in VARIANTS
            if variant.name != AGAIN
        }
        costs[AGAIN] = costs[PLAIN]
        parts: dict[str, list[Parts]] = {variant.name: [] for variant in VARIANTS}
        memory: dict[str, float | None] = {}
        for number in range(-self.warmups, self.repeats):
            for variant in rng.sample(VARIANTS, len(VARIANTS)):
                forget_peak(self.subject.device)
                seen = self._draw(variant, count)
                drawn()
                if number >= 0:
                    parts[variant.name].append(seen)
                    memory[variant.name] = _most(
                        memory.get(variant.name), peak_memory(self.subject.device)
                    )
        return [_row(count, variant.name, parts, costs, memory, rate) for variant in VARIANTS]

    def _draw(self, variant: Variant, count: int) -> Parts:
        plan = plan_of(count)
        watch = Watch(self.subject.device, self.clock)
        with watch.on(self.subject.pipe):
            begin = watch.now()
            with variant.on(self.subject.pipe, plan):
                self.subject.draw(plan)
            return watch.parts(begin)


def ratio(values: Sequence[float], plain: Sequence[float]) -> Estimate:
    """Of the medians; resampled are repetitions, in which one follows the other closely."""
    ours, theirs = np.asarray(values), np.asarray(plain)
    picks = np.random.default_rng(0).integers(0, len(ours), (_RESAMPLES, len(ours)))
    ratios = np.median(ours[picks], axis=1) / np.median(theirs[picks], axis=1)
    low, high = np.percentile(ratios, (_TAIL, 100 - _TAIL))
    return Estimate(float(np.median(ours) / np.median(theirs)), float(low), float(high))


def matmul_rate(device: torch.device, dtype: torch.dtype) -> float:
    """FLOP in a second of large products of matrices: what the device gives in practice."""
    side = 8192 if device.type == "cuda" else 512
    one = torch.randn(side, side, device=device, dtype=dtype)
    best = min(_seconds(one) for _ in range(8))
    return 2 * side**3 / best


def _seconds(one: torch.Tensor) -> float:
    began = time.perf_counter()
    one @ one
    if one.device.type == "cuda":
        torch.cuda.synchronize(one.device)
    return time.perf_counter() - began


def _most(one: float | None, other: float | None) -> float | None:
    known = [value for value in (one, other) if value is not None]
    return max(known) if known else None


def _row(
    count: int,
    name: str,
    parts: Mapping[str, Sequence[Parts]],
    costs: Mapping[str, Cost],
    memory: Mapping[str, float | None],
    rate: float,
) -> Row:
    ours, plain = parts[name], parts[PLAIN]
    median = Parts(*(statistics.median(getattr(one, of) for one in ours) for of in Parts.__slots__))
    return Row(
        regions=count,
        arm=name,
        seconds=median,
        total=ratio([one.total for one in ours], [one.total for one in plain]),
        loop=ratio([one.loop for one in ours], [one.loop for one in plain]),
        flop=costs[name].flop / costs[PLAIN].flop,
        launches=costs[name].step,
        launch_ratio=costs[name].launches / costs[PLAIN].launches,
        memory=memory[name],
        floor=median.loop * rate / costs[name].flop,
    )
