"""Refinements find their planner while they work, not while the page waits."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field

import pytest

from rpg.errors import SettingsError
from rpg.loop.bounds import Bounds
from rpg.planners import Planner, RulePlanner
from rpg.session import Session
from tests.ui import toys
from ui import auto
from ui.changing import Told
from ui.planner_choice import PlannerChoice
from ui.progress import Phase
from ui.workshop import Workshop

ONCE = Bounds(rounds=1)
NOBODY = PlannerChoice("openai", base_url="http://127.0.0.1:9/v1")


@pytest.fixture
def kept(shop: Workshop) -> Session:
    return toys.session(shop.sessions)


@dataclass
class Found:
    """How planners are found: after a while, and in which threads."""

    gate: threading.Event = field(default_factory=threading.Event)
    threads: list[str] = field(default_factory=list)

    def planner(self, _: PlannerChoice) -> Planner:
        self.threads.append(threading.current_thread().name)
        self.gate.wait(10)
        return RulePlanner()


def test_a_planner_is_looked_for_once_and_nobody_waits_for_it(
    shop: Workshop, kept: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = Found()
    monkeypatch.setattr(PlannerChoice, "planner", lambda choice: found.planner(choice))
    job = shop.refine(kept.id, 1, ONCE, critic="toybox", choice=PlannerChoice("openai"))
    assert not job.over
    found.gate.set()
    shot = asyncio.run(job.finished())
    assert shot.phase is Phase.DONE and len(shot.rounds) == 1
    (thread,) = found.threads
    assert thread.startswith("model")


@pytest.mark.parametrize("critic", ["", "toybox", "vlm", "toybox,vlm"])
def test_a_planner_that_nobody_can_reach_is_one_line_and_loses_nothing(
    shop: Workshop, kept: Session, critic: str
) -> None:
    async def told() -> list[Told]:
        stream = auto.refine(shop, kept.id, 1, (1, 0, 1), critic, NOBODY)
        return [one async for one in stream]

    *before, last = asyncio.run(told())
    assert last.failed and last.turn is None and not any(one.failed for one in before)
    assert last.line.startswith("Cannot reach http://127.0.0.1:9/v1: ") and "\n" not in last.line
    assert [turn.id for turn in kept.refresh().turns] == [1] and kept.head == 1
    again = asyncio.run(shop.refine(kept.id, 1, ONCE, critic="toybox").finished())
    assert again.phase is Phase.DONE


def test_rules_that_are_to_look_are_refused_at_once(shop: Workshop, kept: Session) -> None:
    refused = pytest.raises(SettingsError, match="choose a language model as planner")
    with refused:
        shop.refine(kept.id, 1, ONCE, critic="toybox,vlm", choice=PlannerChoice())
    with refused:
        shop.review(kept.id, 1, critic="toybox,vlm", choice=PlannerChoice())


def test_a_model_without_a_critic_needs_one_that_is_chosen(
    shop: Workshop, kept: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shop.rpg, "critic", None)
    for job in (shop.refine(kept.id, 1, ONCE), shop.review(kept.id, 1)):
        shot = asyncio.run(job.finished())
        assert shot.phase is Phase.FAILED and "choose a language model that sees" in shot.error
