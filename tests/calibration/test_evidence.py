"""Evidence of paired differences: never more sure than it says, whenever one looks."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rpg.calibration.evidence import _log_capitals, bootstrap, difference_interval, log_capital

ERROR = 0.05
RUNS, PROMPTS = 4000, 48


def first_sure(rows: np.ndarray, error: float = ERROR) -> np.ndarray:
    """After how many differences each run is sure, looking after each one; infinity for never."""
    after = np.full(len(rows), np.inf)
    for seen in range(rows.shape[1], 0, -1):
        after[_log_capitals(rows[:, :seen]) >= math.log(1 / error)] = seen
    return after


def scores(good: float, rng: np.random.Generator, hard: np.ndarray) -> np.ndarray:
    """Shares of eight checks that hold; the same prompts are hard for all."""
    held = 1 / (1 + np.exp(-(math.log(good / (1 - good)) + hard)))
    return rng.binomial(8, held) / 8


def test_one_difference_is_worth_what_the_three_bets_win_on_it() -> None:
    # tanh(1/2), tanh(1) and tanh(2), of a capital in three equal parts
    won = 1 + (0.46212 + 0.76159 + 0.96403) / 3
    assert log_capital([0.2]) == pytest.approx(math.log(won), abs=1e-4)
    assert log_capital([-0.2]) == pytest.approx(math.log(2 - won), abs=1e-4)
    assert log_capital([]) == pytest.approx(0.0) == log_capital([0.0, 1e-17])


@pytest.mark.parametrize("kind", ["normal", "coins", "shares", "heavy", "worse"])
def test_looking_after_every_pair_errs_no_more_often_than_said(kind: str) -> None:
    """Four thousand runs without a difference: standard error 0.34 points, so 6% is far off."""
    rng = np.random.default_rng(7)
    shape, hard = (RUNS, PROMPTS), rng.normal(size=(RUNS, PROMPTS))
    rows = {
        "normal": rng.normal(size=shape),
        "coins": rng.choice([-1.0, 0.0, 1.0], size=shape),
        "shares": scores(0.8, rng, hard) - scores(0.8, rng, hard),
        "heavy": rng.standard_cauchy(size=shape),
        "worse": rng.normal(loc=-0.3, size=shape),
    }[kind]
    wrong = float(np.mean(np.isfinite(first_sure(rows))))
    assert wrong <= ERROR + 0.01
    if kind in ("normal", "shares"):
        assert wrong > 0.002  # it is no test that never says anything


def test_a_larger_effect_is_seen_more_often_and_earlier() -> None:
    rng = np.random.default_rng(8)
    hard = rng.normal(size=(500, PROMPTS))
    worse = scores(0.6, rng, hard)
    found = [first_sure(scores(good, rng, hard) - worse) for good in (0.65, 0.75, 0.9)]
    power = [float(np.mean(np.isfinite(one))) for one in found]
    assert power[0] < 0.6 < 0.9 < power[1] <= power[2]
    assert np.median(found[2]) < np.median(found[1]) < np.median(found[0])
    assert np.median(found[2]) <= 12


def test_the_unit_of_scores_plays_no_part() -> None:
    rows = np.random.default_rng(9).normal(0.3, 1.0, 20)
    assert log_capital(list(rows)) == pytest.approx(log_capital(list(rows / 100)), rel=1e-9)


def test_the_interval_of_differences_holds_the_truth_at_every_look() -> None:
    rng = np.random.default_rng(10)
    missed = 0
    for _ in range(150):
        rows = np.clip(rng.normal(0.2, 0.15, 24), -1, 1)
        for seen in (3, 6, 12, 24):
            low, high = difference_interval(list(rows[:seen]), ERROR)
            if not low <= 0.2 <= high:
                missed += 1
                break
    assert missed <= 0.15 * 150  # twice the error, for two ends
    assert 0 < low < high < 0.4


def test_the_interval_shuts_zero_out_only_where_someone_is_surely_better() -> None:
    rows = [0.2, 0.1, 0.3] * 6
    assert log_capital(rows) > math.log(1 / ERROR)
    low, high = difference_interval(rows, ERROR)
    assert 0 < low < 0.2 < high
    assert difference_interval([-one for one in rows], ERROR) == pytest.approx((-high, -low))
    assert difference_interval(rows[:2], ERROR) == (-1.0, 1.0)
    assert difference_interval([0.333] * 40, ERROR) == (0.333, 0.333)


def test_a_mean_has_an_interval_around_it_that_is_always_the_same() -> None:
    rows = [0.0, 1.0] * 50
    low, high = bootstrap(rows)
    assert 0.38 < low < 0.42 and 0.58 < high < 0.62  # 0.5 +- 1.96 * 0.05
    assert bootstrap(rows) == (low, high)
    assert bootstrap([0.7]) == (0.7, 0.7)
