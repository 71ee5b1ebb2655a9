"""From the names that an answer uses to a scene: ids that exist, owners, relations as data."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rpg.language.lexicon.inflect import singular
from rpg.planners.llm.schema import RelationAnswer, ThingAnswer
from rpg.plans.scene import MAX_THINGS, Relation, Thing

_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")
_ARTICLES = frozenset(("a", "an", "the"))
_MOST_ID, _MOST_PHRASE, _MOST_ATTRIBUTES = 90, 200, 32  # an id leaves room for a number behind it
_MOST_WORDS, _MOST_OBJECTS, _MOST_RELATIONS, _MOST_ABSENT = 1000, 64, 256, 64
_LEADING = re.compile(r"^(?:(?:is|are|stands?|standing|sits?|sitting|placed|located|directly|just|"
                      r"immediately|slightly|far|to|on|at|the)\s+)+")  # fmt: skip
_NEGATION = re.compile(r"^(?:no|without|not any|not)\s+", re.IGNORECASE)
_KINDS = {
    "left of": "left|left of|left side of|left from|leftof",
    "right of": "right|right of|right side of|right from|rightof",
    "above": "above|higher than|up above",
    "below": "below|beneath|underneath|lower than",
    "in front of": "in front of|in front|front of|infrontof|before",
    "behind": "behind|in back of|back of|in the back of",
    "inside": "inside|inside of|in|within|contained in",
    "beside": "beside|next to|besides|alongside|adjacent to",
    "between": "between|in between",
    "larger than": "larger than|bigger than|larger|bigger",
    "smaller than": "smaller than|smaller",
}
_NONE = frozenset(("none", "null", "n/a", "nil", "nothing", "-"))
_KIND_OF = {words: kind for kind, listed in _KINDS.items() for words in listed.split("|")}


def words_of(text: str) -> tuple[str, ...]:
    """A name's words without article, the last in the singular: "The Hot Balloons"."""
    words = [word for word in _WORD.findall(text.lower()) if word not in _ARTICLES]
    return (*words[:-1], singular(words[-1])) if words else ()


def _unnumbered(words: tuple[str, ...]) -> tuple[str, ...]:
    """A name without the number behind it: "cat 2" as "cat"."""
    if len(words) > 1 and words[-1].isdigit():
        return (*words[:-2], singular(words[-2]))
    return words


class Names:
    """What an answer may call a thing by: its id, its name, its name with attributes."""

    def __init__(self, things: Iterable[Thing]) -> None:
        """Take the things; more may be added."""
        self.things: dict[str, Thing] = {one.id: one for one in things}

    def find(self, text: str) -> str | None:
        """The id of the thing that is meant; None where none is."""
        if text in self.things:
            return text
        words = words_of(text)
        if not words:
            return None
        for spelt in dict.fromkeys((words, _unnumbered(words))):
            for known in (words_of, lambda name: words_of(self.things[name].name)):
                for name in self.things:
                    if known(name) == spelt:
                        return name
        return self._described(_unnumbered(words))

    def of_name(self, text: str) -> Thing | None:
        """The thing of that name; None where there is none."""
        words = words_of(text)
        return next((one for one in self.things.values() if words_of(one.name) == words), None)

    def _described(self, words: tuple[str, ...]) -> str | None:
        """The star with the attribute "red", for "red star"."""
        for name, thing in self.things.items():
            head = words_of(thing.name)
            told = {word for text in (thing.name, *thing.attributes) for word in words_of(text)}
            if head and head[-1] == words[-1] and told.issuperset(words):
                return name
        return None

    def add(self, text: str) -> str:
        """A thing of that name, made since an answer speaks of it and lists it nowhere."""
        words = _unnumbered(tuple(_WORD.findall(text.lower())))
        name = " ".join(words)[:_MOST_PHRASE] or text[:_MOST_PHRASE]
        made = distinct(text[:_MOST_ID], self.things)
        self.things[made] = Thing(id=made, name=name)
        return made


def distinct(name: str, taken: Iterable[str]) -> str:
    """The name, with -2, -3... behind it where it is taken."""
    known, short = set(taken), name[:_MOST_ID].strip() or "region"
    free, number = short, 1
    while free in known:
        number += 1
        free = f"{short}-{number}"
    return free


@dataclass(frozen=True, slots=True)
class ReadThings:
    """What an answer says of things.

    Attributes:
        names: The things, by what they may be called.
        absent: What it counts none of.
        problems: A sentence each.
    """

    names: Names
    absent: tuple[str, ...]
    problems: tuple[str, ...]


