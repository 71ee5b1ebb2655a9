"""A planner that is watched, and given up."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any

import pytest

from rpg.chat import Delta, Message, Usage
from rpg.errors import ChatError, PromptError
from rpg.events import Notice, Planned, Thinking
from rpg.planners import LLMPlanner, RulePlanner, StreamingPlanner
from tests.planners.llm.helpers import PROMPT, planner, said


class Dripping:
    """A model whose pieces can be counted and whose end can be seen."""

    name = "dripping"
    usage = Usage()

    def __init__(self, *deltas: Delta) -> None:
        self.deltas = deltas
        self.given = 0
        self.closed = False

    def complete(self, messages: Sequence[Message], **words: Any) -> str:
        raise AssertionError("the planner streams")

    def stream(
        self,
        messages: Sequence[Message],
        *,
        schema: Mapping[str, Any] | None = None,
        images: Sequence[Any] = (),
    ) -> Generator[Delta, None, None]:
        try:
            for delta in self.deltas:
                self.given += 1
                yield delta
        finally:
            self.closed = True


def letters(text: str) -> list[Delta]:
    return [Delta(letter) for letter in text]


def test_planners_that_stream_are_told_from_those_that_do_not() -> None:
    assert isinstance(planner([])[0], StreamingPlanner)
    assert not isinstance(RulePlanner(), StreamingPlanner)


def test_the_reasoning_comes_before_the_plan_that_ends_the_stream() -> None:
    chat = Dripping(Delta("aside", "reasoning"), *letters(said()))
    *thoughts, last = LLMPlanner(chat, cache=False).stream(PROMPT)
    assert all(isinstance(one, Thinking) for one in thoughts)
    text = "".join(one.text for one in thoughts if isinstance(one, Thinking))
    assert text == "aside\nThe star is above the circle: two rows.\n"
    assert isinstance(last, Planned)
    assert last.plan == LLMPlanner(Dripping(*letters(said())), cache=False).plan(PROMPT)
    assert chat.closed


def test_thoughts_are_told_as_soon_as_they_are_known() -> None:
    chat = Dripping(*letters(said(reasoning="Wait. " * 20)))
    for event in LLMPlanner(chat, cache=False).stream(PROMPT):
        if isinstance(event, Thinking) and event.text:
            break
    assert 0 < chat.given < 40


def test_closing_it_ends_the_request() -> None:
    chat = Dripping(*letters(said()))
    events = LLMPlanner(chat, cache=False).stream(PROMPT)
    next(events)
    events.close()
    assert chat.closed
    assert chat.given == 1


def test_what_came_before_a_restart_is_void() -> None:
    half = letters(said()[:60])
    chat = Dripping(*half, Delta("the line broke", "restart"), *letters(said()))
    events = list(LLMPlanner(chat, cache=False).stream(PROMPT))
    (restart,) = [one for one in events if isinstance(one, Thinking) and one.restart]
    assert restart.text == "the line broke"
    after = events[events.index(restart) + 1 :]
    text = "".join(one.text for one in after if isinstance(one, Thinking))
    assert text == "The star is above the circle: two rows.\n"
    assert isinstance(events[-1], Planned)
    assert events[-1].plan.regions[0].id == "star-1"


def test_a_second_question_is_a_restart_that_says_why() -> None:
    events = list(planner(["no", said()])[0].stream(PROMPT))
    (restart,) = [one for one in events if isinstance(one, Thinking) and one.restart]
    assert restart.text.startswith("Asked again: there is no whole JSON object")


def test_an_endless_answer_is_cut_off() -> None:
    class Endless(Dripping):
        def stream(self, *args: Any, **words: Any) -> Generator[Delta, None, None]:
            try:
                while True:
                    self.given += 1
                    yield Delta("x" * 10_000)
            finally:
                self.closed = True

    chat = Endless()
    made = LLMPlanner(chat, cache=False, fallback="rules").plan(PROMPT)
    assert made.source == "rules instead of dripping"
    assert chat.closed
    assert chat.given < 50


def test_a_notice_says_when_the_rules_stand_in() -> None:
    events = list(planner([ChatError("gone")], fallback="rules")[0].stream(PROMPT))
    assert [type(one) for one in events] == [Notice, Planned]
    assert events[0] == Notice("the rule planner stands in for scripted: gone")


def test_errors_come_when_the_stream_is_read() -> None:
    with pytest.raises(PromptError):
        next(planner([])[0].stream(" "))
