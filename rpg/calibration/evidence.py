"""How sure paired differences make us, at whatever moment we look.

A gambler bets on the sign of each difference. Where two arms are equally good for a prompt, the
difference of their scores is as likely to be negative as positive (it is symmetric), no bet has an
edge, and the gambler's capital is a nonnegative martingale that begins at 1. It then ever reaches
1 / error with a chance of at most `error`, however often one looks and whenever one stops (Ville
1939). So capital is evidence, and looking as often as one likes costs nothing.

Bets on signs are those of Ramdas, Ruf, Larsson and Koolen (arXiv 2009.03167) for symmetric
observations and of Vovk and Wang's sign and Fisher e-tests (arXiv 2208.08925); where scores are
only 0 and 1 this is McNemar's test, looked at after each pair. What is bet may depend on the past
and on the size of the coming difference, but not on its sign: here it grows with the size, measured
in root mean squares of the differences so far, so that the unit of the scores plays no part.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

__all__ = ["bootstrap", "difference_interval", "log_capital"]

# Stakes for one root mean square: e.g. 0.46 of the capital, the best where 73% of signs agree.
# Three gamblers begin with a third each, since nobody knows how large the effect is.
_BETS = (0.5, 1.0, 2.0)
_ALL_BUT = 1e-12 - 1.0  # at most so much of a capital is lost at once
_NOTHING = 1e-9  # differences below come of rounding
_SHIFTS = 401
_RESAMPLES = 2000
_COVERAGE = 0.95


def log_capital(differences: Sequence[float]) -> float:
    """The logarithm of the capital of who bets that differences are positive.

    Args:
        differences: Of scores, in the order in which they were seen; none is no evidence, 0.

    Returns:
        Sure with an error of at most `error` where `log_capital(...) >= log(1 / error)`.
    """
    return float(_log_capitals(np.asarray(differences, dtype=float)[None])[0])


def difference_interval(differences: Sequence[float], error: float) -> tuple[float, float]:
    """Where the middle of the differences lies, whenever one looks.

    These are the shifts of the differences of which `log_capital` is not sure, either way, so 0 is
    outside just where one arm is surely better. Differences are taken to be symmetric about their
    middle.

    Args:
        differences: Of scores from 0 to 1, in the order in which they were seen.
        error: The chance that the middle ever lies beyond an end, of each end.
    """
    shifts = np.linspace(-1.0, 1.0, _SHIFTS)
    centred = np.asarray(differences, dtype=float)[None] - shifts[:, None]
    capital = np.maximum(_log_capitals(centred), _log_capitals(-centred))
    kept = shifts[capital < math.log(1.0 / error)]
    if not len(kept):  # all alike, between two shifts
        return float(differences[0]), float(differences[0])
    return float(kept[0]), float(kept[-1])


def _log_capitals(rows: np.ndarray) -> np.ndarray:
    """Of each row; (rows, differences) -> (rows,)."""
    rows = np.where(np.abs(rows) < _NOTHING, 0.0, rows)
    size = np.sqrt(np.cumsum(rows**2, axis=1) / np.arange(1, rows.shape[1] + 1))
    scaled = np.divide(rows, size, out=np.zeros_like(rows), where=size > 0)
    won = [np.log1p(np.maximum(np.tanh(bet * scaled), _ALL_BUT)).sum(axis=1) for bet in _BETS]
    total: np.ndarray = np.logaddexp.reduce(won, axis=0) - math.log(len(_BETS))
    return total


def bootstrap(scores: Sequence[float]) -> tuple[float, float]:
    """The 95% bootstrap interval (percentiles) of a mean; the same scores give the same."""
    values = np.asarray(scores, dtype=float)
    drawn = np.random.default_rng(0).integers(len(values), size=(_RESAMPLES, len(values)))
    means = values[drawn].mean(axis=1)
    low, high = np.quantile(means, [(1 - _COVERAGE) / 2, (1 + _COVERAGE) / 2])
    return float(low), float(high)
