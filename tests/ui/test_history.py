"""The strip and the conversation: functions of turns."""

from __future__ import annotations

from pathlib import Path

import pytest

from rpg.critique import Check, Critique, Finding
from rpg.plans.edits import AddRegion, ModifyRegion, MoveRegion, RemoveRegion, SetBase
from rpg.refinement.policy import Rung
from rpg.session import Session, Sessions, TurnTree
from tests.ui import toys
from ui.history import MOST_SHOWN, Failure, changes, conversation, strip, verdict

GREEN = ModifyRegion(id="star-1", prompt="a green star")


@pytest.fixture
def session(tmp_path: Path) -> Session:
    """1 drawn, 2 its change, 3 another change of 1."""
    kept = toys.session(Sessions(tmp_path))
    wishes = ("make the star green", "remove the circle <b>now</b>")
    for wish, star in zip(wishes, ("green", "red"), strict=True):
        kept.branch(1)
        kept.add(toys.picture(star), toys.record(), parent=1, edits=(GREEN,), instruction=wish)
    return kept


def said(kept: Session, at: int | None, *failures: Failure) -> list[str]:
    messages = conversation(kept.turns, kept.tree, at, failures)
    return [f"{one['role']}: {one['content']}" for one in messages]


def critique(*scores: float) -> Critique:
    checks = [
        Finding(
            check=Check(id=str(number), kind="presence", says=f"there is thing {number}"),
            score=score,
            seen="" if score >= 0.5 else "nothing there",
        )
        for number, score in enumerate(scores)
    ]
    return Critique.of(checks)


def test_the_conversation_says_what_was_wished_and_what_became_of_it(session: Session) -> None:
    assert said(session, 2) == [
        f"user: {toys.PROMPT}",
        "assistant: Turn 1: kept",
        "user: make the star green",
        "assistant: Turn 2: you are here\na red star became a green star",
        "user: remove the circle <b>now</b>",
        "assistant: Turn 3: not kept\na red star became a green star",
    ]


def test_what_lies_ahead_is_undone(session: Session) -> None:
    assert said(session, 1)[3].startswith("assistant: Turn 2: undone")


def test_failures_come_last(session: Session) -> None:
    lost = Failure(session.id, "add a dragon", "nobody knows dragons")
    assert said(session, 1, lost)[-2:] == [
        "user: add a dragon",
        "assistant: nobody knows dragons",
    ]


def test_a_round_of_mending_tells_its_score_and_what_is_wrong(session: Session) -> None:
    session.criticise(2, critique(1, 0))
    why = f"there is thing 1 (nothing there): {Rung.SEED.value}"
    worse = session.add(
        toys.picture(), toys.record(), parent=2, instruction=why, critique=critique(0, 0)
    )
    spoken = said(session, 2)
    assert spoken[3].endswith(
        "Score 0.50, 1 of 2 things right\nWrong: there is thing 1 (seen: nothing there)"
    )
    assert "assistant: Drawn again by itself, with another seed" in spoken
    assert f"Turn {worse.turn.id}: no better, not kept" in spoken[-1]


def test_a_conversation_of_no_session_is_empty(tmp_path: Path) -> None:
    assert said(Sessions(tmp_path).create(), None) == []


def test_long_histories_are_shown_from_their_newest_end(session: Session) -> None:
    count = MOST_SHOWN + 5
    one = session.turn(2)
    parents = {number: number - 1 or None for number in range(1, count + 1)}
    turns = [one.model_copy(update={"id": turn, "parent": up}) for turn, up in parents.items()]
    assert [number for number, _ in strip(turns, count)] == list(range(6, count + 1))
    around = [number for number, _ in strip(turns, 2)]
    assert 2 in around and len(around) <= MOST_SHOWN
    messages = conversation(turns, TurnTree(parents, head=count, last=count), count)
    assert messages[0]["content"] == "5 earlier turns are not shown here."


def test_the_strip_marks_the_turn_and_says_where_branches_come_from(session: Session) -> None:
    session.label(2, "the green one")
    captions = [words for _, words in strip(session.turns, 3)]
    assert captions == [
        "1 drawn",
        "2 the green one",
        "▸ 3 remove the circle <b>now</b> (from 1)",
    ]


def test_edits_are_said_in_the_words_of_the_picture() -> None:
    region = toys.plan().regions[0].model_copy(update={"id": "moon-1", "prompt": "a moon"})
    edits = (
        AddRegion(region=region),
        RemoveRegion(id="circle-1"),
        MoveRegion(id="star-1", z=2),
        ModifyRegion(id="star-1", negative="blue"),
        SetBase(base_prompt="at night"),
    )
    assert changes(edits, toys.plan()) == [
        "Added a moon",
        "Removed a blue circle",
        "Moved a red star",
        "Changed the settings of a red star",
    ]
    assert changes(edits[-1:], None) == ["Changed the words of the whole picture"]
    assert changes((), None) == []


def test_a_verdict_counts() -> None:
    assert verdict(critique(1, 0, 1, 1)) == "0.75, 3 of 4 things right"
    assert verdict(critique()) == "1.00, nothing to check"
