"""The scene graph: entities, their relations, and the settings of a prompt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from rpg.language.grammar.elements import NounPhrase, RelationKind
from rpg.language.grammar.tokens import join
from rpg.language.lexicon import function_words as w
from rpg.language.lexicon.attributes import (
    UNSEEN,
    is_adjective,
    is_pure_adjective,
    is_visual,
    size_of,
)
from rpg.language.lexicon.inflect import (
    article,
    comes_in_pairs,
    is_pair,
    is_plural,
    singular,
)
from rpg.language.lexicon.nouns import MASS, UNIQUE, is_abstract
from rpg.language.lexicon.verbs import NOUN_ING

Held = Literal["", "hand", "head"]


@dataclass(eq=False, slots=True)
class Entity:
    """A node of the graph: one thing, or several of a kind, with a region for each.

    Attributes:
        determiner: As in the prompt; a or the where one is wanted.
        attributes: As written, in order, "and" and commas included.
        noun: The noun and what it is compounded with: "coffee table"; singular where counted.
        count: Regions wanted.
        crowd: The number, in words, of what is too many or too vague to place one by one.
        post: "of flowers", "with its lid".
        actions: What it does, as text.
        place: The setting that is its own; None takes the prompt's.
        anchor: Column and row of 3 x 3, either None.
        back: It stands behind all else.
        arrangement: "row", "column", "grid", "RxC" or "".
        size: Area against an ordinary entity's.
        parent: It is drawn inside that entity's region.
        held: Where the parent has it, rather than all around it; empty if it does not hold it.
        plural: The noun as the prompt counts it.
        words: Text that is written on it.
    """

    determiner: str
    attributes: list[str]
    noun: list[str]
    count: int = 1
    crowd: str = ""
    post: str = ""
    actions: list[str] = field(default_factory=list)
    place: str | None = None
    anchor: tuple[int | None, int | None] = (None, None)
    back: bool = False
    arrangement: str = ""
    size: float = 1.0
    parent: Entity | None = None
    held: Held = ""
    plural: str = ""
    words: str = ""

    @property
    def head(self) -> str:
        """The noun itself, lower case, singular."""
        return singular(self.noun[-1].lower()) if self.noun else ""

    @property
    def name(self) -> str:
        """Article, attributes and noun of one of them: "a red star"."""
        return self._with_article(join([*self.attributes, *self.noun]))

    @property
    def described(self) -> str:
        """The name with all that belongs to the entity, what it does and what it says."""
        text = join([self.name, self.post, *self.actions])
        return f'{text} that says "{self.words}"' if self.words else text

    @property
    def counted(self) -> str:
        """The name with its number: "3 x a red star"."""
        return self.name if self.count == 1 else f"{self.count} x {self.name}"

    @property
    def is_placed(self) -> bool:
        """Whether the prompt gives it a place on the canvas."""
        return self.anchor != (None, None) or self.back

    def describe(self, words: Sequence[str]) -> None:
        """Adds attributes after those it has, but those that nobody could see."""
        seen = [word for word in words if word.lower() not in UNSEEN]
        if not all(word.lower() in w.AND for word in seen):
            self.attributes.extend([*(["and"] if self.attributes else []), *seen])
        self.size = size_of([word.lower() for word in self.attributes])

    def own(self, text: str) -> None:
        """Adds what it has to its description."""
        self.post = f"{self.post} {text}".strip()

    @property
    def outer(self) -> list[Entity]:
        """What it is inside of, from within outwards."""
        return [] if self.parent is None else [self.parent, *self.parent.outer]

    def put_inside(self, outer: Entity, *, held: Held = "") -> bool:
        """Draws it inside the other; False if it is in a third already, or the other is in it."""
        if self.parent is None and outer is not self and self not in outer.outer:
            self.parent, self.held = outer, held
        return self.parent is outer

    def as_crowd(self) -> None:
        """Makes one region of all of them, their number in words."""
        self.crowd, self.count = str(self.count), 1
        self.noun[-1] = self.plural or self.noun[-1]

    def _with_article(self, text: str) -> str:
        if self.crowd:
            return f"{self.crowd} {text}"
        noun = self.noun[-1].lower() if self.noun else ""
        if self.determiner and "'s " in text:
            return f"{self.determiner} {text}"
        if self.determiner in ("a", "an") and not is_pair(noun):
            return f"{article(text)} {text}"
        if is_pair(noun) or self.determiner == "a pair of":
            return f"a pair of {text}" if self.determiner == "a pair of" else text
        if noun in UNIQUE and self.determiner in ("the", "") and not self.attributes:
            return f"the {text}"
        if self.determiner == "the" and is_plural(noun) and not self.attributes:
            return f"the {text}"
        if is_plural(noun) or (noun in MASS and not self.determiner == "a") or not noun:
            return text
        idea = is_abstract(noun) and not self.attributes
        if not self.determiner and (self.noun[-1][:1].isupper() or idea):
            return text
        return f"{article(text)} {text}"


@dataclass(frozen=True, slots=True, eq=False)
class Relation:
    """An edge of the graph: `subject` is in the relation `kind` to every one of `objects`."""

    kind: RelationKind
    subject: Entity
    objects: tuple[Entity, ...]


@dataclass(frozen=True, slots=True)
class Setting:
    """A place or a time of the whole picture: "on the beach", "at night".

    Attributes:
        text: With its preposition.
        is_time: True of times and weather, which hold for the whole picture.
        after: How many entities were named before it.
    """

    text: str
    is_time: bool
    after: int


@dataclass(slots=True)
class SceneGraph:
    """What a prompt describes, as a graph of entities and relations.

    Attributes:
        entities: In the order of the prompt.
        relations: In the order of the prompt.
        settings: In the order of the prompt.
        styles: Such as "oil painting": added to every subprompt.
        negatives: What the prompt says is not there.
        notes: What could not be placed or understood, in plain words.
    """

    entities: list[Entity] = field(default_factory=list)
    relations: list[Relation] = field(default_factory=list)
    settings: list[Setting] = field(default_factory=list)
    styles: list[str] = field(default_factory=list)
    negatives: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def entity_of(phrase: NounPhrase) -> Entity:
    """A new entity for a noun phrase that has a noun."""
    split = _noun_start(phrase.words)
    entity = Entity(
        phrase.determiner,
        list(phrase.words[:split]),
        list(phrase.words[split:]),
        post=phrase.post,
        arrangement=phrase.arrangement,
    )
    entity.size = size_of([word.lower() for word in entity.attributes])
    _count(entity, phrase)
    return entity


def _noun_start(words: tuple[str, ...]) -> int:
    """How many of the leading words are attributes; at least the last word is the noun."""
    at = 0
    while at < len(words) - 1 and _is_attribute(words[at].lower()):
        at += 1
    return at


def _is_attribute(word: str) -> bool:
    return (
        is_adjective(word)
        or word in w.AND
        or word == ","
        or word.endswith(("ed", "ly", "'s"))
        or (word.endswith("ing") and len(word) > 4 and word not in NOUN_ING)
    )


def _count(entity: Entity, phrase: NounPhrase) -> None:
    noun = entity.noun[-1]
    if (
        phrase.determiner in w.VAGUE
        or " " in phrase.determiner
        and phrase.determiner != "a pair of"
    ):
        entity.crowd = phrase.determiner
    if phrase.count is None or entity.crowd:
        return
    if phrase.count > w.MAX_COUNT and not phrase.arrangement:
        entity.crowd = str(phrase.count)
        return
    entity.count = phrase.count
    if phrase.determiner == "a pair of" and comes_in_pairs(noun.lower()):
        entity.count = 1
        return
    entity.determiner, entity.plural = "a", noun
    entity.noun[-1] = _one(noun)


def _one(noun: str) -> str:
    single = singular(noun.lower())
    return noun if single == noun.lower() else single.capitalize() if noun.istitle() else single


def attributes_of(phrase: NounPhrase) -> set[str]:
    """The phrase's attributes in lower case, joining words left out."""
    words = {word.lower() for word in phrase.words[:-1]}
    return words - w.AND - {","}


