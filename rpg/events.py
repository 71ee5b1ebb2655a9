"""The typed events that every long operation yields, in the order in which they come.

    Thinking ... ---> Planned     once a prompt; thoughts only where a language model plans
    Step ... Step ---> Rendered   once a prompt, after all are planned
    Notice                        whenever there is something to say
    Failed                        in place of all that would have followed

The command line, the web UI, tests and benchmarks are consumers of the same stream.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL.Image import Image

    from rpg.critique import Critique
    from rpg.errors import RPGError
    from rpg.metadata import Record
    from rpg.plans.edits import AnyEdit
    from rpg.plans.plan import Plan


@dataclass(frozen=True, slots=True)
class Thinking:
    """A piece of a language model's reasoning, as it is written.

    `restart`: what came before is void, since the model was asked again; the text says why.
    """

    text: str
    restart: bool = False
    prompt_index: int = 0


@dataclass(frozen=True, slots=True)
class Planned:
    """The plan of prompt number `prompt_index` (from 0) stands; it is what will be drawn."""

    plan: Plan
    prompt_index: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """Step `i` of `n` (from 1) is done.

    `preview` shows the first picture of the batch as it stands; None between previews. Where
    several prompts are drawn at once, their steps are told once, as those of the first.
    """

    i: int
    n: int
    preview: Image | None = None
    prompt_index: int = 0


@dataclass(frozen=True, slots=True)
class Rendered:
    """The pictures of one prompt, each with the record that makes it again on its own.

    `images` is a list of PIL images, or the array or tensor that `output_type` asked for, first
    axis the picture.
    """

    images: Any
    records: tuple[Record, ...]
    plan: Plan
    prompt_index: int = 0


@dataclass(frozen=True, slots=True)
class Edited:
    """What the following steps will draw anew.

    Attributes:
        plan: What the picture will show.
        edits: By which that differs from what it showed; none where regions are only drawn again.
        mask: Where: greyscale, of the picture's size, black stays; None for a picture from nothing.
        why: In words.
        round: Of a refinement, from 1; 0 for an edit alone.
    """

    plan: Plan
    edits: tuple[AnyEdit, ...]
    mask: Image | None
    why: str = ""
    round: int = 0


@dataclass(frozen=True, slots=True)
class Critiqued:
    """What the critic says of the pictures of a round, 0 being the first drawing.

    Attributes:
        critique: Of the round's best picture.
        kept: Whether that picture is the best so far.
        best: The best score so far, 0 to 1.
        round: From 0.
        index: Of the round's best picture among the `Rendered` ones.
    """

    critique: Critique
    kept: bool
    best: float
    round: int
    index: int = 0


@dataclass(frozen=True, slots=True)
class Refined:
    """The outcome of a refinement: its best picture, and why it ended.

    Attributes:
        image: The best picture.
        record: What it was made with.
        plan: What it shows.
        critique: What the critic says of it.
        rounds: How many were drawn after the first picture.
        reason: Why it ended, in words.
    """

    image: Image
    record: Record
    plan: Plan
    critique: Critique
    rounds: int
    reason: str


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the user should know and that stops nothing, in one line.

    `prompt_index`: of which prompt; None: of the whole call.
    """

    text: str
    prompt_index: int | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """The operation ended with `error`; nothing follows."""

    error: RPGError


Event = Thinking | Planned | Step | Rendered | Edited | Critiqued | Refined | Notice | Failed
