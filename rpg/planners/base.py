"""What every planner offers."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from rpg.errors import PlanError, PromptError
from rpg.events import Notice, Planned, Thinking
from rpg.plans.plan import MAX_PROMPT_CHARS, Plan


@dataclass(frozen=True, slots=True)
class ModelNotes:
    """What a planner may want to know of the model that will draw.

    Attributes:
        sizes: Canvases that it draws well, width and height in pixels, the usual one first; a
            single one where the size is settled.
        region_side: Pixels below which a region's sides come out badly; 0 where nobody knows.
        tokens: Of a text that it reads at once; 0 where there is no bound.
        vocabulary: The words that it knows, in a sentence, where these are few; else empty.
        likes: Whether it was taught with sentences or with lists of tags.
    """

    sizes: tuple[tuple[int, int], ...]
    region_side: int = 0
    tokens: int = 75
    vocabulary: str = ""
    likes: Literal["sentences", "tags"] = "sentences"


class Planner(Protocol):
    """Turns a prompt into a plan: regions of the canvas, each with its own subprompt."""

    def plan(
        self, prompt: str, *, previous: Plan | None = None, instruction: str | None = None
    ) -> Plan:
        """Plans a picture.

        Args:
            prompt: What the picture should show, as the user wrote it; its weights are for the
                planner to take out and to give back (`rpg.planners.weights`).
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


@runtime_checkable
class NotedPlanner(Planner, Protocol):
    """A planner that plans for one model rather than another."""

    def noted(self, notes: ModelNotes) -> Planner:
        """The planner, for the model that these notes are of."""
        ...


def noted(planner: Planner, notes: ModelNotes) -> Planner:
    """The planner for a model, where it can make a difference; else as it is."""
    return planner.noted(notes) if isinstance(planner, NotedPlanner) else planner


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
