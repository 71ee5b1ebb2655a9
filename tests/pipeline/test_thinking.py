"""The pipeline hands on what a planner thinks, and gives it up when it is closed."""

from __future__ import annotations

import threading
from collections.abc import Generator
from typing import Any

from rpg.events import Failed, Notice, Planned, Rendered, Thinking
from rpg.pipeline import RPGPipeline
from rpg.plans.plan import Plan
from tests.pipeline.helpers import PROMPT, QUICK, columns


class Watched:
    """A planner that thinks aloud."""

    def __init__(self, *events: Thinking | Notice) -> None:
        self.events = events
        self.closed = threading.Event()
        self.go_on = threading.Event()

    def plan(
        self, prompt: str, *, previous: Plan | None = None, instruction: str | None = None
    ) -> Plan:
        raise AssertionError("a planner that can be watched is watched")

    def stream(
        self, prompt: str, *, previous: Plan | None = None, instruction: str | None = None
    ) -> Generator[Thinking | Notice | Planned, None, None]:
        try:
            for event in self.events:
                yield event
                self.go_on.wait(60)
            yield Planned(columns(prompt, prompt.split(" and ")))
        finally:
            self.closed.set()


def test_thoughts_come_before_the_plan_with_the_number_of_their_prompt(pipe: Any) -> None:
    planner = Watched(Thinking("two "), Thinking(""), Notice("by rules"), Thinking("columns"))
    planner.go_on.set()
    events = list(RPGPipeline.from_pipe(pipe, planner=planner).stream([PROMPT, PROMPT], **QUICK))
    kinds = [type(event).__name__ for event in events]
    once = ["Thinking", "Notice", "Thinking"]
    assert kinds[:8] == [*once, *once, "Planned", "Planned"]
    told = [(e.text, e.prompt_index) for e in events if isinstance(e, Thinking | Notice)]
    words = ["two ", "by rules", "columns"]
    assert told == [(text, index) for index in (0, 1) for text in words]
    assert isinstance(events[-1], Rendered)


def test_a_plain_call_hears_the_plan_alone(pipe: Any) -> None:
    planner = Watched(Thinking("two columns"))
    planner.go_on.set()
    output = RPGPipeline.from_pipe(pipe, planner=planner)(PROMPT, **QUICK)
    assert len(output.plans[0].regions) == 2


def test_closing_the_stream_gives_the_planner_up(pipe: Any) -> None:
    planner = Watched(Thinking("hm"), Thinking("hm"))
    events = RPGPipeline.from_pipe(pipe, planner=planner).stream(PROMPT, **QUICK)
    assert next(events) == Thinking("hm")
    events.close()
    assert not planner.closed.is_set()
    planner.go_on.set()
    assert planner.closed.wait(60)


def test_a_stream_without_a_plan_is_a_failure(pipe: Any) -> None:
    class Dumb(Watched):
        def stream(self, *args: Any, **words: Any) -> Generator[Any, None, None]:
            yield Thinking("hm")

    events = list(RPGPipeline.from_pipe(pipe, planner=Dumb()).stream(PROMPT, **QUICK))
    assert [type(event) for event in events] == [Thinking, Failed]
