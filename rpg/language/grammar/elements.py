"""The elements of a parsed prompt: noun phrases and what joins them, as data types."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class RelationKind(StrEnum):
    """A relation between entities; its value completes "the star is ... the circle"."""

    LEFT = "left of"
    RIGHT = "right of"
    ABOVE = "above"
    BELOW = "below"
    ON = "on"
    BESIDE = "next to"
    FRONT = "in front of"
    BEHIND = "behind"
    INSIDE = "inside"
    CONTAINS = "around the outside of"
    BETWEEN = "between"
    AMID = "surrounded by"
    AROUND = "around"
    SIDES = "on both sides of"
    FLANKED = "flanked by"


@dataclass(frozen=True, slots=True)
class NounPhrase:
    """One entity or several of a kind, as the prompt names them.

    Attributes:
        determiner: Article, possessive or vague quantity in lower case; empty where there is none.
        count: The number given; None where none is.
        words: Attributes and noun as written, "and" and commas between attributes included.
        post: What follows with "of", as written: "of flowers".
        arrangement: "row", "column" or "grid" where the phrase says so, or "RxC".
        negated: The prompt says that this is not there.
        member: The word that says which of a group it is: "first", "left".
    """

    determiner: str
    count: int | None
    words: tuple[str, ...]
    post: str = ""
    arrangement: str = ""
    negated: bool = False
    member: str = ""


@dataclass(frozen=True, slots=True)
class Rel:
    """A relation to what follows; to what was named before where `implied`, or to a pronoun's."""

    kinds: tuple[RelationKind, ...]
    text: str
    pronoun: str = ""
    implied: bool = False


@dataclass(frozen=True, slots=True)
class Anchor:
    """A place on the canvas: column x and row y out of 0, 1, 2; None where either is free.

    `each` means every corner; `loose` that it may be meant as "to the left of that".
    """

    x: int | None
    y: int | None
    text: str
    each: bool = False
    back: bool = False
    loose: bool = False


@dataclass(frozen=True, slots=True)
class Arrange:
    """How the entities just named stand together: "row", "column" or "grid"."""

    shape: str
    text: str


@dataclass(frozen=True, slots=True)
class Order:
    """The entities that follow come in this direction: x or y is 1 or -1."""

    x: int
    y: int
    text: str


@dataclass(frozen=True, slots=True)
class RowMark:
    """The entities that follow stand in this row, or column, from 0; 9 is the last."""

    index: int
    column: bool
    text: str


@dataclass(frozen=True, slots=True)
class Verb:
    """A verb, its auxiliaries left out; `text` is empty where there are only auxiliaries.

    `passive` says that a past participle follows a form of "to be"; `have` means possession;
    `bare` is a participle on its own, which may be said of what stands right before it.
    """

    text: str
    passive: bool = False
    have: bool = False
    bare: bool = False


@dataclass(frozen=True, slots=True)
class Prep:
    """A preposition that is no relation by itself."""

    word: str


@dataclass(frozen=True, slots=True)
class Attr:
    """Attributes that stand alone, after their noun: "is red and big"."""

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pron:
    """A pronoun, or "the other"; `post` is what follows and belongs to it: "in a red coat"."""

    word: str
    post: str = ""


@dataclass(frozen=True, slots=True)
class Delimiter:
    """What joins or parts: "and", ",", "." or a word such as "while" as "clause"."""

    word: str


@dataclass(frozen=True, slots=True)
class Loose:
    """A word with no part in the composition, such as an adverb."""

    text: str


Element = (
    NounPhrase
    | Rel
    | Anchor
    | Arrange
    | Order
    | RowMark
    | Verb
    | Prep
    | Attr
    | Pron
    | Delimiter
    | Loose
)
