"""The differences between two turns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rpg.plans import edits
from rpg.plans.edits import Edit
from rpg.session.turn import Turn

__all__ = ["Comparison", "compared"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two turns side by side.

    Attributes:
        before: Number of the one.
        after: Number of the other.
        edits: What makes the one's plan the other's, as `rpg.plans.edits.diff` finds it.
        settings: Settings that are different, by name: the one's value and the other's.
        scores: The critics', 0 to 1; None where none was asked.
        mended: What holds in the other's picture and did not in the one's, in the critic's words.
        broken: The other way round.
    """

    before: int
    after: int
    edits: tuple[Edit, ...]
    settings: Mapping[str, tuple[Any, Any]]
    scores: tuple[float | None, float | None]
    mended: tuple[str, ...]
    broken: tuple[str, ...]

    @property
    def gained(self) -> float | None:
        """How much higher the other's score is, -1 to 1; None unless both have one."""
        one, other = self.scores
        return None if one is None or other is None else other - one


def compared(before: Turn, after: Turn) -> Comparison:
    """The one turn against the other."""
    words = (before.settings.model_dump(), after.settings.model_dump())
    holds = (_holding(before), _holding(after))
    return Comparison(
        before=before.id,
        after=after.id,
        edits=edits.diff(before.plan, after.plan),
        settings={
            name: (value, words[1][name])
            for name, value in words[0].items()
            if value != words[1][name]
        },
        scores=(before.score, after.score),
        mended=_turned(*holds),
        broken=_turned(*reversed(holds)),
    )


def _holding(turn: Turn) -> dict[str, bool]:
    """What was checked of the picture, and whether it holds."""
    findings = turn.critique.findings if turn.critique is not None else ()
    return {finding.check.says: finding.holds for finding in findings}


def _turned(without: dict[str, bool], holding: dict[str, bool]) -> tuple[str, ...]:
    return tuple(says for says, holds in holding.items() if holds and without.get(says) is False)
