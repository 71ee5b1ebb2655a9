"""The plan that an instruction works on: what is in it, and what has been done to it so far."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from rpg.errors import PlanError
from rpg.planners.rules.grammar.tokens import tokenize
from rpg.planners.rules.instructions.scenes import without_scenes
from rpg.planners.rules.instructions.wording import Mention, subject_of
from rpg.planners.rules.reasoning import where_is
from rpg.plans import edits as e
from rpg.plans.geometry import Box
from rpg.plans.plan import Plan, Region

_SHOWN = 12
Renaming = tuple[tuple[str, ...], str]  # attributes and noun in lower case, and the new name


@dataclass(frozen=True, slots=True)
class Item:
    """A region, and what it shows.

    Attributes:
        region: As it is in the plan.
        parent: Id of the region it stands in; empty for none.
        core: Its subprompt without scene and style.
        subject: What the core is about; None where it names nothing.
    """

    region: Region
    parent: str
    core: str
    subject: Mention | None

    @property
    def id(self) -> str:
        """The region's."""
        return self.region.id

    @property
    def box(self) -> Box:
        """The region's."""
        return self.region.box

    @property
    def head(self) -> str:
        """The noun, lower case, singular; empty where there is none."""
        return self.subject.head if self.subject else ""

    @property
    def words(self) -> frozenset[str]:
        """Every word of the core, lower case."""
        return frozenset(token.low for token in tokenize(self.core))

    @property
    def shown(self) -> str:
        """How a message names it: 'a red star (star-1, top left)'."""
        return f"{self.core or 'a group'} ({self.id}, {where_is(self.box)})"


class Board:
    """A plan under change.

    Attributes:
        before: As it was.
        plan: As it is by now.
        notes: What was done, in words.
        last: Ids of what was spoken of last: what "it" means.
        scenes: Scenes that were set for the whole picture.
        styles: Styles, likewise.
        renamed: Attributes and noun of things as they were, lower case, and their new names.
    """

    def __init__(self, plan: Plan) -> None:
        """Starts from the plan."""
        self.before = self.plan = plan
        self.notes: list[str] = []
        self.last: tuple[str, ...] = ()
        self.scenes: list[str] = []
        self.styles: list[str] = []
        self.renamed: list[Renaming] = []
        self._items: tuple[Item, ...] | None = None

    @property
    def items(self) -> tuple[Item, ...]:
        """Everything in the plan; what is inside something after it."""
        if self._items is None:
            self._items = tuple(_items(self.plan.regions, ""))
        return self._items

    def item(self, name: str) -> Item:
        """The item of a region's id, which must be there."""
        return next(item for item in self.items if item.id == name)

    def siblings(self, parent: str) -> tuple[Item, ...]:
        """What stands directly in the region, or on the canvas if it is empty."""
        return tuple(item for item in self.items if item.parent == parent)

    def do(self, *edits: e.Edit, note: str = "") -> None:
        """Makes edits.

        Raises:
            PlanError: There are too many regions then.
        """
        self.plan, self._items = e.apply(self.plan, edits), None
        if note:
            self.notes.append(note)

    def mend(self, item: Item, text: str, renaming: Renaming | None = None) -> None:
        """Gives a region other words; `renaming` says which, where they are not its subject's."""
        if text != item.region.prompt:
            self.renamed.append(renaming or _renaming(item, without_scenes(text)))
            note = f"{item.id}: {item.region.prompt!r} is now {text!r}"
            self.do(e.ModifyRegion(id=item.id, prompt=text), note=note)

    def reword(self, change: Callable[[str], str]) -> None:
        """Gives every region that has words those that `change` makes of them."""
        for item in self.items:
            if item.region.prompt:
                self.do(e.ModifyRegion(id=item.id, prompt=change(item.region.prompt)))

    def emptied(self, item: Item) -> Item | None:
        """The outermost group, without a subprompt of its own, that the item's going empties."""
        group = None
        while item.parent and len(self.siblings(item.parent)) == 1:
            item = self.item(item.parent)
            if item.region.prompt:
                break
            group = item
        return group

    def move(self, boxes: dict[str, Box]) -> None:
        """Gives regions other boxes."""
        self.do(*(e.MoveRegion(id=name, box=box) for name, box in boxes.items()))

    def moved(self) -> list[str]:
        """Says which of the regions there were have another box by now."""
        old = {item.id: item.box for item in _items(self.before.regions, "")}
        return [f"{item.id}: {_moved(old[item.id], item.box)}" for item in self.items
                if item.box != old.get(item.id, item.box)]  # fmt: skip

    def new_id(self, noun: str) -> str:
        """An id that is free: the noun and a number."""
        name = re.sub(r"[^a-z0-9]+", "-", noun)[:40].strip("-") or "thing"
        taken = {item.id for item in (*self.items, *_items(self.before.regions, ""))}
        return next(each for n in range(1, 999) if (each := f"{name}-{n}") not in taken)

    def listing(self, items: Sequence[Item] | None = None) -> str:
        """What there is, for a message."""
        items = self.items if items is None else items
        shown = "; ".join(item.shown for item in items[:_SHOWN])
        more = f"; and {len(items) - _SHOWN} more" if len(items) > _SHOWN else ""
        return f"{shown}{more}" if items else "nothing"

    def no(self, words: str) -> PlanError:
        """The error that nothing in the plan is meant by the words."""
        return PlanError(f"there is no {words!r} in the plan; it has: {self.listing()}")

    def which(self, words: str, items: Sequence[Item]) -> PlanError:
        """The error that the words mean several things."""
        return PlanError(f"{words!r} could be {self.listing(items)}: say which")


def _items(regions: Sequence[Region], parent: str) -> Iterator[Item]:
    for region in regions:
        core = without_scenes(region.prompt)
        yield Item(region, parent, core, subject_of(core))
        yield from _items(region.children, region.id)


def _renaming(item: Item, core: str) -> Renaming:
    """The words that named an item, and what names it now; no words where more has changed."""
    subject = subject_of(core)
    if item.subject is None or subject is None:
        return (), ""
    rest = item.core[item.subject.end :]
    if not core.endswith(rest):
        return (), ""
    return item.subject.words, core[subject.start : len(core) - len(rest)]


def _moved(old: Box, new: Box) -> str:
    before, after = where_is(old), where_is(new)
    size = f"{new.width:.0%} x {new.height:.0%} of the canvas"
    there = after if before == after else f"from {before} to {after}"
    return f"now {size}, {there}"
