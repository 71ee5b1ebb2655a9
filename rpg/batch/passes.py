"""Passes: pictures that can go through the model together, and their share among processes.

Both follow from the file alone: what was drawn before changes neither, since a pass of several
pictures rounds otherwise than one of a single picture, and a run that goes on has to draw what a
run without a break would have drawn.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rpg.batch.pictures import Picture
from rpg.errors import SettingsError

__all__ = ["Pass", "Shard", "Window", "passes", "windows"]

_MAX_SHARDS = 10_000
_WINDOW = 4  # calls' worth of pictures: enough to find some that are alike


@dataclass(frozen=True)
class Pass:
    """Pictures of one plan with the same settings, which differ in their seeds.

    Attributes:
        pictures: All of them.
        wanted: Ids of those that are to be kept; the others are drawn with them, and are there.
    """

    pictures: tuple[Picture, ...]
    wanted: frozenset[str]

    @property
    def subject(self) -> str:
        """Of all pictures."""
        return self.pictures[0].subject

    @property
    def missing(self) -> tuple[Picture, ...]:
        """The pictures that are to be kept."""
        return tuple(one for one in self.pictures if one.id in self.wanted)


Window = tuple[Pass, ...]
"""Passes among which those are joined whose plans turn out alike; see `rpg.batch.joining`."""


@dataclass(frozen=True)
class Shard:
    """Part `index`, from 1, of a batch that `count` processes share."""

    index: int = 1
    count: int = 1

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Reads "2/8".

        Raises:
            SettingsError: Not of that form, or no such part.
        """
        found = re.fullmatch(r"\s*(\d{1,6})\s*/\s*(\d{1,6})\s*", text)
        if found is None or not 1 <= int(found[1]) <= int(found[2]) <= _MAX_SHARDS:
            raise SettingsError(f"--shard {text!r:.40}: expected I/N, such as 1/4 up to 4/4")
        return cls(int(found[1]), int(found[2]))

    def named(self, stem: str) -> str:
        """The name of this part's own file."""
        part = f"-{self.index}-of-{self.count}" if self.count > 1 else ""
        return f"{stem}{part}.jsonl"

    def of(self, all_: Sequence[Window]) -> list[Window]:
        """This part's share: every `count`-th window."""
        return list(all_[self.index - 1 :: self.count])


def passes(pictures: Iterable[Picture], size: int) -> list[Pass]:
    """Pictures of equal groups by up to `size`, in the order in which groups first appear."""
    groups: dict[str, list[Picture]] = {}
    for one in pictures:
        groups.setdefault(one.group, []).append(one)
    found = []
    for members in groups.values():
        for first in range(0, len(members), size):
            part = tuple(members[first : first + size])
            found.append(Pass(part, frozenset(one.id for one in part)))
    return found


def windows(all_: Sequence[Pass], size: int) -> list[Window]:
    """Passes in windows of a few calls' worth of pictures, in the order of their first passes.

    One that leaves no room for its like can be joined with none, and is a window of its own.
    """
    found: list[list[Pass]] = []
    open_: list[Pass] = []
    room = 0  # for so many pictures in `open_`
    for one in all_:
        if 2 * len(one.pictures) > size:
            found.append([one])
            continue
        if room <= 0:
            open_, room = [], size * _WINDOW
            found.append(open_)
        open_.append(one)
        room -= len(one.pictures)
    return [tuple(window) for window in found]
