"""Plans made ahead: while one picture is drawn, the next prompts are being planned."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future

from rpg.batch.passes import Pass
from rpg.events import Notice, Thinking
from rpg.planners import Planner
from rpg.planners.base import plan_with_events
from rpg.plans.plan import Plan

__all__ = ["Made", "ahead"]

Made = tuple[Plan, tuple[str, ...]]  # and what the planner wants to be known


def ahead(
    planner: Planner, passes: Sequence[Pass], known: Mapping[str, Plan], most: int
) -> Iterator[tuple[Pass, Future[Made]]]:
    """Each pass with its plan to come; equal subjects are planned once.

    Args:
        planner: Asked from several threads at once.
        passes: What will be drawn, in order.
        known: Plans of subjects that pictures were drawn of before.
        most: How many passes may be ahead of the one that is drawn, 0 or more.
    """
    left = Counter(one.subject for one in passes)
    plans = {subject: _done(plan) for subject, plan in known.items() if subject in left}
    waiting: deque[Pass] = deque()
    for one in passes:
        if one.subject not in plans:
            plans[one.subject] = _asked(planner, one)
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


def _asked(planner: Planner, one: Pass) -> Future[Made]:
    """A thread that the program's end does not wait for: what it does touches nothing."""
    row = one.pictures[0].row
    if row.plan is not None:
        return _done(row.plan)
    future: Future[Made] = Future()
    words = (future, planner, row.prompt)
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
