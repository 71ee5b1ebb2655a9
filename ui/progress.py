"""What is known of a piece of work while it goes on: events folded into snapshots. Pure."""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rpg.events import (
    Critiqued,
    Edited,
    Event,
    Failed,
    Notice,
    Planned,
    Refined,
    Rendered,
    Step,
    Thinking,
)

if TYPE_CHECKING:
    from PIL.Image import Image

    from rpg.plans.plan import Plan

__all__ = ["Phase", "Round", "Snapshot", "heard"]


class Phase(enum.Enum):
    """Where a piece of work is."""

    WAITING = "waiting"
    WORKING = "working"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"

    @property
    def over(self) -> bool:
        """Whether nothing more will come."""
        return self not in (Phase.WAITING, Phase.WORKING)


@dataclass(frozen=True, slots=True)
class Round:
    """A round of refinement or an edit: what was drawn anew, and what the critic says of it.

    `turns`: its pictures in the session; `critiqued`: None while it is not judged.
    """

    edited: Edited | None
    turns: tuple[int, ...] = ()
    critiqued: Critiqued | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A piece of work as it stands.

    Attributes:
        phase: Where it is.
        ahead: While it waits: how many are before it, the one at work included.
        thoughts: The planner's, so far.
        plan: As soon as it stands.
        step: Of `steps`, done in the drawing of now; 0 before the first.
        steps: Of the drawing of now; 0 before it is known.
        began: When the drawing of now began, in seconds of a monotonic clock.
        at: When the last step was done, on that clock.
        preview: The last one.
        pictures: Of the last drawing that was finished, at the size they were drawn.
        turns: All turns that the work added to its session, in order.
        rounds: Of an edit or a refinement, the first drawing included.
        notices: What the user should know, in order.
        outcome: Of a refinement: why it ended.
        error: Of a failure, in plain words; empty otherwise.
    """

    phase: Phase = Phase.WAITING
    ahead: int = 0
    thoughts: str = ""
    plan: Plan | None = None
    step: int = 0
    steps: int = 0
    began: float = 0.0
    at: float = 0.0
    preview: Image | None = None
    pictures: tuple[Image, ...] = ()
    turns: tuple[int, ...] = ()
    rounds: tuple[Round, ...] = ()
    notices: tuple[str, ...] = ()
    outcome: str = ""
    error: str = ""

    @property
    def seconds_left(self) -> float | None:
        """Of the drawing of now, by the pace so far; None before two steps are done."""
        if self.step < 2:
            return None
        return (self.at - self.began) / (self.step - 1) * (self.steps - self.step)

    @property
    def best(self) -> int | None:
        """The turn of a refinement's best picture; None where that is the one it began with."""
        for one in reversed(self.rounds):
            if one.critiqued is not None and one.critiqued.kept and one.turns:
                return one.turns[one.critiqued.index]
        return None


def heard(shot: Snapshot, event: Event, now: float, turns: tuple[int, ...] = ()) -> Snapshot:
    """The snapshot after an event.

    Args:
        shot: Before.
        event: What was heard.
        now: Seconds of a monotonic clock.
        turns: Those that the event's pictures became, for `Rendered`.
    """
    match event:
        case Thinking(text=text, restart=restart):
            return replace(shot, thoughts=text if restart else shot.thoughts + text)
        case Planned(plan=plan):
            return replace(shot, plan=plan, thoughts=plan.reasoning or shot.thoughts)
        case Step():
            began = now if event.i == 1 else shot.began
            picture = event.preview or shot.preview
            return replace(shot, step=event.i, steps=event.n, preview=picture, began=began, at=now)
        case Edited():
            rounds = (*shot.rounds, Round(event))
            return replace(shot, plan=event.plan, rounds=rounds, step=0, steps=0)
        case Rendered():
            return _rendered(shot, event, turns)
        case Critiqued():
            return _judged(shot, event)
        case Refined(reason=reason, plan=plan):
            return replace(shot, plan=plan, outcome=reason)
        case Notice(text=text):
            known = text in shot.notices
            return shot if known else replace(shot, notices=(*shot.notices, text))
        case Failed(error=error):
            return replace(shot, phase=Phase.FAILED, error=str(error))


def _rendered(shot: Snapshot, event: Rendered, turns: tuple[int, ...]) -> Snapshot:
    rounds = shot.rounds
    if not rounds or rounds[-1].turns:
        rounds = (*rounds, Round(None))
    rounds = (*rounds[:-1], replace(rounds[-1], turns=turns))
    pictures, plan = tuple(event.images), event.plan
    return replace(
        shot, pictures=pictures, plan=plan, turns=(*shot.turns, *turns), rounds=rounds, preview=None
    )


def _judged(shot: Snapshot, event: Critiqued) -> Snapshot:
    if not shot.rounds or shot.rounds[-1].critiqued is not None:  # a picture that was there
        return replace(shot, rounds=(*shot.rounds, Round(None, (), event)))
    last = replace(shot.rounds[-1], critiqued=event)
    return replace(shot, rounds=(*shot.rounds[:-1], last))
