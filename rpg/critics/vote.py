"""Several critics, one verdict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import fmean, median
from typing import TYPE_CHECKING, Literal

from rpg.critics.checks import compile_checks
from rpg.critique import Check, Critic, Critique, Finding, informed
from rpg.errors import Cancelled, RPGError, SettingsError
from rpg.plans.edits import Edit

if TYPE_CHECKING:
    from PIL.Image import Image

    from rpg.plans.plan import Plan

__all__ = ["VotingCritic"]

_MEANS: dict[str, Callable[[Sequence[float]], float]] = {"mean": fmean, "median": median}
_MOST_TEXT = 2000


class VotingCritic:
    """Asks several critics about the same checks and takes the mean or median of each score.

    A critic that cannot judge a check has no vote on it. One that fails altogether is left out,
    and the critique's notes say why.

    Args:
        critics: At least one.
        by: How votes make a score.

    Raises:
        SettingsError: There is no critic, or no such way.
    """

    def __init__(
        self, critics: Sequence[Critic], *, by: Literal["mean", "median"] = "mean"
    ) -> None:
        """Keep the critics; nobody is asked yet."""
        if not critics:
            raise SettingsError("a vote needs at least one critic")
        if by not in _MEANS:
            raise SettingsError(f"votes are counted by {' or '.join(_MEANS)}, not {by!r}")
        self.critics = tuple(critics)
        self._mean = _MEANS[by]

    def informed(self, knows: str, tried: Sequence[str]) -> VotingCritic:
        """Every critic is told what it can be told; see `rpg.critique.informed`."""
        told = VotingCritic([informed(one, knows, tried) for one in self.critics])
        told._mean = self._mean
        return told

    def review(
        self, image: Image, plan: Plan, *, checks: Sequence[Check] | None = None
    ) -> Critique:
        """Compares a picture with its plan; see `rpg.critique.Critic`.

        Edits are those of the first critic that proposes any: two sets might contradict.

        Raises:
            RPGError: No critic has an answer; the first one's error.
        """
        checks = tuple(compile_checks(plan) if checks is None else checks)
        votes: list[Critique] = []
        notes: list[str] = []
        errors: list[RPGError] = []
        for critic in self.critics:
            try:
                votes.append(critic.review(image, plan, checks=checks))
            except Cancelled:
                raise
            except RPGError as error:
                errors.append(error)
                notes.append(f"{type(critic).__name__} has no vote: {error}"[:_MOST_TEXT])
        if not votes:
            raise errors[0]
        return self._counted(checks, votes, notes)

    def _counted(
        self, checks: Sequence[Check], votes: Sequence[Critique], notes: Sequence[str]
    ) -> Critique:
        by_vote = [{finding.check.id: finding for finding in vote.findings} for vote in votes]
        findings = [
            self._finding(check, [one[check.id] for one in by_vote if check.id in one])
            for check in checks
        ]
        edits: tuple[Edit, ...] = next((vote.edits for vote in votes if vote.edits), ())
        vote_notes = [note for vote in votes for note in vote.notes]
        return Critique.of(findings, edits, [*notes, *vote_notes])

    def _finding(self, check: Check, findings: Sequence[Finding]) -> Finding:
        known = [finding for finding in findings if not finding.unknown]
        votes = sorted(known or findings, key=lambda finding: finding.score)
        if not votes:
            return Finding(check=check, score=0.5, seen="not judged", unknown=True)
        score = self._mean([finding.score for finding in votes])
        if score >= 0.5 and known:
            return Finding(check=check, score=score)
        seen = "; ".join(dict.fromkeys(one.seen for one in votes if one.seen and not one.holds))
        box = next((one.box for one in votes if one.box is not None and not one.holds), None)
        regions = tuple(dict.fromkeys(name for one in votes for name in one.regions))
        return Finding(
            check=check,
            score=score,
            seen=seen[:_MOST_TEXT],
            box=box,
            regions=regions,
            unknown=not known,
        )
