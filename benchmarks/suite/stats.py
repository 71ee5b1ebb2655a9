"""Means with their uncertainty: the bootstrap over prompts, paired between variants.

Resampling takes the same prompts in every variant (Efron and Tibshirani, 1993, chapter 13:
percentile intervals), so that a difference between two variants is not blurred by how hard the
prompts are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Estimate", "difference", "estimate"]

Floats = NDArray[np.float64]
_RESAMPLES = 4000
_TAIL = 2.5  # percent on either side


@dataclass(frozen=True)
class Estimate:
    """A mean and the ends of its 95% interval."""

    mean: float
    low: float
    high: float


def estimate(values: Floats, *, seed: int = 0) -> Estimate:
    """The mean of one value for each prompt, (N,), N at least 1."""
    means = values[_picks(len(values), seed)].mean(axis=1)
    low, high = np.percentile(means, (_TAIL, 100 - _TAIL))
    return Estimate(float(values.mean()), float(low), float(high))


def difference(values: Floats, other: Floats, *, seed: int = 0) -> Estimate:
    """Mean of `values` minus `other`, prompt by prompt; positive where `values` are larger."""
    return estimate(values - other, seed=seed)


def _picks(count: int, seed: int) -> NDArray[np.int64]:
    """The prompts of every resample, (R, N): the same for every variant."""
    return np.random.default_rng(seed).integers(0, count, (_RESAMPLES, count))
