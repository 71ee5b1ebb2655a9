"""The race between arms: who is surely worse leaves, who is left at the end may win.

Successive elimination (Even-Dar, Mannor and Mansour, JMLR 7, 2006) with the paired evidence of
`rpg.calibration.evidence`. On each rival of an arm a gambler bets that it is better, on the prompts
that both have drawn, and the arm leaves as soon as their mean capital reaches `1 / error`. A mean
of fair games is a fair one (Vovk and Wang, Annals of Statistics 49, 2021), so the best arm leaves
with a chance of at most `error`, over all looks and all rivals together.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median

import numpy as np

from rpg.calibration.evidence import bootstrap, difference_interval, log_capital

__all__ = ["ERROR", "TIE", "Race", "Standing"]

ERROR = 0.05
TIE = 0.01  # of the score: what is this near to the best counts as even with it


@dataclass(frozen=True, slots=True)
class Standing:
    """How an arm did.

    Attributes:
        arm: Its name.
        prompts: That it has drawn.
        score: The mean, 0 to 1.
        interval: Of the score, 95%, by bootstrap over the prompts.
        difference: To the best arm on the prompts that both drew; at most about 0.
        difference_interval: Of it, at whatever moment the race is stopped; each end is wrong with
            a chance of at most the race's error.
        seconds: A picture took, the median.
        beaten_by: The rival that did most to make it leave; empty while it runs.
    """

    arm: str
    prompts: int
    score: float
    interval: tuple[float, float]
    difference: float
    difference_interval: tuple[float, float]
    seconds: float
    beaten_by: str = ""


class Race:
    """Arms and their scores, prompt after prompt.

    Args:
        arms: Names, the model's own way first.
        error: The chance that the best arm may leave, above 0, below 1.
    """

    def __init__(self, arms: Sequence[str], error: float = ERROR) -> None:
        self.arms = tuple(arms)
        self._error = error
        self._scores: dict[str, list[float]] = {arm: [] for arm in arms}
        self._seconds: dict[str, list[float]] = {arm: [] for arm in arms}
        self._beaten: dict[str, str] = {}

    @property
    def running(self) -> tuple[str, ...]:
        """The arms that are not surely worse than the others."""
        return tuple(arm for arm in self.arms if arm not in self._beaten)

    @property
    def decided(self) -> bool:
        """Whether one arm alone is left."""
        return len(self.running) == 1

    def add(self, scores: Mapping[str, float], seconds: Mapping[str, float]) -> None:
        """Takes one prompt's scores and seconds of all running arms, and drops who is beaten."""
        running = self.running
        for arm in running:
            self._scores[arm].append(scores[arm])
            self._seconds[arm].append(seconds[arm])
        for arm in running:
            rivals = [other for other in self.arms if other != arm]
            capitals = [log_capital(self._differences(other, arm)) for other in rivals]
            mean = np.logaddexp.reduce(capitals) - math.log(len(rivals))
            if mean >= -math.log(self._error) and not self.decided:
                self._beaten[arm] = rivals[int(np.argmax(capitals))]

    @property
    def best(self) -> str:
        """The running arm with the highest score, or of those that are even with it the fastest."""
        means = {arm: self._mean(arm) for arm in self.running}
        top = max(means.values())
        even = [arm for arm, mean in means.items() if mean >= top - TIE]
        return min(even, key=self._second)

    @property
    def winner(self) -> str | None:
        """The best arm, where the model's own way is surely worse; None where it may well stay."""
        return self.best if self.arms[0] in self._beaten else None

    def standings(self) -> tuple[Standing, ...]:
        """All arms, those that run on first, then by their scores."""
        if not all(self._scores.values()):
            return ()
        rows = [self._standing(arm) for arm in self.arms]
        return tuple(sorted(rows, key=lambda row: (bool(row.beaten_by), -row.score)))

    def _standing(self, arm: str) -> Standing:
        scores, differences = self._scores[arm], self._differences(arm, self.best)
        is_best = arm == self.best
        return Standing(
            arm,
            len(scores),
            fmean(scores),
            bootstrap(scores),
            fmean(differences),
            (0.0, 0.0) if is_best else difference_interval(differences, self._error),
            self._second(arm),
            self._beaten.get(arm, ""),
        )

    def _mean(self, arm: str) -> float:
        return fmean(self._scores[arm]) if self._scores[arm] else 0.0

    def _second(self, arm: str) -> float:
        return median(self._seconds[arm]) if self._seconds[arm] else 0.0

    def _differences(self, arm: str, other: str) -> list[float]:
        """Of scores, on the prompts that both drew."""
        pairs = zip(self._scores[arm], self._scores[other], strict=False)
        return [own - others for own, others in pairs]
