"""Events folded into snapshots."""

from __future__ import annotations

from PIL import Image

from rpg.critique import Critique
from rpg.errors import ModelError
from rpg.events import Critiqued, Edited, Failed, Notice, Planned, Rendered, Step, Thinking
from rpg.plans.plan import Plan
from ui.progress import Phase, Snapshot, heard

PLAN = Plan(prompt="a red star", reasoning="a star")
PICTURE = Image.new("RGB", (8, 8), "red")


def told(*events: object, every: float = 1.0) -> Snapshot:
    """The snapshot after events that come so many seconds apart."""
    shot = Snapshot(phase=Phase.WORKING)
    for number, event in enumerate(events):
        shot = heard(shot, event, number * every, turns=(number,))  # type: ignore[arg-type]
    return shot


def test_thoughts_grow_and_begin_anew() -> None:
    assert told(Thinking("one "), Thinking("two")).thoughts == "one two"
    assert told(Thinking("one "), Thinking("again: ", restart=True)).thoughts == "again: "


def test_the_plan_brings_its_own_reasoning() -> None:
    shot = told(Thinking("um"), Planned(PLAN))
    assert (shot.plan, shot.thoughts) == (PLAN, "a star")


def test_time_left_goes_by_the_pace_after_the_first_step() -> None:
    assert told(Step(1, 10)).seconds_left is None
    assert told(Step(1, 10), Step(2, 10), Step(3, 10), every=2.0).seconds_left == 14.0
    assert told(*(Step(i, 3) for i in (1, 2, 3))).seconds_left == 0.0


def test_a_preview_stays_until_the_next() -> None:
    shot = told(Step(1, 3, PICTURE), Step(2, 3))
    assert shot.preview is PICTURE
    assert told(Step(1, 3, PICTURE), Rendered([PICTURE], (), PLAN)).preview is None


def test_rounds_hold_edit_pictures_and_verdict() -> None:
    edited = Edited(PLAN, (), None, "another seed", 1)
    good, bad = Critique(score=1.0), Critique(score=0.5)
    shot = told(
        Rendered([PICTURE], (), PLAN),
        Critiqued(bad, True, 0.5, 0),
        edited,
        Rendered([PICTURE], (), PLAN),
        Critiqued(good, True, 1.0, 1),
    )
    first, second = shot.rounds
    assert (first.edited, first.turns, first.critiqued) == (
        None,
        (0,),
        Critiqued(bad, True, 0.5, 0),
    )
    assert (second.edited, second.turns) == (edited, (3,))
    assert second.critiqued is not None and second.critiqued.critique == good
    assert shot.turns == (0, 3)


def test_a_verdict_on_a_picture_that_was_there_is_a_round_without_pictures() -> None:
    verdict = Critiqued(Critique(score=0.5), True, 0.5, 0)
    shot = told(verdict, Edited(PLAN, (), None, "", 1), Rendered([PICTURE], (), PLAN))
    assert [(one.critiqued, one.turns) for one in shot.rounds] == [(verdict, ()), (None, (2,))]


def test_the_best_turn_is_that_of_the_last_round_that_was_kept() -> None:
    def verdict(kept: bool, index: int = 0) -> Critiqued:
        return Critiqued(Critique(score=0.5), kept, 0.5, 1, index)

    there, drawn = verdict(True), (Edited(PLAN, (), None, "", 1), Rendered([PICTURE], (), PLAN))
    assert told(there).best is None
    assert told(there, *drawn, verdict(False)).best is None
    assert told(there, *drawn, verdict(True), *drawn, verdict(False), *drawn).best == 2
    shot = heard(Snapshot(), drawn[1], 0.0, turns=(7, 8))
    assert heard(shot, verdict(True, 1), 1.0).best == 8


def test_a_notice_is_said_once() -> None:
    assert told(Notice("mind"), Notice("the"), Notice("mind")).notices == ("mind", "the")


def test_a_failure_is_over_and_keeps_what_there_was() -> None:
    shot = told(Planned(PLAN), Step(1, 4), Failed(ModelError("no memory is left")))
    assert (shot.phase, shot.error, shot.plan) == (Phase.FAILED, "no memory is left", PLAN)
    assert shot.phase.over
