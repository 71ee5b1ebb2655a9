"""Streams of events become turns."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from pathlib import Path
from typing import Any

import pytest

from rpg.errors import GenerationError, StoreError
from rpg.events import Critiqued, Edited, Event, Failed, Notice, Refined, Rendered, Step
from rpg.session import Session, Sessions, recorded, recorded_from
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


def test_the_head_is_the_best_picture_as_it_was_upscaled_at_the_end(session: Session) -> None:
    """Also where the best one is not that of the last round."""
    large = drawing(9)
    done = Refined(large.images[0], large.records[0], plan(), critique(0.6), 1, "no rounds")
    events: list[Event] = [
        drawing(1),
        Critiqued(critique(0.6), True, 0.6, 0),
        *redrawing(1, 2),
        Critiqued(critique(0.2), False, 0.6, 1),
        large,
        done,
    ]
    list(recorded(session, stream(events), parent=None))
    assert session.refresh().head == 3
    assert [turn.parent for turn in session.turns] == [None, 1, 1]


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


def test_a_round_that_nobody_judged_does_not_keep_the_head(session: Session) -> None:
    """As when no calls are left for the critic."""
    done = Refined(picture(1), record(1), plan(), critique(0.2), 1, "no calls are left")
    events = [drawing(1), Critiqued(critique(0.2), True, 0.6, 0), *redrawing(1, 2), done]
    list(recorded(session, stream(events), parent=None))
    assert session.head == 1 and dict(session.tree.parents) == {1: None, 2: 1}


def test_a_refinement_of_a_turn_begins_with_what_the_critic_says_of_it(session: Session) -> None:
    list(recorded(session, stream([drawing(1)]), parent=None))
    first = Critiqued(critique(0.2), True, 0.6, 0)
    again = Critiqued(critique(1.0), True, 1.0, 1)
    list(recorded(session, stream([first, *redrawing(1, 2), again]), parent=1))
    assert [turn.score for turn in session.turns] == [0.6, 1.0]
    assert (session.head, session.turn(2).parent) == (2, 1)
    other = recorded(session, stream([first, *redrawing(1, 3)]), parent=None)
    assert [event for event in other if isinstance(event, Notice)] != []  # a mask needs a parent


@pytest.mark.parametrize("gone", ["the parent", "the session"])
def test_what_cannot_be_stored_is_told_once_and_costs_no_picture(
    session: Session, tmp_path: Path, gone: str
) -> None:
    list(recorded(session, stream([drawing(1)]), parent=None))
    rounds: list[Event] = [
        *redrawing(1, 2),
        Critiqued(critique(0.6), True, 0.6, 1),
        *redrawing(2, 3),
        Critiqued(critique(1.0), True, 1.0, 2),
    ]
    events = []
    for event in recorded(session, stream(rounds), parent=1):
        events.append(event)
        if isinstance(event, Critiqued) and event.round == 1 and gone == "the parent":
            session.delete(2)
        elif isinstance(event, Critiqued) and event.round == 1:
            Sessions(tmp_path).delete(session.id)
    (notice,) = [event for event in events if event not in rounds]
    assert isinstance(notice, Notice) and notice.text.startswith("not recorded: there is no ")
    assert [event for event in events if event in rounds] == rounds
    assert all(
        1 in Sessions(tmp_path).open(one.id).tree.parents for one in Sessions(tmp_path).list()
    )


def test_a_session_is_begun_when_there_is_a_picture(tmp_path: Path) -> None:
    sessions = Sessions(tmp_path)
    begun: list[Session] = []

    def start() -> tuple[Session, None]:
        begun.append(sessions.create())
        return begun[-1], None

    failing = stream([Step(1, 1), Failed(GenerationError("x"))])
    assert len(list(recorded_from(start, failing))) == 2
    assert sessions.list() == ()
    list(recorded_from(start, stream([drawing(1), drawing(2)]), instruction="a star"))
    (session,) = begun
    assert [turn.made.instruction for turn in session.turns] == ["a star", "a star"]

    def refuse() -> tuple[Session, None]:
        raise StoreError("full")

    events = list(recorded_from(refuse, stream([drawing(1)])))
    assert events[0] == Notice("not recorded: full") and isinstance(events[1], Rendered)


def test_a_picture_finds_its_turn(tmp_path: Path) -> None:
    sessions = Sessions(tmp_path)
    assert sessions.find(picture(1), record(1)) is None
    first, second = sessions.create(), sessions.create()
    list(recorded(first, stream([drawing(1, 2)]), parent=None))
    list(recorded(second, stream([drawing(9, 1)]), parent=None))

    def found(*args: Any, **words: Any) -> tuple[str, int] | None:
        known = sessions.find(*args, **words)
        return None if known is None else (known[0].id, known[1])

    assert found(picture(1), record(1)) == (second.id, 2)  # the newest
    assert found(picture(1), record(1), within=first.id) == (first.id, 1)
    assert found(picture(1), record(1).model_copy(update={"scale": 2})) == (second.id, 2)
    for other in (record(3), record(1, "a blue star"), record(1, task="inpaint")):
        assert found(picture(1), other) is None
    assert found(picture(4), record(1)) is None
    assert found(picture(1).resize((8, 4)), record(1), off=255) is None
    nearly = picture(1)
    nearly.putpixel((0, 7), (9, 0, 7))
    assert found(nearly, record(1)) is None
    assert found(nearly, record(1), off=0.1) == (second.id, 2)
    second.path(2).unlink()  # shared by both sessions, since it is one picture
    assert found(picture(1), record(1)) is None
