"""What every planner offers."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing
from typing import Protocol, runtime_checkable

from rpg.errors import PlanError, PromptError
from rpg.events import Notice, Planned, Thinking
from rpg.plans.plan import MAX_PROMPT_CHARS, Plan


class Planner(Protocol):
    """Turns a prompt into a plan: regions of the canvas, each with its own subprompt."""

    def plan(
        self, prompt: str, *, previous: Plan | None = None, instruction: str | None = None
    ) -> Plan:
        """Plans a picture.

        Args:
            prompt: What the picture should show.
            previous: A plan to start from, where `instruction` asks for a change.
            instruction: The change to make to `previous`, in words.

        Returns:
            A valid plan whose `reasoning` says how it came about.

        Raises:
            PromptError: The prompt is blank or too long.
            PlanError: No plan can be made of it, or the planner cannot follow instructions.
        """
        ...


@runtime_checkable
class StreamingPlanner(Planner, Protocol):
    """A planner that can be watched thinking."""

    def stream(
        self, prompt: str, *, previous: Plan | None = None, instruction: str | None = None
    ) -> Generator[Thinking | Notice | Planned, None, None]:
        """The same as `plan`, as events of which `Planned` is the last; closing it gives up."""
        ...


def streamed(
    planner: Planner, prompt: str, *, previous: Plan | None = None, instruction: str | None = None
) -> Generator[Thinking | Notice | Planned, None, None]:
    """What a planner tells, whether it can be watched or not; closing it gives up.

    Args:
        planner: Is asked.
        prompt: As in `Planner.plan`.
        previous: Likewise.
        instruction: Likewise.

    Yields:
        Events of which `Planned` is the last, and is never missing.

    Raises:
        PlanError: The planner ended without a plan.
        RPGError: As the planner does.
    """
    if not isinstance(planner, StreamingPlanner):
        yield Planned(planner.plan(prompt, previous=previous, instruction=instruction))
        return
    with closing(planner.stream(prompt, previous=previous, instruction=instruction)) as events:
        for event in events:
            yield event
            if isinstance(event, Planned):
                return
    raise PlanError(f"{type(planner).__name__} ended without a plan")


def plan_with_events(
    planner: Planner,
    prompt: str,
    emit: Callable[[Thinking | Notice], None],
    *,
    previous: Plan | None = None,
    instruction: str | None = None,
) -> Plan:
    """The plan, after `emit` was called with every event of a planner that streams.

    An exception in `emit` ends the planning.

    Raises:
        PlanError: The planner ended without a plan.
        RPGError: As the planner does.
    """
    events = streamed(planner, prompt, previous=previous, instruction=instruction)
    with closing(events) as events:
        for event in events:
            if isinstance(event, Planned):
                return event.plan
            emit(event)
    raise AssertionError("planning ends with a plan or an error")


def checked_prompt(prompt: str, what: str = "prompt") -> str:
    """The prompt, or an instruction, without the white space around it.

    Raises:
        PromptError: It is blank, or over 8,000 characters.
    """
    text = prompt.strip()
    if not text:
        raise PromptError(f"the {what} is empty; say what the picture should show")
    if len(text) > MAX_PROMPT_CHARS:
        raise PromptError(
            f"the {what} has {len(text):,} characters; shorten it to {MAX_PROMPT_CHARS:,}"
        )
    return text
