"""Joint passes: pictures of different plans that go through the model together."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rpg.batch.passes import Pass
from rpg.batch.pictures import Picture, how
from rpg.batch.rows import Row
from rpg.plans.plan import Plan

__all__ = ["Joint", "Part", "joined"]

Canvas = Callable[[Plan], tuple[int, int]]


@dataclass(frozen=True)
class Part:
    """A pass, and the plan that its pictures show."""

    drawn: Pass
    plan: Plan

    @classmethod
    def of(cls, one: Pass, plan: Plan) -> Part:
        """With what the row says about base and negative prompt written into the plan."""
        row = one.pictures[0].row
        negative = row.settings.negative_prompt or None
        return cls(one, plan.with_words(base_prompt=row.base_prompt, negative=negative))

    @property
    def alone(self) -> list[Part]:
        """Each picture that is to be kept, by itself."""
        some = self.drawn.missing
        return [Part(Pass((one,), frozenset({one.id})), self.plan) for one in some]


@dataclass(frozen=True)
class Joint:
    """What one call draws: parts alike in settings, canvas, regions and number of pictures."""

    parts: tuple[Part, ...]

    @property
    def plans(self) -> list[Plan]:
        """Of each part."""
        return [part.plan for part in self.parts]

    @property
    def pictures(self) -> list[Picture]:
        """Of all parts, in their order."""
        return [picture for part in self.parts for picture in part.drawn.pictures]

    def row(self, index: int) -> Row:
        """Of part number `index`, from 0."""
        return self.parts[index].drawn.pictures[0].row

    @property
    def wanted(self) -> int:
        """How many pictures are to be kept."""
        return sum(len(part.drawn.wanted) for part in self.parts)


def joined(parts: Sequence[Part], size: int, canvas: Canvas) -> list[Joint]:
    """Parts that are alike, up to `size` pictures at once, in the order in which kinds appear.

    Args:
        parts: A window's.
        size: The most pictures that go through the model together.
        canvas: Width and height of a plan's pictures where a row does not say them.
    """
    kinds: dict[str, list[Part]] = {}
    for part in parts:
        kinds.setdefault(_kind(part, canvas), []).append(part)
    found = []
    for alike in kinds.values():
        most = max(1, size // len(alike[0].drawn.pictures))
        firsts = range(0, len(alike), most)
        found += [Joint(tuple(alike[first : first + most])) for first in firsts]
    return found


def _kind(part: Part, canvas: Canvas) -> str:
    """To the encoders no negative prompt is not the same as an empty one."""
    pictures, plan = part.drawn.pictures, part.plan
    regions = len(plan.layers())
    words = [
        how(pictures[0].row),
        canvas(plan),
        regions,
        len(pictures),
        bool(plan.effective_negative),
    ]
    return json.dumps(words, sort_keys=True)
