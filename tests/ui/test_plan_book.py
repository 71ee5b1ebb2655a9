"""Undo and redo of plans."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rpg.plans.plan import Plan
from ui.plan_book import PlanBook

PLANS = st.integers(0, 5).map(lambda number: Plan(prompt=f"prompt {number}"))


def of(*plans: Plan) -> PlanBook:
    book = PlanBook()
    for plan in plans:
        book = book.with_plan(plan)
    return book


@given(st.lists(PLANS, min_size=1))
def test_undoing_all_and_redoing_all_comes_back(plans: list[Plan]) -> None:
    book = of(*plans)
    gone = book
    while gone.past:
        gone = gone.undone()
    assert gone.plan == plans[0]
    back = gone
    while back.future:
        back = back.redone()
    assert back == book


@given(st.lists(PLANS, min_size=1), PLANS)
def test_what_is_new_ends_what_was_undone(plans: list[Plan], plan: Plan) -> None:
    book = of(*plans).undone().with_plan(plan)
    if plan != of(*plans).undone().plan:
        assert not book.future
    assert book.plan == plan


def test_the_ends_stay() -> None:
    empty = PlanBook()
    assert empty.undone() is empty and empty.redone() is empty
    one = of(Plan(prompt="a"))
    assert one.undone() is one and one.redone() is one and one.with_plan(Plan(prompt="a")) is one


def test_the_oldest_go_when_there_are_too_many() -> None:
    book = of(*(Plan(prompt=f"prompt {number}") for number in range(300)))
    assert len(book.past) == 100
    assert book.undone().plan == Plan(prompt="prompt 298")
    long = of(
        *(Plan(prompt=f"{number} {'x' * 7000}", reasoning="y" * 190_000) for number in range(40))
    )
    assert sum(map(len, long.past)) <= 4_000_000
