"""The plan editor: the plan that a command works on, with its changes and notes so far."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from rpg.errors import PlanError
from rpg.language.grammar.tokens import tokenize
from rpg.language.positions import position_in_words
from rpg.planners.rules.commands.text.setting_phrases import without_settings
from rpg.planners.rules.commands.text.wording import Mention, subject_of
from rpg.plans import edits as e
from rpg.plans.geometry import Box
from rpg.plans.plan import Plan, Region

_SHOWN = 12
Renaming = tuple[tuple[str, ...], str]  # attributes and noun in lower case, and the new name


@dataclass(frozen=True, slots=True)
class RegionNode:
    """A region, its parent, and what its subprompt names.

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
        return f"{self.core or 'a group'} ({self.id}, {position_in_words(self.box)})"


class PlanEditor:
    """A plan under change.

    Attributes:
        before: As it was.
        plan: As it is by now.
        notes: What was done, in words.
        last: Ids of what was spoken of last: what "it" means.
        settings: Settings that were set for the whole picture.
        styles: Styles, likewise.
        renamed: Attributes and noun of things as they were, lower case, and their new names.
    """

    def __init__(self, plan: Plan) -> None:
        """Starts from the plan."""
        self.before = self.plan = plan
        self.notes: list[str] = []
        self.last: tuple[str, ...] = ()
        self.settings: list[str] = []
        self.styles: list[str] = []
        self.renamed: list[Renaming] = []
        self._items: tuple[RegionNode, ...] | None = None

    @property
    def items(self) -> tuple[RegionNode, ...]:
        """Everything in the plan; what is inside something after it."""
        if self._items is None:
            self._items = tuple(_items(self.plan.regions, ""))
        return self._items

    def item(self, name: str) -> RegionNode:
        """The item of a region's id, which must be there."""
        return next(item for item in self.items if item.id == name)

    def siblings(self, parent: str) -> tuple[RegionNode, ...]:
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

    def mend(self, item: RegionNode, text: str, renaming: Renaming | None = None) -> None:
        """Gives a region other words; `renaming` says which, where they are not its subject's."""
        if text != item.region.prompt:
            self.renamed.append(renaming or _renaming(item, without_settings(text)))
            note = f"{item.id}: {item.region.prompt!r} is now {text!r}"
            self.do(e.ModifyRegion(id=item.id, prompt=text), note=note)

    def reword(self, change: Callable[[str], str]) -> None:
        """Gives every region that has words those that `change` makes of them."""
        for item in self.items:
            if item.region.prompt:
                self.do(e.ModifyRegion(id=item.id, prompt=change(item.region.prompt)))

    def emptied(self, item: RegionNode) -> RegionNode | None:
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

    def listing(self, items: Sequence[RegionNode] | None = None) -> str:
        """What there is, for a message."""
        items = self.items if items is None else items
        shown = "; ".join(item.shown for item in items[:_SHOWN])
        more = f"; and {len(items) - _SHOWN} more" if len(items) > _SHOWN else ""
        return f"{shown}{more}" if items else "nothing"

    def no(self, words: str) -> PlanError:
        """The error that nothing in the plan is meant by the words."""
        return PlanError(f"there is no {words!r} in the plan; it has: {self.listing()}")

    def which(self, words: str, items: Sequence[RegionNode]) -> PlanError:
        """The error that the words mean several things."""
        return PlanError(f"{words!r} could be {self.listing(items)}: say which")


def _items(regions: Sequence[Region], parent: str) -> Iterator[RegionNode]:
    for region in regions:
        core = without_settings(region.prompt)
        yield RegionNode(region, parent, core, subject_of(core))
        yield from _items(region.children, region.id)


def _renaming(item: RegionNode, core: str) -> Renaming:
    """The words that named an item, and what names it now; no words where more has changed."""
    subject = subject_of(core)
    if item.subject is None or subject is None:
        return (), ""
    rest = item.core[item.subject.end :]
    if not core.endswith(rest):
        return (), ""
    return item.subject.words, core[subject.start : len(core) - len(rest)]


def _moved(old: Box, new: Box) -> str:
    before, after = position_in_words(old), position_in_words(new)
    size = f"{new.width:.0%} x {new.height:.0%} of the canvas"
    there = after if before == after else f"from {before} to {after}"
    return f"now {size}, {there}"
