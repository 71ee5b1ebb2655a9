"""A plan taken apart so that edits can work on it, and put together again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from PIL import Image

from rpg.errors import LayoutError, PlanError
from rpg.plans.geometry import Box
from rpg.plans.plan import Plan, Region, decode_mask, encode_mask
from rpg.plans.scene import Scene

TOP = ""  # the parent of what stands in no other region: no id is empty
_SHOWN = 12


class Tree:
    """A plan in parts; valid again only when it is built.

    Attributes:
        base: Everything but the regions.
        own: Every region's values by id, without its children.
        children: Ids in order, by their parent's; `TOP` for those of the plan.
        parent: The other way round.
    """

    def __init__(self, plan: Plan) -> None:
        """Takes the plan apart."""
        self.base = {name: getattr(plan, name) for name in Plan.model_fields if name != "regions"}
        self.own: dict[str, dict[str, Any]] = {}
        self.children: dict[str, list[str]] = {TOP: []}
        self.parent: dict[str, str] = {}
        for region in plan.regions:
            self.add(region, TOP, None)

    def build(self) -> Plan:
        """The plan.

        Raises:
            PlanError: It breaks a rule of plans, such as the number of regions.
        """
        scene = Scene(**dict(self.scene))  # what edits have put together is checked here
        return Plan(**{**self.base, "scene": scene}, regions=self._built(TOP))

    @property
    def scene(self) -> Scene:
        """The plan's scene."""
        scene: Scene = self.base["scene"]
        return scene

    def update_scene(self, **values: Any) -> None:
        """Takes other values of the scene's fields."""
        self.base["scene"] = self.scene.model_copy(update=values)

    def shown(self) -> Counter[str]:
        """How many regions show each thing, by its id; parts within one that does count with it."""
        return Counter(
            thing
            for name, values in self.own.items()
            for thing in values["shows"]
            if not any(thing in self.own[outer]["shows"] for outer in self.around(name))
        )

    def around(self, name: str) -> Iterator[str]:
        """The regions that a region stands in, from within outwards."""
        while name := self.parent[name]:
            yield name

    def recount(self, before: Counter[str]) -> None:
        """Lets numbers follow that were those of the regions which show a thing.

        Args:
            before: How many regions showed each thing.
        """
        now = self.shown()
        things = tuple(
            one.model_copy(update={"count": now[one.id]})
            if one.count is not None and one.count == before[one.id] and 0 < now[one.id]
            else one
            for one in self.scene.things
        )
        if things != self.scene.things:
            self.update_scene(things=things)

    def _built(self, parent: str) -> tuple[Region, ...]:
        return tuple(
            Region(**self.own[name], children=self._built(name)) for name in self.children[parent]
        )

    def known(self, name: str) -> dict[str, Any]:
        """The region's values.

        Raises:
            PlanError: There is no such region.
        """
        if name not in self.own:
            shown = ", ".join(list(self.own)[:_SHOWN]) or "none"
            more = ", ..." if len(self.own) > _SHOWN else ""
            raise PlanError(f"the plan has no region {name[:100]!r}; its regions: {shown}{more}")
        return self.own[name]

    def inside(self, name: str) -> Iterator[str]:
        """The region's id and those of everything in it, the outer ones first."""
        yield name
        for child in self.children[name]:
            yield from self.inside(child)

    def add(self, region: Region, parent: str, index: int | None) -> None:
        """Puts a region with its children among those of `parent`; last if `index` is None.

        Raises:
            PlanError: An id is taken, or there is no such parent.
        """
        if region.id in self.own:
            raise PlanError(f"the plan has a region {region.id!r} already: give the new one an id")
        self._insert(region.id, parent, index)
        values = {name: getattr(region, name) for name in Region.model_fields}
        children: tuple[Region, ...] = values.pop("children")
        self.own[region.id], self.children[region.id] = values, []
        for child in children:
            self.add(child, region.id, None)

    def remove(self, name: str) -> None:
        """Takes a region out with all that is in it, and things that no other region shows."""
        self.known(name)
        names = list(self.inside(name))
        shown = {thing for each in names for thing in self.own[each]["shows"]}
        self.children[self.parent[name]].remove(name)
        for each in names:
            del self.own[each], self.children[each], self.parent[each]
        still = self.shown().keys()
        if shown - still:
            self.base["scene"] = self.scene.without(shown - still, keep=still)

    def rehang(self, name: str, parent: str, index: int | None) -> None:
        """Puts a region under another parent, or elsewhere among its siblings.

        Raises:
            PlanError: The parent is the region itself or inside it, or there is none such.
        """
        self.known(name)
        if parent in self.inside(name):
            raise PlanError(f"region {name!r} cannot move into {parent!r}, which is part of it")
        old = self.children[self.parent[name]]
        at = old.index(name)
        old.remove(name)
        try:
            self._insert(name, parent, index)
        except PlanError:
            old.insert(at, name)
            raise

    def _insert(self, name: str, parent: str, index: int | None) -> None:
        if parent != TOP:
            self.known(parent)
        siblings = self.children[parent]
        siblings.insert(len(siblings) if index is None else index, name)
        self.parent[name] = parent

    def shift(self, name: str, box: Box) -> None:
        """Gives a region a new box; its painted mask and all that is in it move along."""
        old: Box = self.known(name)["box"]
        for each in self.inside(name):
            values = self.own[each]
            if values["mask"] is not None:
                values["mask"] = _carried_mask(values["mask"], old, box)
            values["box"] = box if each == name else carried(values["box"], old, box)


def carried(box: Box, old: Box, new: Box) -> Box:
    """A box inside `old`, at the same place of `new`; as it was where that is off the canvas."""
    x, y = new.width / old.width, new.height / old.height
    try:
        return Box.clamped(
            new.x0 + (box.x0 - old.x0) * x,
            new.y0 + (box.y0 - old.y0) * y,
            new.x0 + (box.x1 - old.x0) * x,
            new.y0 + (box.y1 - old.y0) * y,
        )
    except LayoutError:
        return box


def _carried_mask(mask: str, old: Box, new: Box) -> str:
    """The mask with what was painted in the one box in the other."""
    image = decode_mask(mask)
    source, target = old.to_pixels(*image.size), new.to_pixels(*image.size)
    part = image.crop(source).resize((target[2] - target[0], target[3] - target[1]))
    moved = Image.new("L", image.size)
    moved.paste(part, target[:2])
    return encode_mask(moved)


def longest_common(first: Sequence[str], second: Sequence[str]) -> set[str]:
    """The most items that stand in the same order in both; each occurs once in either."""
    place = {name: at for at, name in enumerate(second)}
    best: list[list[str]] = [[]]
    for name in first:
        if name in place:
            before = [run for run in best if not run or place[run[-1]] < place[name]]
            best.append([*_longest(before), name])
    return set(_longest(best))


def _longest(runs: Sequence[list[str]]) -> list[str]:
    return max(runs, key=len)
