"""What a prompt asks for, written down when the prompt is made and not read out of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from benchmarks.cases import article
from rpg.plans.geometry import Box
from rpg.plans.plan import Plan, Region
from rpg.toybox.scene import LARGEST_SIDE, SMALLEST_SIDE, Scene, Thing
from rpg.toybox.vocabulary import DEFAULT_PLACE, plural

__all__ = ["CORNERS", "Group", "Item", "Relation", "Way", "cells", "chunked"]

Way = Literal["left", "right", "above", "below"]
CORNERS = ("top left", "top right", "bottom left", "bottom right")
_NUMBERS = ("", "", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_MOST_COLUMNS = 3
_FILLED = 0.6  # of a cell's shorter side, by a thing in the ground-truth picture


@dataclass(frozen=True, slots=True)
class Group:
    """So many things of one colour and shape, 1 to 9; of one fill where the prompt names it."""

    colour: str
    name: str
    count: int = 1
    fill: str | None = None

    @property
    def words(self) -> str:
        """As a prompt says it: "a red star", "three striped red stars"."""
        looks = f"{self.fill} {self.colour}" if self.fill else self.colour
        if self.count == 1:
            return f"{article(looks)} {self.name}"
        return f"{_NUMBERS[self.count]} {looks} {plural(self.name)}"


@dataclass(frozen=True, slots=True)
class Relation:
    """Every thing of a group stands so, seen from every thing of another; groups by number."""

    subject: int
    way: Way
    object: int


@dataclass(frozen=True, slots=True)
class Item:
    """A prompt and its ground truth.

    Attributes:
        id: The category and a number, such as "color-007".
        category: One of `benchmarks.suite.prompts.CATEGORIES`.
        number: Among the prompts of the category, from 0.
        prompt: What is asked for, in words.
        groups: The things; no two groups are of one kind.
        relations: How they stand, as far as the prompt says.
        corners: Groups that the prompt puts into a corner of the picture, with its name.
        scene: The place that the prompt names; None where it names none.
        layout: Cells that tile the canvas, each with the number of its group.
    """

    id: str
    category: str
    number: int
    prompt: str
    groups: tuple[Group, ...]
    relations: tuple[Relation, ...]
    corners: tuple[tuple[int, str], ...]
    scene: str | None
    layout: tuple[tuple[int, Box], ...]

    @property
    def total(self) -> int:
        """How many things are asked for."""
        return sum(group.count for group in self.groups)

    def plan(self) -> Plan:
        """The ground-truth layout as a plan: one region for every thing."""
        regions = []
        for number, (index, box) in enumerate(self.layout, start=1):
            group = self.groups[index]
            said = replace(group, count=1).words
            words = f"{said} {self.scene}" if self.scene else said
            regions.append(Region(id=f"{group.name}-{number}", prompt=words, box=box))
        return Plan(prompt=self.prompt, regions=tuple(regions), source="truth")

    def scene_of(self, width: int, height: int) -> Scene:
        """The ground truth as a picture for Toybox's renderer, of so many pixels."""
        things = []
        for index, box in self.layout:
            group, (x, y) = self.groups[index], box.center
            side = _FILLED * min(box.width * width, box.height * height)
            side = min(max(side, SMALLEST_SIDE), LARGEST_SIDE)
            looks = (group.name, group.colour, x * width, y * height, side)
            things.append(Thing(*looks, group.fill or "plain"))
        return Scene(width, height, tuple(things), self.scene or DEFAULT_PLACE)


def cells(rows: Sequence[Sequence[int]]) -> tuple[tuple[int, Box], ...]:
    """Groups by rows and columns -> cells that tile the canvas; rows are equally high."""
    found = []
    for y, row in enumerate(rows):
        for x, index in enumerate(row):
            box = Box(x / len(row), y / len(rows), (x + 1) / len(row), (y + 1) / len(rows))
            found.append((index, box))
    return tuple(found)


def chunked(indices: Sequence[int]) -> list[list[int]]:
    """Things in as few rows of at most three as will do, their lengths as equal as they go."""
    count = 2 if len(indices) == 4 else -(-len(indices) // _MOST_COLUMNS)
    edges = [round(len(indices) * row / count) for row in range(count + 1)]
    return [list(indices[a:b]) for a, b in zip(edges, edges[1:], strict=False)]
