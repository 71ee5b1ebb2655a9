"""Streams of events become turns."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from pathlib import Path

import pytest

from rpg.errors import GenerationError
from rpg.events import Critiqued, Edited, Event, Failed, Notice, Rendered, Step
from rpg.session import Session, Sessions, recorded
from tests.session.helpers import EDIT, critique, mask, picture, plan, record, same


@pytest.fixture
def session(tmp_path: Path) -> Session:
    return Sessions(tmp_path).create()


def drawing(*numbers: int) -> Rendered:
    records = tuple(record(number) for number in numbers)
    return Rendered([picture(number) for number in numbers], records, plan())


def redrawing(round: int, *numbers: int) -> tuple[Event, ...]:
    edited = Edited(plan("a blue star"), (EDIT,), mask(), f"the star is red ({round})", round)
    records = tuple(record(number, "a blue star", task="inpaint") for number in numbers)
    drawn = Rendered([picture(number) for number in numbers], records, edited.plan)
    return (edited, Step(1, 1), drawn)


def stream(events: Iterable[Event]) -> Generator[Event, None, None]:
    yield from events


def test_a_picture_and_an_edit(session: Session) -> None:
    events: list[Event] = [Notice("n"), Step(1, 1), drawing(1)]
    assert list(recorded(session, stream(events), parent=None)) == events
    again = recorded(session, stream(redrawing(0, 2)), parent=1, instruction="make it blue")
    assert len(list(again)) == 3
    first, second = session.turns
    assert (first.parent, first.edits, first.mask, first.made.instruction) == (None, (), None, "")
    assert (second.parent, second.edits) == (1, (EDIT,))
    assert second.made.instruction == "the star is red (0)"
    assert same(session.mask(2), mask())
    assert session.head == 2


def test_every_picture_of_a_batch_is_a_turn(session: Session) -> None:
    list(recorded(session, stream([drawing(5, 6, 7)]), parent=None, instruction="a star"))
    assert [(turn.made.index, turn.made.of) for turn in session.turns] == [(0, 3), (1, 3), (2, 3)]
    assert {turn.made.instruction for turn in session.turns} == {"a star"}
    assert session.head == 1


def test_a_refinement_goes_on_from_what_the_critic_kept(session: Session) -> None:
    """Round 1 is kept by its second picture, round 2 is not, round 3 is again."""
    events: list[Event] = [
        drawing(1),
        Critiqued(critique(0.2), True, 0.6, 0),
        *redrawing(1, 2, 3),
        Critiqued(critique(0.6), True, 0.8, 1, index=1),
        *redrawing(2, 4),
        Critiqued(critique(0.1), False, 0.8, 2),
        *redrawing(3, 5),
        Critiqued(critique(1.0), True, 1.0, 3),
    ]
    heads = []
    for event in recorded(session, stream(events), parent=None):
        if isinstance(event, Critiqued):
            heads.append(session.head)
    assert heads == [1, 3, 3, 5]
    assert dict(session.tree.parents) == {1: None, 2: 1, 3: 1, 4: 3, 5: 3}
    assert [turn.score for turn in session.turns] == [0.6, None, 0.8, 0.55, 1.0]


def test_a_head_that_the_user_moved_meanwhile_is_left_alone(session: Session) -> None:
    list(recorded(session, stream([drawing(1)]), parent=None))
    events = recorded(
        session, stream([*redrawing(1, 2), Critiqued(critique(1.0), True, 1.0, 1)]), parent=1
    )
    for event in events:
        if isinstance(event, Rendered):
            session.undo()
    assert session.head == 1
    assert session.turn(2).score == 1.0


def test_pictures_are_stored_before_a_failure_is_told_of(session: Session) -> None:
    events = stream([drawing(1), Failed(GenerationError("x"))])
    for event in recorded(session, events, parent=None):
        if isinstance(event, Failed):
            assert session.head == 1
    assert len(session.turns) == 1


def test_closing_closes_the_events(session: Session) -> None:
    closed = []

    def endless() -> Generator[Event, None, None]:
        try:
            while True:
                yield Step(1, 1)
        finally:
            closed.append(True)

    events = recorded(session, endless(), parent=None)
    next(events)
    events.close()
    assert closed == [True]
