"""The plan that a tab is working on, with what it was before: undo and redo. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rpg.plans.plan import Plan

__all__ = ["PlanBook"]

_MOST = 100  # plans that can be undone
_MOST_CHARS = 4_000_000  # of them all: painted masks are long


@dataclass(frozen=True, slots=True)
class PlanBook:
    """A plan and its history.

    Attributes:
        plan: The one of now; None before anything was planned.
        past: What undo goes back to, the oldest first, as JSON.
        future: What redo goes forward to, the next one last, as JSON.
    """

    plan: Plan | None = None
    past: tuple[str, ...] = ()
    future: tuple[str, ...] = ()

    def with_plan(self, plan: Plan) -> PlanBook:
        """Another plan; the same book where it is the same plan."""
        if plan == self.plan:
            return self
        past = self.past if self.plan is None else (*self.past, self.plan.to_json())
        return PlanBook(plan, _trimmed(past))

    def undone(self) -> PlanBook:
        """The plan before; the same book where there is none."""
        if not self.past or self.plan is None:
            return self
        future = (*self.future, self.plan.to_json())
        return PlanBook(Plan.from_json(self.past[-1]), self.past[:-1], future)

    def redone(self) -> PlanBook:
        """The plan that was undone last; the same book where there is none."""
        if not self.future or self.plan is None:
            return self
        past = (*self.past, self.plan.to_json())
        return replace(
            self, plan=Plan.from_json(self.future[-1]), past=past, future=self.future[:-1]
        )


def _trimmed(past: tuple[str, ...]) -> tuple[str, ...]:
    """The newest of them, as many as may be kept."""
    kept = past[-_MOST:]
    while sum(map(len, kept)) > _MOST_CHARS:
        kept = kept[1:]
    return kept
