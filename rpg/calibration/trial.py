"""A calibration: prompt after prompt drawn with every arm that still runs, judged, and counted.

Arms draw the same prompts from the same seeds. A prompt counts once all running arms have drawn it,
so the comparison is fair at whatever moment it is stopped.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from rpg.calibration.arms import Arm
from rpg.calibration.journal import Journal, Judged, digest_of
from rpg.calibration.prompts import TrialPrompt
from rpg.calibration.race import Race

if TYPE_CHECKING:
    from PIL.Image import Image

    from rpg.critique import Critic
    from rpg.plans.plan import Plan

__all__ = ["Budget", "CriticJudge", "Judge", "Pass", "Trial"]

Draw = Callable[[Arm, Sequence["Plan"], int], Sequence["Image"]]


class Judge(Protocol):
    """Gives pictures scores."""

    @property
    def compares(self) -> bool:
        """Whether it looks at the model's own picture beside each."""
        ...

    def score(self, image: Image, own: Image | None, plan: Plan) -> float:
        """A score from 0 to 1, the higher the better.

        Args:
            image: What is judged.
            own: The model's own picture of the same plan and seed, for who compares; it has 0.5.
            plan: What was to be drawn.
        """
        ...


@dataclass(frozen=True)
class CriticJudge:
    """A critic's score: the share of the plan's checks that hold."""

    critic: Critic
    compares: bool = False

    def score(self, image: Image, own: Image | None, plan: Plan) -> float:
        """See `Judge`; what the critic cannot judge counts half."""
        return self.critic.review(image, plan).score


@dataclass(frozen=True)
class Budget:
    """When to stop at the latest; None is no bound."""

    pictures: int | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Pass:
    """Pictures of one arm are judged, `new` of them now.

    Attributes:
        arm: Its name.
        pictures: That are judged in all, those of earlier runs too.
        left: How many there will be beside, if no other arm leaves.
        new: How many were drawn just now.
    """

    arm: str
    pictures: int
    left: int
    new: int


@dataclass(frozen=True, slots=True)
class _Drawn:
    """Pictures, and the seconds that each took."""

    images: Sequence[Image]
    seconds: float


@dataclass
class Trial:
    """Draws, judges and counts.

    Attributes:
        arms: The model's own way first.
        prompts: In the order of drawing.
        draw: Draws plans with an arm; picture i from seed + i.
        judge: Gives the pictures scores.
        journal: Where scores are kept, and found again.
        about: What pictures depend on beside arm, plan and seed, as JSON can hold it.
        budget: When to stop at the latest.
        seed: Of the first prompt's pictures; prompt i has seed + i.
        batch_size: Prompts that are drawn at once.
        race: What came out so far.
        reason: Why it ended; empty while it runs.
        spent: Whether that was the budget.
        pictures: That are judged, those of earlier runs too.
    """

    arms: Sequence[Arm]
    prompts: Sequence[TrialPrompt]
    draw: Draw
    judge: Judge
    journal: Journal
    about: str = ""
    budget: Budget = Budget()
    seed: int = 0
    batch_size: int = 1

    def __post_init__(self) -> None:
        """Begin at nothing."""
        self.race = Race([arm.name for arm in self.arms])
        self.reason, self.spent, self.pictures = "", False, 0
        self._own: _Drawn | None = None  # of the prompts of now, for who compares

    def run(self) -> Generator[Pass, None, None]:
        """Works until one arm is left, the prompts are used up, or the budget is.

        Closing the iterator stops; what was judged is in the journal, and a trial that is made
        alike goes on from there.

        Raises:
            RPGError: A picture could not be drawn or judged.
            StoreError: The journal cannot be written.
        """
        began = time.monotonic()
        for first in range(0, len(self.prompts), self.batch_size):
            block = self.prompts[first : first + self.batch_size]
            running, self._own = self._running(), None
            after = len(self.prompts) - first - len(block)
            judged: dict[str, Sequence[Judged]] = {}
            for arm in running:
                if self._is_spent(began, len(block)):
                    self.reason, self.spent = "the budget is spent", True
                    return
                known = self._known(arm, block, first)
                judged[arm.name] = known or list(self._judged(arm, block, first))
                self.pictures += len(block)
                left = (len(running) - len(judged)) * len(block) + after * len(running)
                if self.budget.pictures is not None:
                    left = min(left, self.budget.pictures - self.pictures)
                yield Pass(arm.name, self.pictures, left, len(block) * (not known))
            for at in range(len(block)):
                if not self.race.decided:
                    self._count({arm: some[at] for arm, some in judged.items()})
            if self.race.decided:
                self.reason = "all other arms are surely worse"
                return
        self.reason = "all prompts are drawn"

    def known_seconds(self) -> float | None:
        """What a picture took in an earlier run, of the first prompts; None without one."""
        block = self.prompts[: self.batch_size]
        found = [known for arm in self.arms for known in self._known(arm, block, 0)]
        return sum(one.seconds for one in found) / len(found) if found else None

    def _running(self) -> list[Arm]:
        return [arm for arm in self.arms if arm.name in self.race.running]

    def _is_spent(self, began: float, more: int) -> bool:
        pictures, seconds = self.budget.pictures, self.budget.seconds
        return (pictures is not None and self.pictures + more > pictures) or (
            seconds is not None and time.monotonic() - began >= seconds
        )

    def _count(self, judged: Mapping[str, Judged]) -> None:
        running = self.race.running
        self.race.add(
            {arm: judged[arm].score for arm in running},
            {arm: judged[arm].seconds for arm in running},
        )

    def _known(self, arm: Arm, block: Sequence[TrialPrompt], first: int) -> list[Judged]:
        """What the journal holds of them; none where one is missing."""
        found = [self.journal.get(key) for key in self._keys(arm, block, first)]
        return [one for one in found if one is not None] if all(found) else []

    def _judged(self, arm: Arm, block: Sequence[TrialPrompt], first: int) -> Iterator[Judged]:
        """Draws and judges; of a batch that was stopped, what is not judged yet."""
        is_own = self.judge.compares and arm is self.arms[0]
        beside = self._own_pictures(block, first) if self.judge.compares else None
        drawn = beside if is_own and beside else self._drawn(arm, block, first)
        keys = self._keys(arm, block, first)
        for at, (prompt, key) in enumerate(zip(block, keys, strict=True)):
            one = self.journal.get(key)
            if one is None:
                own = beside.images[at] if beside else None
                score = 0.5 if is_own else self.judge.score(drawn.images[at], own, prompt.plan)
                name, seconds = arm.name, drawn.seconds
                one = Judged(key=key, prompt=prompt.id, arm=name, score=score, seconds=seconds)
                self.journal.add(one)
            yield one

    def _own_pictures(self, block: Sequence[TrialPrompt], first: int) -> _Drawn:
        if self._own is None:
            self._own = self._drawn(self.arms[0], block, first)
        return self._own

    def _drawn(self, arm: Arm, block: Sequence[TrialPrompt], first: int) -> _Drawn:
        started = time.monotonic()
        images = self.draw(arm, [one.plan for one in block], self.seed + first)
        return _Drawn(images, (time.monotonic() - started) / len(block))

    def _keys(self, arm: Arm, block: Sequence[TrialPrompt], first: int) -> list[str]:
        """A picture also depends on what is drawn with it: on the canvas that all of them take."""
        plans = [one.plan.to_json() for one in block]
        return [
            digest_of([self.about, arm.settings, plans, at, self.seed + first])
            for at in range(len(block))
        ]
