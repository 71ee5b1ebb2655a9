"""Events of a batch, in the order in which they come.

    Counted                      once, before anything is loaded
    Progress ... PictureDrawn    for each pass; PictureDrawn comes once the file is complete
    Said                         whenever there is something to know of a row
    Faulty                       a row whose picture could not be drawn

A dry run tells of what it would draw by `Wanted`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rpg.batch.pictures import Picture
    from rpg.batch.rows import Fault
    from rpg.metadata import Record
    from rpg.plans.plan import Plan

__all__ = ["BatchEvent", "Counted", "PictureDrawn", "Faulty", "Progress", "Said", "Wanted"]


@dataclass(frozen=True, slots=True)
class Counted:
    """Of this process's share: `done` pictures are there, `todo` will be drawn now."""

    done: int
    todo: int
    left: int  # beyond the limit, for another run


@dataclass(frozen=True, slots=True)
class Progress:
    """Step `i` of `n` of a pass whose `pictures` are to be kept."""

    pictures: int
    i: int
    n: int


@dataclass(frozen=True, slots=True)
class PictureDrawn:
    """A picture is there, and in the manifest."""

    picture: Picture
    path: Path
    record: Record


@dataclass(frozen=True, slots=True)
class Said:
    """Something to know of the row of a line, or of the whole batch where that is 0."""

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Faulty:
    """A picture could not be drawn; the next run tries again."""

    fault: Fault


@dataclass(frozen=True, slots=True)
class Wanted:
    """A picture would be drawn from this plan."""

    picture: Picture
    plan: Plan


BatchEvent = Counted | Progress | PictureDrawn | Said | Faulty | Wanted