def read_things(
    answers: Sequence[ThingAnswer], known: Sequence[Thing] = (), regions: Mapping[str, str] = {}
) -> ReadThings:
    """The things of an answer, each with an id of its own and an owner that exists.

    Args:
        answers: As the model says them.
        known: Things of a plan that is changed; one of the same id is replaced.
        regions: The thing that a region is of, by the region's id: an owner may be named so.
    """
    names, absent, problems = Names(known), list[str](), list[str]()
    owners: dict[str, str] = {}
    fresh = set[str]()
    for number, one in enumerate(answers[:MAX_THINGS], 1):
        if one.count == 0:
            absent += [one.name or one.id] if one.name or one.id else []
            continue
        old = names.things.get(one.id) or (
            names.of_name(one.name) if known and not one.id else None
        )
        if not one.name and old is None:
            problems.append(f'thing {one.id or number!r} has an empty "name": say what it is')
            if not one.id:
                continue
        made = distinct(old.id if old else _id_for(one, number), fresh)
        fresh.add(made)
        names.things[made] = _thing(made, one, old if made == (old and old.id) else None)
        if old is None or "owner" in one.model_fields_set:
            owners[made] = "" if is_none(one.owner) else one.owner
    for made, owner in owners.items():
        found = names.find(owner) or names.find(regions.get(owner, "")) if owner else ""
        if found is None:
            problems.append(f'thing "{made}" has the owner "{owner[:60]}", which is no thing\'s id')
        elif found and not _owns(names.things, made, found):
            names.things[made] = names.things[made].model_copy(update={"owner": found})
    return ReadThings(names, tuple(absent), tuple(problems))


def _id_for(one: ThingAnswer, number: int) -> str:
    return (one.id or "-".join(words_of(one.name)) or one.name)[:_MOST_ID].strip() or str(number)


def _thing(name: str, one: ThingAnswer, old: Thing | None) -> Thing:
    """The thing as answered; what is not said stays as it was."""
    said = {
        "name": (one.name or " ".join(_unnumbered(words_of(name))) or name)[:_MOST_PHRASE],
        "attributes": tuple(text[:_MOST_PHRASE] for text in one.attributes[:_MOST_ATTRIBUTES]),
        "count": one.count,
        "words": "" if is_none(one.words) else one.words[:_MOST_WORDS],
    }
    if old is None:
        return Thing(id=name, **said)
    given = one.model_fields_set if one.name else one.model_fields_set - {"name"}
    return old.model_copy(update={key: said[key] for key in said if key in given})


def _owns(things: Mapping[str, Thing], name: str, other: str) -> bool:
    """Whether a thing is the other, or the other belongs to it: no owner for it, then."""
    seen = set[str]()
    while other and other not in seen:
        if other == name:
            return True
        seen.add(other)
        other = things[other].owner
    return False


def read_relations(
    answers: Sequence[RelationAnswer], names: Names
) -> tuple[tuple[Relation, ...], tuple[str, ...]]:
    """The relations of an answer, and what is wrong with those that cannot be read."""
    relations, problems = list[Relation](), list[str]()
    for one in answers[:_MOST_RELATIONS]:
        kind = kind_of(one.kind)
        spelt = [one.subject, *one.objects]
        found = [names.find(text) for text in spelt]
        strangers = [text for text, name in zip(spelt, found, strict=True) if name is None and text]
        if strangers:
            problems.append(f'a relation names "{strangers[0][:60]}", which is no thing\'s id')
        ids = [name for name in found if name is not None]
        if kind and found[0] is not None and len(ids) > 1:
            objects = tuple(dict.fromkeys(ids[1:][:_MOST_OBJECTS]))
            relations.append(Relation(subject=ids[0], kind=kind, objects=objects))
    return tuple(dict.fromkeys(relations)), tuple(dict.fromkeys(problems))


def kind_of(text: str) -> str:
    """A relation's kind in the words that plans use: "to the left of" -> "left of"."""
    plain = " ".join(text.lower().replace("_", " ").replace("-", " ").split())
    bare = _LEADING.sub("", plain)
    return (_KIND_OF.get(plain) or _KIND_OF.get(bare) or plain)[:60].strip()


def is_none(text: str) -> bool:
    """Whether a model says with words that there is nothing to say."""
    return text.strip(" .").lower() in _NONE


def read_absent(phrases: Iterable[str]) -> tuple[str, ...]:
    """What must not be there, without "no"; nothing for "none"."""
    said = (one for one in phrases if not is_none(one))
    bare = (_NEGATION.sub("", one.strip(" .")).strip()[:_MOST_PHRASE] for one in said)
    return tuple(dict.fromkeys(one for one in bare if one))[:_MOST_ABSENT]
