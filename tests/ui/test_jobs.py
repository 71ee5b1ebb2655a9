"""Work in queues: order, cancelling, failures, watching."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Generator, Iterator

import pytest

from rpg.errors import ModelError, SettingsError
from rpg.events import Event, Failed, Notice, Step
from ui.jobs import Job, Jobs
from ui.progress import Phase, Snapshot

Events = Generator[Event, None, None]


@pytest.fixture
def jobs() -> Iterator[Jobs]:
    made = Jobs(most=4)
    yield made
    made.close()


def steps(count: int, gate: threading.Event | None = None) -> Callable[[], Events]:
    """Work of so many steps, that waits at the gate after the first."""

    def work() -> Events:
        for number in range(1, count + 1):
            yield Step(number, count)
            if gate is not None:
                gate.wait(60)

    return work


def ended(job: Job) -> Snapshot:
    return asyncio.run(asyncio.wait_for(job.finished(), 60))


def until(holds: Callable[[], bool]) -> None:
    limit = time.monotonic() + 60  # a busy machine is late, what does not work never comes
    while not holds():
        assert time.monotonic() < limit
        time.sleep(0.005)


def test_one_draws_at_a_time_and_the_others_know_their_place(jobs: Jobs) -> None:
    gate = threading.Event()
    first, second, third = (jobs.draw(steps(3, gate)) for _ in range(3))
    until(lambda: first.shot.step == 1)
    assert [second.shot.phase, second.shot.ahead] == [Phase.WAITING, 1]
    assert third.shot.ahead == 2
    gate.set()
    assert [ended(job).step for job in (first, second, third)] == [3, 3, 3]


def test_planning_waits_for_no_drawing(jobs: Jobs) -> None:
    gate = threading.Event()
    drawing = jobs.draw(steps(2, gate))
    assert ended(jobs.think(steps(2))).phase is Phase.DONE
    assert not drawing.over
    gate.set()


def test_cancelling_frees_the_model_within_a_step(jobs: Jobs) -> None:
    gate, closed = threading.Event(), threading.Event()

    def endless() -> Events:
        try:
            for number in range(1, 10**6):
                yield Step(number, 10**6)
                gate.wait(0.001)
        finally:
            closed.set()

    job = jobs.draw(endless)
    until(lambda: job.shot.step > 2)
    job.cancel()
    assert ended(job).phase is Phase.CANCELLED
    assert closed.wait(60)
    assert ended(jobs.draw(steps(1))).phase is Phase.DONE


def test_cancelling_what_waits_takes_it_out_at_once(jobs: Jobs) -> None:
    gate, tidied = threading.Event(), threading.Event()
    jobs.draw(steps(2, gate))
    waiting = jobs.draw(steps(2), after=tidied.set)
    third = jobs.draw(steps(1))
    waiting.cancel()
    assert waiting.over and tidied.is_set()
    assert third.shot.ahead == 1
    gate.set()
    assert ended(third).phase is Phase.DONE
    assert waiting.shot.step == 0


def test_too_many_are_refused_and_told_so(jobs: Jobs) -> None:
    gate = threading.Event()
    for _ in range(4):
        jobs.draw(steps(1, gate))
    with pytest.raises(SettingsError, match="try again"):
        jobs.draw(steps(1))
    gate.set()


def test_a_failure_is_said_and_the_next_goes_on(jobs: Jobs) -> None:
    def failing() -> Events:
        yield Step(1, 2)
        yield Failed(ModelError("out of memory: ask for a smaller picture"))

    def raising() -> Events:
        yield Notice("mind")
        raise ModelError("no such model")

    first, second = ended(jobs.draw(failing)), ended(jobs.draw(raising))
    assert (first.phase, first.error) == (Phase.FAILED, "out of memory: ask for a smaller picture")
    assert (second.phase, second.error, second.notices) == (
        Phase.FAILED,
        "no such model",
        ("mind",),
    )
    assert ended(jobs.draw(steps(1))).phase is Phase.DONE


def test_the_words_of_a_foreign_error_are_kept_from_page_and_log(
    jobs: Jobs, caplog: pytest.LogCaptureFixture
) -> None:
    secret = "-".join(["sk", "secret"])  # not in this file's lines, which a traceback shows

    def broken() -> Events:
        yield Step(1, 2)
        raise RuntimeError(f"Authorization: Bearer {secret}")

    with caplog.at_level(logging.DEBUG):
        shot = ended(jobs.draw(broken))
    assert shot.phase is Phase.FAILED and secret not in shot.error
    assert "RuntimeError" in caplog.text and secret not in caplog.text


def test_watching_ends_with_the_last_and_misses_no_ending(jobs: Jobs) -> None:
    async def seen(job: Job) -> list[Snapshot]:
        return [shot async for shot in job.watch(every=0.001)]

    job = jobs.draw(steps(5))
    shots = asyncio.run(seen(job))
    assert shots[-1].phase is Phase.DONE and shots[-1].step == 5
    assert asyncio.run(seen(job)) == [shots[-1]]


def test_a_session_has_its_newest_work(jobs: Jobs) -> None:
    gate = threading.Event()
    jobs.draw(steps(1, gate), session="a")
    newest = jobs.draw(steps(1, gate), session="a")
    jobs.draw(steps(1, gate), session="b")
    assert jobs.of("a") is newest and jobs.of("") is None and jobs.of("c") is None
    gate.set()
    ended(newest)
    assert jobs.of("a") is None


def test_closing_ends_everything() -> None:
    jobs, gate = Jobs(), threading.Event()
    first, second = jobs.draw(steps(10**6, gate)), jobs.draw(steps(2))
    until(lambda: first.shot.step == 1)
    gate.set()
    jobs.close()
    assert first.shot.phase is second.shot.phase is Phase.CANCELLED