def has_visual(phrase: NounPhrase) -> bool:
    """Whether the phrase says what its noun looks like."""
    return any(is_visual(word.lower()) for word in phrase.words[:-1])


def is_elliptic(phrase: NounPhrase) -> bool:
    """Whether the noun is left out: "a red and a blue star", "one blue"."""
    return all(
        is_pure_adjective(word.lower()) or word in ("and", ",", "one") for word in phrase.words
    )


def text_of(phrase: NounPhrase) -> str:
    """The phrase as running text."""
    number = str(phrase.count) if phrase.count and phrase.count > 1 else ""
    words = join([phrase.determiner, number, phrase.member, *phrase.words, phrase.post])
    if phrase.determiner in ("a", "an"):
        rest = words.split(" ", 1)[-1]
        return f"{article(rest)} {rest}"
    return words


def split_off(entity: Entity, count: int) -> Entity:
    """An entity like this one that takes `count` of its number with it; some must stay."""
    entity.count -= count
    return replace(
        entity, count=count, attributes=list(entity.attributes), noun=list(entity.noun), actions=[]
    )


def singled(entities: list[Entity], entity: Entity, count: int) -> list[Entity]:
    """Splits an entity into `count` single ones; those that are new are added to `entities`.

    Raises:
        ValueError: The entity is none of `entities`.
    """
    entity.count = count
    parts = [split_off(entity, 1) for _ in range(count - 1)]
    at = entities.index(entity)
    entities[at + 1 : at + 1] = parts
    return [entity, *parts]
