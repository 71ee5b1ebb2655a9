"""Plans made ahead: bounded, in order, and with what the planner had to say."""

from __future__ import annotations

import threading
from collections.abc import Generator
from typing import Any

import pytest

from rpg.batch.passes import Pass, passes
from rpg.batch.pictures import listing
from rpg.batch.plans import ahead
from rpg.batch.rows import row
from rpg.errors import PlanError
from rpg.events import Notice, Planned, Thinking
from rpg.plans.plan import Plan
from rpg.settings import GenerationSettings
from tests.batch.helpers import MAKER
from tests.pipeline.helpers import HalvesPlanner


def all_passes(*prompts: str) -> list[Pass]:
    rows = [row(i, {"prompt": one}, GenerationSettings()) for i, one in enumerate(prompts, 1)]
    return passes(listing(rows, (), MAKER).pictures, 1)


class Together(HalvesPlanner):
    """Plans nothing before so many prompts wait for their plans."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self._barrier = threading.Barrier(count, timeout=60)

    def plan(self, prompt: str, **words: Any) -> Plan:
        self._barrier.wait()
        return super().plan(prompt, **words)


class Aloud(HalvesPlanner):
    """Can be watched; ends without a plan where the prompt asks for that."""

    def stream(
        self, prompt: str, **words: Any
    ) -> Generator[Thinking | Notice | Planned, None, None]:
        yield Thinking("hm")
        yield Notice("the rule planner stands in")
        if prompt != "nothing":
            yield Planned(self.plan(prompt, **words))


def test_plans_are_made_side_by_side_and_come_in_order() -> None:
    made = ahead(Together(3), all_passes("a", "b", "c"), {}, 2)
    assert [(one.pictures[0].row.prompt, to_come.result()[0].prompt) for one, to_come in made] == [
        ("a", "a"),
        ("b", "b"),
        ("c", "c"),
    ]


@pytest.mark.parametrize("most", [0, 1, 3])
def test_no_more_are_ahead_than_may_be(most: int) -> None:
    planner = HalvesPlanner()
    for number, (_, to_come) in enumerate(ahead(planner, all_passes(*"abcdefgh"), {}, most), 1):
        to_come.result()
        assert len(planner.asked) <= number + most


def test_what_is_known_is_not_asked() -> None:
    known = HalvesPlanner().plan("a")
    some = all_passes("a", "b", "a")
    planner = HalvesPlanner()
    made = [plan.result()[0] for _, plan in ahead(planner, some, {some[0].subject: known}, 4)]
    assert planner.asked == ["b"]
    assert [plan.prompt for plan in made] == ["a", "a", "b"]  # equal subjects follow each other


def test_a_planners_notices_come_with_its_plan() -> None:
    (one, other) = ahead(Aloud(), all_passes("a", "nothing"), {}, 1)
    plan, notices = one[1].result()
    assert (plan.prompt, notices) == ("a", ("the rule planner stands in",))
    with pytest.raises(PlanError, match="Aloud ended without a plan"):
        other[1].result()
