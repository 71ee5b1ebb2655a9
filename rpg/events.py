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

    from rpg.errors import RPGError
    from rpg.metadata import Record
    from rpg.plan import Plan


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

    `preview` shows the first picture of the batch as it stands; None between previews.
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
class Notice:
    """Something the user should know and that stops nothing, in one line."""

    text: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The operation ended with `error`; nothing follows."""

    error: RPGError


Event = Thinking | Planned | Step | Rendered | Notice | Failed
