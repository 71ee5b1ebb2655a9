"""What critics say: a plan becomes checks, a picture becomes findings and a score."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import TYPE_CHECKING, Annotated, Literal, Protocol, runtime_checkable

from pydantic import Field

from rpg.plans.edits import Edit
from rpg.plans.geometry import Box
from rpg.plans.model import Model
from rpg.plans.plan import Plan

if TYPE_CHECKING:
    from PIL.Image import Image

Share = Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]
Text = Annotated[str, Field(max_length=2000)]
Word = Annotated[str, Field(max_length=200)]


class Check(Model):
    """One thing that has to be true of the picture, fixed for as long as a session lasts.

    Attributes:
        id: Unique among the checks of a plan, and stable while the plan stays.
        kind: What is asked about.
        regions: Ids of the regions concerned, the subject's first; empty for the whole picture.
        says: What has to be true, as a sentence: "there is a star", "the star is left of ...".
        things: The same for programs: names of the things concerned, in the singular, the subject
            first; none where nothing in particular is meant.
        ids: Of these things in the plan's scene; for a count of all that are meant.
        value: The attribute, relation or scene in words: "red", "left of", "at night".
        count: How many there should be; None where nobody says.
    """

    id: Annotated[str, Field(min_length=1, max_length=400)]
    kind: Literal["presence", "count", "attribute", "relation", "scene"]
    regions: Annotated[tuple[str, ...], Field(max_length=64)] = ()
    says: Text
    things: Annotated[tuple[Word, ...], Field(max_length=64)] = ()
    ids: Annotated[tuple[Word, ...], Field(max_length=128)] = ()
    value: Word = ""
    count: Annotated[int, Field(ge=0)] | None = None


class Finding(Model):
    """How one check came out.

    Attributes:
        check: What was checked.
        score: 1 where it holds, 0 where it does not, between where the critic is in doubt.
        seen: What the critic saw instead, in plain words; empty where the check is fulfilled.
        box: Where it saw that, in fractions of the canvas; None where it cannot say.
        regions: Which of the check's regions it is about; empty for all of them.
        unknown: It could not judge. The score is then 0.5, and votes of others go before.
    """

    check: Check
    score: Share
    seen: Text = ""
    box: Box | None = None
    regions: Annotated[tuple[str, ...], Field(max_length=64)] = ()
    unknown: bool = False

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
            then the regions and boxes of the failed findings are to be drawn again.
        notes: What else there is to say of the review, such as whose vote is missing and why.
    """

    score: Share
    findings: tuple[Finding, ...] = ()
    edits: tuple[Edit, ...] = ()
    notes: tuple[Text, ...] = ()

    @classmethod
    def of(
        cls, findings: Sequence[Finding], edits: Sequence[Edit] = (), notes: Sequence[str] = ()
    ) -> Critique:
        """The critique that these findings make; 1 where nothing was to be checked."""
        mean = fmean(finding.score for finding in findings) if findings else 1.0
        return cls(
            score=min(mean, 1.0), findings=tuple(findings), edits=tuple(edits), notes=tuple(notes)
        )

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


@runtime_checkable
class InformedCritic(Critic, Protocol):
    """A critic that can be told more than picture, plan and checks."""

    def informed(self, knows: str, tried: Sequence[str]) -> Critic:
        """The critic with what may help it.

        Args:
            knows: The words that the drawing model knows, where these are few; else empty.
            tried: What was tried so far in vain, a sentence each.
        """
        ...


def informed(critic: Critic, knows: str, tried: Sequence[str]) -> Critic:
    """The critic with what may help it, if it can be told; else as it is."""
    return critic.informed(knows, tried) if isinstance(critic, InformedCritic) else critic
