"""Planners that can be watched and planners that cannot are heard alike."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from typing import Any

import pytest

from rpg.errors import PlanError
from rpg.events import Notice, Planned, Thinking
from rpg.planners import RulePlanner
from rpg.planners.base import plan_with_events, streamed
from rpg.plans.plan import Plan

Told = Thinking | Notice | Planned
PROMPT = "a red star above a blue circle"
PLAN = Plan(prompt=PROMPT)


class Watched:
    """Tells what it is given, and keeps what it was asked."""

    def __init__(self, *events: Told) -> None:
        self.events = events
        self.asked: tuple[Plan | None, str | None] | None = None
        self.closed = False

    def plan(
        self, prompt: str, *, previous: Plan | None = None, instruction: str | None = None
    ) -> Plan:
        raise AssertionError("a planner that can be watched is watched")

    def stream(
        self, prompt: str, *, previous: Plan | None = None, instruction: str | None = None
    ) -> Generator[Told, None, None]:
        self.asked = previous, instruction
        try:
            yield from self.events
        finally:
            self.closed = True


def test_a_planner_that_thinks_in_silence_tells_its_plan() -> None:
    planner = RulePlanner()
    assert list(streamed(planner, PROMPT)) == [Planned(planner.plan(PROMPT))]
    change: dict[str, Any] = {
        "previous": planner.plan(PROMPT),
        "instruction": "make the star green",
    }
    assert list(streamed(planner, PROMPT, **change)) == [Planned(planner.plan(PROMPT, **change))]


def test_a_planner_that_is_watched_ends_with_its_plan() -> None:
    told = Thinking("hm"), Notice("by rules"), Planned(PLAN)
    planner = Watched(*told, Thinking("more"))
    assert list(streamed(planner, PROMPT, previous=PLAN, instruction="no star")) == [*told]
    assert planner.asked == (PLAN, "no star") and planner.closed


def test_closing_gives_the_planner_up() -> None:
    planner = Watched(Thinking("hm"), Planned(PLAN))
    with closing(streamed(planner, PROMPT)) as events:
        assert next(events) == Thinking("hm") and not planner.closed
    assert planner.closed


def test_to_end_without_a_plan_is_a_failure() -> None:
    with pytest.raises(PlanError, match="Watched ended without a plan"):
        list(streamed(Watched(Thinking("hm")), PROMPT))


def test_a_planner_is_heard_until_its_plan() -> None:
    told: list[Thinking | Notice] = []
    planner = Watched(Thinking("hm"), Notice("by rules"), Planned(PLAN), Thinking("more"))
    assert (
        plan_with_events(planner, PROMPT, told.append, previous=PLAN, instruction="no star") == PLAN
    )
    assert told == [Thinking("hm"), Notice("by rules")]
    assert planner.asked == (PLAN, "no star") and planner.closed
    assert plan_with_events(RulePlanner(), PROMPT, told.append) == RulePlanner().plan(PROMPT)
    assert len(told) == 2


def test_who_hears_may_give_the_planner_up() -> None:
    planner = Watched(Thinking("hm"), Planned(PLAN))

    def stop(_: Thinking | Notice) -> None:
        raise PlanError("enough")

    with pytest.raises(PlanError, match="enough"):
        plan_with_events(planner, PROMPT, stop)
    assert planner.closed
