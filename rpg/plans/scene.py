"""Scenes: what a picture holds, as data: setting, style, things with looks and numbers, relations.

A planner fills a scene once; texts that are drawn, checks, edits and captions are made from it, and
nobody reads it back out of prose.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from typing import Annotated, ClassVar, Self

from pydantic import Field, field_validator, model_validator

from rpg.plans.model import Id, Model, Words
from rpg.plans.prompt_weights import clean

__all__ = ["DIRECTIONS", "MAX_THINGS", "OPPOSITES", "Relation", "Scene", "Thing", "joined"]

MAX_THINGS = 128
_MOST_RELATIONS = 256

Phrase = Annotated[str, Field(min_length=1, max_length=200)]
Kind = Annotated[str, Field(min_length=1, max_length=60)]

OPPOSITES = {"left of": "right of", "above": "below", "in front of": "behind"}
OPPOSITES |= {there: here for here, there in OPPOSITES.items()}
# Along x (0) or y (1), and the sign of "the subject's centre less the object's".
DIRECTIONS = {"left of": (0, -1), "right of": (0, 1), "above": (1, -1), "below": (1, 1)}

_PEOPLE = frozenset("person human man woman boy girl child kid baby lady gentleman guy".split())
_PREPOSITIONS = frozenset(
    "above across against along amid among around at before behind below beneath beside between by "
    "down during from in inside into near off on onto outside over through throughout to toward "
    "towards under underneath up upon within".split()
)


class Thing(Model):
    """Something to be seen, or several alike.

    Attributes:
        id: names the thing; unique in its scene and stable across edits.
        name: what it is, in the singular and without article or looks: "cat", "hot air balloon".
        attributes: how it looks and what it does, a phrase each: "red", "asleep", "with a hat".
        count: how many there are; None where nobody says: "some birds", a crowd, snow.
        owner: id of the thing that it is part or content of, or that wears or holds it; empty for
            none. What has an owner is counted with it, not in the whole picture.
        words: text that is written on it, verbatim.
    """

    noun: ClassVar[str] = "thing"

    id: Id
    name: Phrase
    attributes: Annotated[tuple[Phrase, ...], Field(max_length=32)] = ()
    count: Annotated[int, Field(strict=True, ge=1, le=10_000)] | None = 1
    owner: Annotated[str, Field(max_length=100)] = ""
    words: Annotated[str, Field(max_length=1000)] = ""

    @property
    def kind(self) -> str:
        """The last word of its name, which says what it is; of people always "person"."""
        word = self.name.split()[-1].casefold()
        return "person" if word in _PEOPLE else word


class Relation(Model):
    """How one thing stands to others.

    Attributes:
        subject: id of the thing that is spoken of.
        kind: in words: "left of", "above", "in front of", "inside", "on", "between", "facing",
            "larger than", ...
        objects: ids of the things that it stands so to; two or more for "between".
    """

    noun: ClassVar[str] = "relation"

    subject: Id
    kind: Kind
    objects: Annotated[tuple[Id, ...], Field(min_length=1, max_length=64)]


class Scene(Model):
    """What the picture holds.

    Attributes:
        setting: place, time, weather, background: "in a meadow at dusk". Said in every region, and
            drawn where no region lies.
        style: medium, light, lens, mood: "oil painting, soft light". Said with every text.
        things: what is to be seen, the more important first.
        relations: how things stand to one another.
        absent: what must not be there, without "no": "people".

    Raises:
        PlanError: a value is out of its range, an id occurs twice, or one names no thing.
    """

    noun: ClassVar[str] = "scene"

    setting: Words = ""
    style: Words = ""
    things: Annotated[tuple[Thing, ...], Field(max_length=MAX_THINGS)] = ()
    relations: Annotated[tuple[Relation, ...], Field(max_length=_MOST_RELATIONS)] = ()
    absent: Annotated[tuple[Phrase, ...], Field(max_length=64)] = ()

    @field_validator("setting", "style")
    @classmethod
    def _stripped(cls, text: str) -> str:
        return text.strip()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        ids = [thing.id for thing in self.things]
        twice = next((name for name in ids if ids.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"two things have the id {twice!r}: every thing needs its own")
        for thing in self.things:
            if thing.owner and thing.owner not in ids:
                raise ValueError(f"thing {thing.id!r} belongs to {thing.owner!r}, which is none")
        self._check_owners()
        for relation in self.relations:
            for name in (relation.subject, *relation.objects):
                if name not in ids:
                    raise ValueError(f"a relation {relation.kind!r} names {name!r}, which is none")
        return self

    def _check_owners(self) -> None:
        owners = {thing.id: thing.owner for thing in self.things}
        for start in owners:
            name, seen = start, set[str]()
            while name:
                if name in seen:
                    raise ValueError(f"thing {start!r} belongs to itself")
                seen.add(name)
                name = owners[name]

    def added_to(self, text: str) -> str:
        """A text with setting and style behind it, where they do not stand in it already."""
        return joined(text, self.setting, self.style)

    def thing(self, name: str) -> Thing | None:
        """The thing of that id; None where there is none."""
        return next((one for one in self.things if one.id == name), None)

    def owned_by(self, name: str) -> Iterator[Thing]:
        """The things that belong to another, parts of parts included."""
        for one in self.things:
            if one.owner == name:
                yield one
                yield from self.owned_by(one.id)

    def without(self, ids: Iterable[str], keep: Collection[str] = ()) -> Scene:
        """The scene without some things, what belongs to them, and relations that name them.

        Args:
            ids: of the things that go.
            keep: of things that stay though they belong to one that goes; nobody's then.
        """
        gone = set(ids)
        gone |= {one.id for name in tuple(gone) for one in self.owned_by(name)} - set(keep)
        kept = (one for one in self.things if one.id not in gone)
        things = tuple(
            one.model_copy(update={"owner": ""}) if one.owner in gone else one for one in kept
        )
        relations = tuple(
            one for one in self.relations if not gone.intersection((one.subject, *one.objects))
        )
        return self.model_copy(update={"things": things, "relations": relations})


def joined(text: str, *more: str) -> str:
    """A text with others behind it, but for those that stand in it already.

    "a red star", "at night", "oil painting" -> "a red star at night, oil painting".
    """
    for part in more:
        if not part.strip() or _contains(text, part):
            continue
        text = text.rstrip(" .,;")
        first = clean(part).split(None, 1)[0].lower()
        between = " " if first in _PREPOSITIONS else ", "
        text = f"{text}{between}{part}" if text else part
    return text


def _contains(text: str, part: str) -> bool:
    found = rf"(?<!\w){re.escape(clean(part).lower().strip(' .,;'))}(?!\w)"
    return re.search(found, clean(text).lower()) is not None
