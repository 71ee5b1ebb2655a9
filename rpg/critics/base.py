"""What every critic offers: a plan becomes checks, a picture becomes findings and a score."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal, Protocol

from pydantic import Field

from rpg.edits import Edit
from rpg.plan import Model, Plan

if TYPE_CHECKING:
    from PIL.Image import Image

Share = Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]
Text = Annotated[str, Field(max_length=2000)]


class Check(Model):
    """One thing that has to be true of the picture, fixed for as long as a session lasts.

    Attributes:
        id: Unique among the checks of a plan, and stable while the plan stays.
        kind: What is asked about.
        regions: Ids of the regions concerned, the subject first; empty for the whole picture.
        says: What has to be true, as a sentence: "there is a red star", "the star is left of ...".
    """

    id: Annotated[str, Field(min_length=1, max_length=200)]
    kind: Literal["presence", "count", "attribute", "relation", "scene"]
    regions: Annotated[tuple[str, ...], Field(max_length=64)] = ()
    says: Text


class Finding(Model):
    """How one check came out.

    Attributes:
        check: What was checked.
        score: 1 where it holds, 0 where it does not, between where the critic is in doubt.
        seen: What the critic saw instead, in plain words; empty where the check holds.
    """

    check: Check
    score: Share
    seen: Text = ""

    @property
    def holds(self) -> bool:
        """Whether the check counts as fulfilled."""
        return self.score >= 0.5


class Critique(Model):
    """What a critic says of one picture.

    Attributes:
        score: The mean of the findings' scores; 1 means that everything is as planned.
        findings: One for each check, in the checks' order.
        edits: What to change in the plan, where the plan itself is at fault; usually nothing, and
            then the regions of the failed findings are to be drawn again.
    """

    score: Share
    findings: tuple[Finding, ...] = ()
    edits: tuple[Edit, ...] = ()

    @property
    def failed(self) -> tuple[Finding, ...]:
        """The findings that do not hold, the worst first."""
        return tuple(sorted((f for f in self.findings if not f.holds), key=lambda f: f.score))


class Critic(Protocol):
    """Judges pictures."""

    def review(
        self, image: Image, plan: Plan, *, checks: Sequence[Check] | None = None
    ) -> Critique:
        """Compares a picture with its plan.

        Args:
            image: At the size the model drew it.
            plan: What was to be drawn.
            checks: What to look at; None compiles them from the plan (`rpg.critics.checks`).

        Raises:
            ChatError: A critic that asks a model got no answer.
        """
        ...
