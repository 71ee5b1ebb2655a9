"""The race: worse arms leave, the best one seldom, and what is even is decided by time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from rpg.calibration.race import ERROR, Race

ARMS = ("as it is", "a", "b", "c")


def run(
    race: Race, rows: Sequence[Mapping[str, float]], seconds: Mapping[str, float] | None = None
) -> int:
    """After how many prompts one arm was left, or all were drawn."""
    for number, row in enumerate(rows, 1):
        race.add(row, seconds or dict.fromkeys(ARMS, 1.0))
        if race.decided:
            return number
    return len(rows)


def rows(means: Mapping[str, float], prompts: int, seed: int) -> list[dict[str, float]]:
    """Scores with a part that all arms of a prompt share, and a part of their own."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(scale=0.1, size=prompts)
    return [
        {arm: mean + common + rng.normal(scale=0.15) for arm, mean in means.items()}
        for common in shared
    ]


def test_the_best_arm_leaves_no_more_often_than_said() -> None:
    lost = 0
    for seed in range(150):
        race = Race(ARMS)
        run(race, rows(dict.fromkeys(ARMS, 0.6), 24, seed))  # any of them is the best
        lost += "a" not in race.running
    assert lost <= 2 * ERROR * 150


def test_the_winner_is_found_sooner_the_better_it_is() -> None:
    drawn: dict[float, list[int]] = {0.15: [], 0.4: []}
    for seed in range(20):
        for gain, taken in drawn.items():
            race = Race(ARMS)
            means = dict.fromkeys(ARMS, 0.4) | {"b": 0.4 + gain}
            taken.append(run(race, rows(means, 48, seed)))
            if race.decided:
                assert race.winner == "b"
    assert np.mean(drawn[0.4]) + 5 < np.mean(drawn[0.15])


def test_without_a_difference_there_is_no_winner() -> None:
    race = Race(ARMS)
    run(race, [dict.fromkeys(ARMS, 0.5)] * 24)
    assert race.winner is None and race.running == ARMS
    assert {one.difference for one in race.standings()} == {0.0}


def test_the_best_stays_the_models_own_way_if_that_is_best() -> None:
    race = Race(ARMS)
    run(race, [{"as it is": 0.9, "a": 0.2, "b": 0.3, "c": 0.1}] * 24)
    assert race.decided and race.running == ("as it is",) and race.winner is None


@pytest.mark.parametrize(("c", "best"), [(0.9, "b"), (0.93, "c")])
def test_of_arms_that_are_even_the_fastest_wins(c: float, best: str) -> None:
    race = Race(ARMS)
    seconds = {"as it is": 0.1, "a": 4.0, "b": 1.0, "c": 2.0}
    run(race, [{"as it is": 0.2, "a": 0.9, "b": 0.9, "c": c}] * 8, seconds)
    assert race.best == race.winner == best


def test_who_left_draws_no_more_and_is_told_with_who_was_better() -> None:
    race = Race(ARMS)
    run(race, [{"as it is": 0.8, "a": 0.1, "b": 0.8, "c": 0.8}] * 20)
    assert set(race.running) == {"as it is", "b", "c"}
    last = race.standings()[-1]
    assert (last.arm, last.beaten_by) == ("a", "as it is")
    assert last.prompts < 20 and {one.prompts for one in race.standings()[:-1]} == {20}
    assert last.difference == pytest.approx(-0.7) and last.difference_interval[1] < 0


def test_one_arm_stays_whatever_comes() -> None:
    race = Race(ARMS, error=1.5)  # no chance at all: whoever has a rival is beaten
    run(race, [dict.fromkeys(ARMS, 0.5)])
    assert race.running == ("c",) and race.winner == "c"


def test_before_the_first_prompt_there_is_nothing_to_tell() -> None:
    assert Race(ARMS).standings() == ()
