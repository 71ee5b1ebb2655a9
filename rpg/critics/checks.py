"""From a plan to what has to be true of its picture. Pure: no torch, no model, no picture."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rpg.critique import Check
from rpg.language.lexicon.attributes import ADJECTIVES, UNSEEN, VISUAL
from rpg.language.lexicon.function_words import ARTICLES, NEGATORS, NUMBERS
from rpg.language.lexicon.inflect import article, is_pair, is_plural, plural, singular
from rpg.language.lexicon.nouns import (
    CANVAS,
    COUNTED_PLACES,
    GENERAL_PEOPLE,
    MASS,
    PEOPLE,
    PLACES,
    TIMES,
    UNIQUE,
)
from rpg.language.positions import position_in_words
from rpg.planners.rules.lifting import lifted
from rpg.plans.geometry import Box
from rpg.plans.plan import Plan, Region
from rpg.plans.scene import Relation, Scene, Thing

__all__ = ["MOST_CHECKS", "NOTHING_ELSE", "compile_checks", "number_of", "place_in_words"]

NOTHING_ELSE = "count:else"
MOST_CHECKS = 20  # but for the presence of what the plan shows, which is asked in any case
_WORDS = {number: word for word, number in reversed(list(NUMBERS.items()))}
_LARGEST_WORD = 12
_MOST_WORD = 200  # characters, as `rpg.critique.Word`
_MOST_PLACES = 3  # said of one thing
_UNCOUNTED = MASS | (PLACES - COUNTED_PLACES) | TIMES | UNIQUE | CANVAS
_COLLECTIVE = frozenset(
    "army audience band bunch choir colony crew crowd family fleet flock group herd orchestra pack "
    "parade procession row shoal swarm team troop".split()
)
_COUNTED = 1  # more than so many are counted before looks are asked about


def compile_checks(plan: Plan) -> tuple[Check, ...]:
    """What has to be true of a picture of the plan, from its scene.

    Things are there and have their attributes; those that are nobody's part and have a number are
    as many as that; they stand as the scene's relations say; what is absent is not there, the
    setting is the plan's, and nothing else catches the eye. A plan without things is read first as
    what a person typed. There are at most about `MOST_CHECKS`, the more important ones, each always
    the same for the same plan, in the same order.

    Compile once and keep them: a session that compiled anew after every edit would grade its own
    changes.
    """
    subjects = _Subjects(_read(plan).unweighted())
    ranked = [*_ranked(subjects)]
    chosen = sorted(range(len(ranked)), key=lambda at: ranked[at][0])
    always = sum(rank == 0 for rank, _ in ranked)
    kept = sorted(chosen[: max(always, MOST_CHECKS - 1)])
    return tuple(_distinct([*(ranked[at][1] for at in kept), _NOTHING_ELSE]))


_NOTHING_ELSE = Check(
    id=NOTHING_ELSE,
    kind="count",
    says="nothing stands out in the picture that the prompt does not ask for",
    count=0,
)


def place_in_words(box: Box) -> str:
    """Where a box is: "at the top left", "in the middle"; "" for the whole canvas."""
    where = position_in_words(box)
    if where == "the whole canvas":
        return ""
    return where if where.startswith("in ") else f"at the {where}"


def number_of(count: int, thing: str) -> str:
    """A number of things in words: "no star", "one star", "two stars"."""
    if count == 0:
        return f"no {thing}"
    word = _WORDS[count] if count <= _LARGEST_WORD else str(count)
    return f"{word} {thing if count == 1 else _plural(thing)}"


def _read(plan: Plan) -> Plan:
    """The plan with things, also where nobody said any."""
    from rpg.planners.rules.planner import RulePlanner  # on demand: it takes long to load

    if plan.scene.things:
        return plan
    if plan.layers():
        return lifted(plan)
    read = RulePlanner().plan(plan.prompt).scene
    scene = plan.scene.model_copy(
        update={
            "things": read.things,
            "relations": read.relations,
            "setting": plan.scene.setting or read.setting,
        }
    )
    return plan.model_copy(update={"scene": scene})


@dataclass(frozen=True, slots=True)
class _Subject:
    """A thing with the regions that show it.

    Attributes:
        thing: As in the scene; what a region without things shows is one as well.
        regions: In painting order; none where it is seen in no region of its own.
        shared: Whether another thing has the same name.
        look: The attribute that tells it from those of the same name; empty where none does.
        described: Whether its name is the words of a region that shows no thing.
    """

    thing: Thing
    regions: tuple[Region, ...]
    shared: bool = False
    look: str = ""
    described: bool = False

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(region.id for region in self.regions)

    @property
    def places(self) -> str:
        """Where it is, if that tells it from others: "at the left and in the middle"."""
        places = dict.fromkeys(place_in_words(one.box) for one in self.regions)
        few = [place for place in places if place]
        said = self.shared and not self.look and 0 < len(few) <= _MOST_PLACES
        return " and ".join(few) if said else ""

    @property
    def name(self) -> str:
        """Its name, with the look that tells it from others."""
        return f"{self.look} {self.thing.name}".strip()

    @property
    def label(self) -> str:
        """What it is called in sentences."""
        if self.described:
            return f'what is described as "{self.thing.name}"'
        name = _plural(self.name) if self.are == "are" else self.name
        return f"the {name} {self.places}".rstrip()

    @property
    def some(self) -> str:
        """It with its article or number."""
        thing = self.thing
        if self.described:
            return self.label
        if thing.count is not None and thing.count > 1:
            return number_of(thing.count, self.name)
        noun = _noun(thing.name)
        if noun in MASS or is_pair(noun) or (thing.count is None and is_plural(noun)):
            return self.name
        if thing.count is None and noun not in _UNCOUNTED | _COLLECTIVE:
            return f"some {_plural(self.name)}"
        return f"{article(self.name)} {self.name}"

    @property
    def are(self) -> str:
        """The verb that goes with it."""
        noun = _noun(self.thing.name)
        many = (self.thing.count or 0) > 1 or (is_plural(noun) and noun not in MASS)
        crowd = self.thing.count is None and noun not in _UNCOUNTED | _COLLECTIVE
        return "are" if many or (crowd and not self.described) else "is"


class _Subjects:
    """All things of a plan, by their ids, those that regions show first."""

    def __init__(self, plan: Plan) -> None:
        self.scene: Scene = plan.scene
        named = Counter(thing.name.lower() for thing in plan.scene.things)
        self.shown: list[_Subject] = []
        self.rest: list[_Subject] = []
        for thing in plan.scene.things:
            regions = tuple(one for one in plan.shown_by(thing.id) if one.prompt)
            shared = named[thing.name.lower()] > 1
            look = _telling(thing, plan.scene.things) if shared else ""
            subject = _Subject(thing, regions, shared, look)
            (self.shown if regions and not thing.owner else self.rest).append(subject)
        for region in plan.layers():
            if not region.shows:
                words = " ".join(region.prompt.split())[:_MOST_WORD]
                thing = Thing(id=f"region {region.id}"[:100], name=words, count=None)
                self.shown.append(_Subject(thing, (region,), described=True))

    @property
    def all(self) -> list[_Subject]:
        return [*self.shown, *self.rest]

    def of(self, name: str) -> _Subject | None:
        return next((one for one in self.all if one.thing.id == name), None)


def _telling(thing: Thing, things: Sequence[Thing]) -> str:
    """The first look of one word that no other thing of the same name has."""
    others = [one for one in things if one.name.lower() == thing.name.lower() and one is not thing]
    taken = {words for one in others for words in one.attributes}
    own = (words for words in thing.attributes if " " not in words and words not in taken)
    return next(own, "")


def _ranked(subjects: _Subjects) -> Iterator[tuple[int, Check]]:
    """Every check with its rank: the lower, the more it matters."""
    for subject in subjects.all:
        owner = subjects.of(subject.thing.owner) if subject.thing.owner else None
        rank = 0 if subject.regions and owner is None else 1 if owner is None else 3
        yield rank, _presence(subject, owner)
    for subject in subjects.all:
        seen = [words for words in subject.thing.attributes if words.lower() not in UNSEEN]
        seen.sort(key=_is_plain, reverse=True)
        for place, words in enumerate(seen):
            rank = 2 if _is_plain(words) else 3
            yield rank + 3 * min(place, 2), _attribute(subject, words)
        if subject.thing.words:
            yield 2, _written(subject)
    for check in _counts(subjects):
        yield (1 if (check.count or 0) > _COUNTED else 6), check
    for relation in subjects.scene.relations:
        if (found := _relation(relation, subjects)) is not None:
            yield 3, found
    for absent in subjects.scene.absent:
        yield 1, _absent(absent)
    if subjects.scene.setting:
        yield 0, _setting(subjects.scene.setting)


def _is_plain(words: str) -> bool:
    """Whether a look can be told at once: a colour, a material, a form or a pattern."""
    return not VISUAL.isdisjoint(words.lower().replace("-", " ").split())


def _presence(subject: _Subject, owner: _Subject | None) -> Check:
    thing = subject.thing
    where = f"with {owner.label}" if owner is not None else subject.places
    return Check(
        id=f"presence:{thing.id}",
        kind="presence",
        regions=subject.ids or (owner.ids if owner is not None else ()),
        says=f"there {subject.are} {subject.some} {where}".rstrip()[:2000],
        things=(thing.name,),
        ids=(thing.id,),
        count=thing.count,
    )


def _attribute(subject: _Subject, words: str) -> Check:
    plain = " " not in words or words.split()[0].endswith("ing")
    label = subject.label
    if words == subject.look:  # "the red star is red" asks nothing
        count = subject.thing.count or 0
        number = _WORDS.get(count, str(count)) if count else "some"
        label = f"{number} of the {_plural(subject.thing.name)}"
    says = f"{label} {subject.are} {words}" if plain else f"this is true of {label}: {words}"
    return _looks(subject, words, says)


def _written(subject: _Subject) -> Check:
    words = subject.thing.words
    return _looks(subject, words[:_MOST_WORD], f'on {subject.label} is written "{words}"')


def _looks(subject: _Subject, value: str, says: str) -> Check:
    return Check(
        id=f"attribute:{subject.thing.id}:{value}"[:400],
        kind="attribute",
        regions=subject.ids,
        says=says[:2000],
        things=(subject.thing.name,),
        ids=(subject.thing.id,),
        value=value,
    )


def _counts(subjects: _Subjects) -> Iterator[Check]:
    """How many of each name there are over the whole picture, where the plan says so of all."""
    vague = _uncounted_beside(subjects)
    kinds = dict.fromkeys(one.thing.name.lower() for one in subjects.all if not one.described)
    for kind in kinds:
        group = [one for one in subjects.all if _may_be(one, kind)]
        if not all(_is_counted(one, kind) for one in group) or _noun(kind) in vague:
            continue
        total = sum(one.thing.count or 0 for one in group)
        verb = "are" if total > 1 else "is"
        yield Check(
            id=f"count:{kind}",
            kind="count",
            says=f"in the whole picture there {verb} exactly {number_of(total, kind)}",
            things=(kind,),
            ids=tuple(one.thing.id for one in group),
            count=total,
        )


def _uncounted_beside(subjects: _Subjects) -> frozenset[str]:
    """Nouns of more than what is counted: those of the setting, and people beside a crowd."""
    scene = subjects.scene
    words = re.findall(r"\w+", f"{scene.setting} {scene.style}".lower())
    crowds = GENERAL_PEOPLE | _COLLECTIVE
    crowded = any(
        one.thing.count is None and _noun(one.thing.name) in crowds for one in subjects.all
    )
    return frozenset(map(singular, words)) | (PEOPLE if crowded else frozenset())


def _may_be(subject: _Subject, kind: str) -> bool:
    """Whether somebody who counts a kind may count that: a "black cat" is a cat, a man a person."""
    name = subject.thing.name.lower()
    return f" {name}".endswith(f" {kind}") or (kind in GENERAL_PEOPLE and _noun(name) in PEOPLE)


def _is_counted(subject: _Subject, kind: str) -> bool:
    """Whether it counts for a kind beyond doubt: "hot air balloons" may be no "balloons"."""
    thing = subject.thing
    more = thing.name.lower().removesuffix(kind).split()
    countable = not thing.owner and not subject.described and _noun(kind) not in _UNCOUNTED
    return countable and thing.count is not None and ADJECTIVES.issuperset(more)


def _relation(relation: Relation, subjects: _Subjects) -> Check | None:
    first = subjects.of(relation.subject)
    others = [one for name in relation.objects if (one := subjects.of(name)) is not None]
    if first is None or not others:
        return None
    told = " and ".join(one.label for one in others)
    joined = ":".join(["relation", relation.subject, relation.kind, *relation.objects])
    regions = dict.fromkeys(name for one in (first, *others) for name in one.ids)
    return Check(
        id=joined[:400],
        kind="relation",
        regions=tuple(regions)[:64],
        says=f"{first.label} {first.are} {relation.kind} {told}"[:2000],
        things=tuple(one.thing.name for one in (first, *others)),
        ids=tuple(one.thing.id for one in (first, *others)),
        value=relation.kind,
    )


def _absent(phrase: str) -> Check:
    said = phrase.split()
    while len(said) > 1 and said[0].lower() in ARTICLES | NEGATORS:
        said.pop(0)
    words = " ".join(said)
    return Check(
        id=f"absent:{words}"[:400],
        kind="count",
        says=f"no {words} can be seen in the picture",
        things=(words,),
        count=0,
    )


def _setting(words: str) -> Check:
    return Check(
        id=f"scene:{words}"[:400],
        kind="scene",
        says=f"the scene is {words}"[:2000],
        value=words[:_MOST_WORD],
    )


def _noun(name: str) -> str:
    """What a name turns on, lower-case: "glass" of "glass of milk"."""
    words = (name.partition(" of ")[0].split() or name.split())[-1:]
    return "".join(words).lower()


def _plural(name: str) -> str:
    """The name for several: "hot air balloons", "glasses of milk"."""
    front, of, after = name.partition(" of ")
    if is_plural(_noun(name)) or not front.split():
        return name
    *most, noun = front.split()
    return " ".join([*most, plural(noun)]) + of + after


def _distinct(checks: Sequence[Check]) -> Iterator[Check]:
    """Each with an id of its own: two attributes may be alike."""
    given: set[str] = set()
    for check in checks:
        name, number = check.id, 2
        while name in given:
            name, number = f"{check.id[:390]}-{number}", number + 1
        given.add(name)
        yield check if name == check.id else check.model_copy(update={"id": name})
