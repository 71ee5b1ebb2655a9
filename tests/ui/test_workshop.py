"""Refinements find their planner, and ask it, while nobody else waits for it."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field

import pytest

from rpg.errors import SettingsError
from rpg.planners import Planner, RulePlanner
from rpg.refinement.budget import Budget
from rpg.session import Session
from rpg.settings import GenerationSettings
from tests.ui import toys
from ui import auto
from ui.changing import Told
from ui.jobs import Job
from ui.planner_choice import PlannerChoice
from ui.progress import Phase, Snapshot
from ui.workshop import Workshop

ONCE = Budget(rounds=1)
NOBODY = PlannerChoice("openai", base_url="http://127.0.0.1:9/v1")


@pytest.fixture
def kept(shop: Workshop) -> Session:
    return toys.session(shop.sessions)


@dataclass
class Found:
    """How planners are found: after a while, and in which threads."""

    gate: threading.Event = field(default_factory=threading.Event)
    threads: list[str] = field(default_factory=list)

    def planner(self, *_: object) -> Planner:
        self.threads.append(threading.current_thread().name)
        self.gate.wait(60)
        return RulePlanner()


def test_a_planner_is_looked_for_once_and_nobody_waits_for_it(
    shop: Workshop, kept: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = Found()
    monkeypatch.setattr(PlannerChoice, "planner", found.planner)
    job = shop.refine(kept.id, 1, ONCE, critic="toybox", choice=PlannerChoice("openai"))
    assert not job.over
    found.gate.set()
    shot = asyncio.run(job.finished())
    assert shot.phase is Phase.DONE and len(shot.rounds) == 1
    (thread,) = found.threads
    assert thread.startswith("planner")


@pytest.fixture
def silent() -> Iterator[str]:
    """An endpoint that takes every connection and never answers."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/v1"


def drawing(shop: Workshop) -> Job:
    return shop.plain(toys.plan(), GenerationSettings(num_inference_steps=2, width=64, height=64))


def ended(job: Job, within: float = 60.0) -> Snapshot:
    """Far sooner than anybody gives up an endpoint that is silent."""
    return asyncio.run(asyncio.wait_for(job.finished(), within))


def test_an_endpoint_that_is_silent_while_it_is_looked_for_stops_nobodys_drawing(
    shop: Workshop, kept: Session, silent: str
) -> None:
    job = shop.refine(kept.id, 1, ONCE, critic="toybox", choice=PlannerChoice("openai", "", silent))
    waiting = drawing(shop)
    assert waiting.shot.ahead == 0
    assert ended(waiting).phase is Phase.DONE
    time.sleep(0.5)
    assert not job.over
    job.cancel()
    assert job.over and job.shot.phase is Phase.CANCELLED and not job.shot.error
    assert ended(drawing(shop)).phase is Phase.DONE
    assert shop.jobs.of(kept.id) is None
    assert [turn.id for turn in kept.refresh().turns] == [1] and kept.head == 1


def test_a_critic_that_is_silent_can_be_cancelled(
    shop: Workshop, kept: Session, silent: str
) -> None:
    choice = PlannerChoice("openai", "some", silent)
    job = shop.refine(kept.id, 1, ONCE, critic="vlm", choice=choice)
    begun = time.monotonic()
    while job.shot.phase is Phase.WAITING and time.monotonic() - begun < 60:
        time.sleep(0.01)
    time.sleep(0.5)
    assert job.shot.phase is Phase.WORKING
    job.cancel()
    assert ended(job).phase is Phase.CANCELLED and not job.shot.error
    assert ended(drawing(shop)).phase is Phase.DONE
    assert [turn.id for turn in kept.refresh().turns] == [1]


def test_a_plan_that_nobody_waits_for_frees_its_planner(shop: Workshop, silent: str) -> None:
    jobs = [shop.plan("a star", PlannerChoice("openai", "some", silent)) for _ in range(16)]
    time.sleep(0.5)
    for job in jobs:
        job.cancel()
    assert all(job.shot.phase is Phase.CANCELLED for job in jobs)
    assert ended(shop.plan("a red star")).phase is Phase.DONE


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
