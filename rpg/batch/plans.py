"""Plans made ahead: while one picture is drawn, the next prompts are being planned."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future

from rpg.batch.passes import Pass
from rpg.events import Notice, Thinking
from rpg.planners import Planner
from rpg.planners.base import ModelNotes, noted, plan_with_events
from rpg.plans.plan import Plan
from rpg.settings import GenerationSettings

__all__ = ["Made", "Notes", "ahead"]

Notes = Callable[[GenerationSettings], ModelNotes]
Made = tuple[Plan, tuple[str, ...]]  # and what the planner wants to be known


def ahead(
    planner: Planner,
    passes: Sequence[Pass],
    known: Mapping[str, Plan],
    most: int,
    notes: Notes | None = None,
) -> Iterator[tuple[Pass, Future[Made]]]:
    """Each pass with its plan to come; equal subjects are planned once.

    Args:
        planner: Asked from several threads at once.
        passes: What will be drawn, in order.
        known: Plans of subjects that pictures were drawn of before.
        most: How many passes may be ahead of the one that is drawn, 0 or more.
        notes: What the planner is told of the model, by a row's settings; of a subject with several
            those of its first row. None: nothing.
    """
    left = Counter(one.subject for one in passes)
    plans = {subject: _done(plan) for subject, plan in known.items() if subject in left}
    waiting: deque[Pass] = deque()
    for one in passes:
        if one.subject not in plans:
            plans[one.subject] = _asked(planner, one, notes)
        waiting.append(one)
        if len(waiting) > most:
            yield _next(waiting, plans, left)
    while waiting:
        yield _next(waiting, plans, left)


def _next(
    waiting: deque[Pass], plans: dict[str, Future[Made]], left: Counter[str]
) -> tuple[Pass, Future[Made]]:
    one = waiting.popleft()
    left[one.subject] -= 1
    future = plans[one.subject] if left[one.subject] else plans.pop(one.subject)
    return one, future


def _done(plan: Plan) -> Future[Made]:
    future: Future[Made] = Future()
    future.set_result((plan, ()))
    return future


def _asked(planner: Planner, one: Pass, notes: Notes | None) -> Future[Made]:
    """A thread that the program's end does not wait for: what it does touches nothing."""
    row = one.pictures[0].row
    if row.plan is not None:
        return _done(row.plan)
    future: Future[Made] = Future()
    told = planner if notes is None else noted(planner, notes(row.settings))
    words = (future, told, row.prompt)
    threading.Thread(target=_fill, args=words, name="rpg-plan", daemon=True).start()
    return future


def _fill(future: Future[Made], planner: Planner, prompt: str) -> None:
    try:
        future.set_result(_planned(planner, prompt))
    except BaseException as error:  # raised again where the plan is waited for
        future.set_exception(error)


def _planned(planner: Planner, prompt: str) -> Made:
    told: list[Thinking | Notice] = []
    plan = plan_with_events(planner, prompt, told.append)
    return plan, tuple(one.text for one in told if isinstance(one, Notice))
