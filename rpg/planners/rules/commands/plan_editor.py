"""The plan editor: the plan that a command works on, with its changes and notes so far."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from rpg.errors import PlanError
from rpg.language.grammar.tokens import tokenize
from rpg.language.lexicon.inflect import singular
from rpg.language.positions import position_in_words
from rpg.planners.rules.commands.text.wording import Mention, mentions, subject_of
from rpg.planners.rules.scene import free_id
from rpg.plans import edits as e
from rpg.plans.geometry import Box
from rpg.plans.plan import Plan, Region, every_region
from rpg.plans.scene import Relation, Scene, Thing

_SHOWN = 12
Renaming = tuple[tuple[str, ...], str]  # attributes and noun in lower case, and the new name


@dataclass(frozen=True, slots=True)
class RegionNode:
    """A region, its parent, and what it shows.

    Attributes:
        region: As it is in the plan.
        parent: Id of the region it stands in; empty for none.
        things: What it shows, that which is spoken of first.
    """

    region: Region
    parent: str
    things: tuple[Thing, ...] = ()

    @property
    def id(self) -> str:
        """The region's."""
        return self.region.id

    @property
    def box(self) -> Box:
        """The region's."""
        return self.region.box

    @property
    def core(self) -> str:
        """Its subprompt: neither setting nor style."""
        return self.region.prompt

    @property
    def thing(self) -> Thing | None:
        """What is spoken of; None where no thing is known."""
        return self.things[0] if self.things else None

    @property
    def subject(self) -> Mention | None:
        """Where the subprompt names the thing; else what it is about, None where it is nothing."""
        noun = noun_of(self.thing) if self.thing else ""
        own = (mention for mention in mentions(self.core) if noun and mention.head == noun)
        return next(own, None) or subject_of(self.core)

    @property
    def head(self) -> str:
        """The noun, lower case, singular; empty where there is none."""
        if self.thing:
            return noun_of(self.thing)
        return self.subject.head if self.subject else ""

    @property
    def words(self) -> frozenset[str]:
        """Every word that tells of it, lower case."""
        told = (text for one in self.things for text in (one.name, *one.attributes))
        return frozenset(token.low for text in (self.core, *told) for token in tokenize(text))

    def about(self, noun: str) -> RegionNode | None:
        """The same with the thing of that noun spoken of; None where it shows none."""
        if noun == self.head:
            return self
        alike = [one for one in self.things if noun_of(one) == noun]
        rest = tuple(one for one in self.things if one not in alike)
        return replace(self, things=(*alike, *rest)) if alike else None

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
        renamed: Attributes and noun of things as they were, lower case, and their new names.
    """

    def __init__(self, plan: Plan) -> None:
        """Starts from the plan."""
        self.before = self.plan = plan
        self.notes: list[str] = []
        self.last: tuple[str, ...] = ()
        self.renamed: list[Renaming] = []
        self._items: tuple[RegionNode, ...] | None = None

    @property
    def items(self) -> tuple[RegionNode, ...]:
        """Everything in the plan; what is inside something after it."""
        if self._items is None:
            self._items = tuple(_items(self.plan.regions, "", self.plan.scene))
        return self._items

    @property
    def scene(self) -> Scene:
        """The plan's."""
        return self.plan.scene

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
            self.renamed.append(renaming or _renaming(item, text))
            note = f"{item.id}: {item.region.prompt!r} is now {text!r}"
            self.do(e.ModifyRegion(id=item.id, prompt=text), note=note)

    def reshape(self, items: Sequence[RegionNode], change: Callable[[Thing], Thing]) -> None:
        """Changes the things that are spoken of; what other regions show as well becomes two."""
        for old in dict.fromkeys(item.thing for item in items if item.thing):
            new = Thing(**dict(change(old)))  # its bounds are checked here
            ids = {item.id for item in items if item.thing == old}
            shown = self.plan.shown_by(old.id)
            if all(region.id in ids for region in shown):
                things = tuple(new if one == old else one for one in self.scene.things)
                self.do(e.SetScene(things=things))
            elif new != old:
                self._part(old, new, [region for region in shown if region.id in ids])

    def _part(self, old: Thing, new: Thing, regions: Sequence[Region]) -> None:
        """Makes what some of a thing's regions show another thing, that stands as it stood."""
        name = self.new_thing(noun_of(new))
        count = None if old.count is None else len(regions)
        things = (*self.scene.things, new.model_copy(update={"id": name, "count": count}))
        same = [_renamed(one, old.id, name) for one in self.scene.relations]
        relations = tuple(dict.fromkeys([*self.scene.relations, *same]))
        shows = {
            region.id: tuple(name if each == old.id else each for each in region.shows)
            for region in regions
        }
        self.do(
            e.SetScene(things=things, relations=relations),
            *(e.ModifyRegion(id=each, shows=these) for each, these in shows.items()),
        )

    def like(self, thing: Thing) -> Thing | None:
        """A thing of the scene that differs in its number alone, and is in no relation."""
        tied = {name for one in self.scene.relations for name in (one.subject, *one.objects)}
        return next(
            (
                one
                for one in self.scene.things
                if one.model_copy(update={"id": thing.id, "count": thing.count}) == thing
                and one.count == len(self.plan.shown_by(one.id))
                and one.id not in tied
            ),
            None,
        )

    def new_thing(self, noun: str) -> str:
        """An id for a thing of that noun."""
        return free_id(noun, {one.id for one in self.scene.things})

    def reword(self, change: Callable[[str], str]) -> None:
        """Gives every region that has words those that `change` makes of them."""
        for item in self.items:
            if item.region.prompt:
                self.mend(item, change(item.region.prompt), ((), ""))

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
        old = {region.id: region.box for region in every_region(self.before.regions)}
        return [f"{item.id}: {_moved(old[item.id], item.box)}" for item in self.items
                if item.box != old.get(item.id, item.box)]  # fmt: skip

    def new_id(self, noun: str) -> str:
        """An id that is free: the noun and a number."""
        name = re.sub(r"[^a-z0-9]+", "-", noun)[:40].strip("-") or "thing"
        taken = {
            each.id for plan in (self.plan, self.before) for each in every_region(plan.regions)
        }
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


def _items(regions: Sequence[Region], parent: str, scene: Scene) -> Iterator[RegionNode]:
    for region in regions:
        things = tuple(one for name in region.shows if (one := scene.thing(name)))
        yield RegionNode(region, parent, things)
        yield from _items(region.children, region.id, scene)


def noun_of(thing: Thing) -> str:
    """The noun of a thing's name, lower case, singular."""
    words = thing.name.lower().split()
    return singular(words[-1]) if words else ""


def _renamed(relation: Relation, old: str, new: str) -> Relation:
    """The relation, of the thing with the new id."""
    subject, *objects = (
        new if name == old else name for name in (relation.subject, *relation.objects)
    )
    return Relation(subject=subject, kind=relation.kind, objects=tuple(objects))


def _renaming(item: RegionNode, text: str) -> Renaming:
    """The words that named an item, and what names it now; no words where more has changed."""
    subject = item.subject
    if subject is None:
        return (), ""
    start, rest = item.core[: subject.start], item.core[subject.end :]
    if not text.startswith(start) or not text.endswith(rest):
        return (), ""
    return subject.words, text[len(start) : len(text) - len(rest)]


def _moved(old: Box, new: Box) -> str:
    before, after = position_in_words(old), position_in_words(new)
    size = f"{new.width:.0%} x {new.height:.0%} of the canvas"
    there = after if before == after else f"from {before} to {after}"
    return f"now {size}, {there}"
