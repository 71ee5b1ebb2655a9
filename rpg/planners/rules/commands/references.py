"""References to regions: "the red star", "it", "the one on the left"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rpg.errors import PlanError
from rpg.language.grammar.elements import Anchor, Rel, RelationKind
from rpg.language.grammar.phrases import match_phrase
from rpg.language.grammar.quantities import quantity
from rpg.language.grammar.tokens import Token, tokenize
from rpg.language.lexicon import function_words as w
from rpg.language.lexicon.attributes import SIZES
from rpg.language.lexicon.inflect import is_plural, singular
from rpg.language.lexicon.nouns import is_animate, is_person
from rpg.planners.rules.commands import selectors
from rpg.planners.rules.commands.plan_editor import PlanEditor, RegionNode

_ONE = frozenset("it him her that this".split()) | {"that one", "this one"}
_SEVERAL = frozenset("them they these those both".split()) | {"both of them", "these two"}
_ALL = frozenset({"everything", "all", "all of them", "everyone", "all things", "all of it"})
_OTHERS = frozenset({"the other", "the other one", "the others", "the other ones", "the rest",
                     "the other things"})  # fmt: skip
_ANY = frozenset("one ones thing things object objects item items shape shapes region".split())
_STOPS = (
    w.PREPOSITIONS | w.AND | w.AUXILIARIES | w.CLAUSE_WORDS | w.OTHER_PRONOUNS | w.PRONOUNS
    | w.DETERMINERS | frozenset("holding wearing carrying that which who into instead".split())
) - {"one", "near", "inside"}  # fmt: skip
_HAS = frozenset("with holding wearing carrying in".split())
_WHERE = {"in": RelationKind.INSIDE, "on": RelationKind.ON}
_GREY = {"gray": "grey", "colour": "color"}


@dataclass(frozen=True, slots=True)
class _Reference:
    """A reference in parts: "the two | left | red | star(s) | next to the moon"."""

    text: str
    determiner: str
    count: int | None
    partial: bool  # "two of the stars"
    places: tuple[str, ...]
    attributes: tuple[str, ...]
    noun: str  # as written, lower case
    rest: tuple[Token, ...]

    @property
    def plural(self) -> bool:
        many = self.determiner in ("all", "every", "each", "both") or (self.count or 1) > 1
        return many or self.noun == "ones" or is_plural(self.noun)


def resolve(editor: PlanEditor, text: str) -> tuple[RegionNode, ...] | None:
    """What the words mean; None where they name nothing in the plan.

    Raises:
        PlanError: They could mean several things.
    """
    text = " ".join(text.split())
    referents = _pronoun(editor, text.lower())
    if referents is not None:
        return referents or None
    reference = _parts(text)
    if reference is None:
        return None
    items = _place(editor, reference, _alike(editor, reference))
    return _chosen(editor, reference, items) if items else None


def resolve_list(editor: PlanEditor, text: str) -> tuple[RegionNode, ...] | None:
    """The same for several joined by "and" or commas."""
    whole = resolve(editor, text)
    parts = [part for part in re.split(r"\s*(?:,\s*and\s|,|\band\b|&)\s*", text) if part.strip()]
    if whole is not None or len(parts) < 2:
        return whole
    referents: dict[str, RegionNode] = {}
    for part in parts:
        items = resolve(editor, part)
        if items is None:
            return None
        referents.update({item.id: item for item in items})
    return tuple(referents.values())


def resolve_or_fail(editor: PlanEditor, text: str) -> tuple[RegionNode, ...]:
    """The same, where the words can be nothing else.

    Raises:
        PlanError: They name nothing, or could mean several things.
    """
    referents = resolve_list(editor, text)
    if not referents:
        raise editor.no(text.strip())
    return referents


def prefixes(editor: PlanEditor, text: str) -> Iterator[tuple[str, str]]:
    """Every way to cut the words in two after a word, the longest beginning first."""
    ends = [match.start() for match in re.finditer(r"(?<=\S)[\s,]+(?=\S)", text)]
    for end in reversed(ends):
        yield text[:end], text[end:].strip(" ,")


def _pronoun(editor: PlanEditor, text: str) -> tuple[RegionNode, ...] | None:
    """What a pronoun means; empty where it means nothing, None where it is no pronoun."""
    last = tuple(item for item in editor.items if item.id in editor.last)
    if text in _ALL:
        return tuple(item for item in editor.items if item.core)
    if text in _ONE:
        return _it(editor, text, last)
    if text in _SEVERAL:
        return last if len(last) > 1 else editor.siblings("")
    if text in _OTHERS:
        others = tuple(item for item in editor.siblings("") if item not in last)
        alike = tuple(item for item in others if item.head in {each.head for each in last})
        referents = alike or others
        if not text.endswith(("s", "rest")) and len(referents) > 1:
            raise editor.which(text, referents)
        return referents
    return None


def _it(editor: PlanEditor, text: str, last: tuple[RegionNode, ...]) -> tuple[RegionNode, ...]:
    referents = last or editor.siblings("")
    if len(referents) > 1:
        raise editor.which(text, referents)
    return referents


def _parts(text: str) -> _Reference | None:
    """Takes a reference apart; None where the words are none."""
    both = re.sub(r"^both( of)?( the)? ", "both ", text, flags=re.IGNORECASE)
    tokens = tokenize(both)
    start = quantity(tokens, 0)
    used, determiner, count = start.used, start.determiner, start.count
    if tokens and tokens[0].low == "both":
        used, determiner, count = 1, "both", 2
    end = _content_end(tokens, used)
    words = [part for token in tokens[used:end] for part in _split(token.low)]
    if not words and used and tokens[used - 1].low == "one":
        words = ["one"]
    if not words or start.negated:
        return None
    places = tuple(word for word in words[:-1] if word in selectors.WORDS)
    attributes = tuple(
        word for word in words[:-1] if word not in selectors.WORDS and word not in w.AND | {","}
    )
    partial = any(token.low == "of" for token in tokens[:used])
    return _Reference(text, determiner, count, partial, places, attributes, words[-1], tokens[end:])


def _split(word: str) -> list[str]:
    """Makes two words of "top-left"."""
    parts = word.split("-")
    return parts if all(part in selectors.WORDS for part in parts) else [word]


def _content_end(tokens: tuple[Token, ...], at: int) -> int:
    """The token after the noun: where a place, a relation or a preposition begins."""
    begin = at
    while at < len(tokens) and tokens[at].is_word and tokens[at].low not in _STOPS:
        follows = (
            at > 0
            and (at > begin or tokens[at - 1].low == "one")
            and tokens[at - 1].low not in selectors.WORDS
        )
        if follows and match_phrase(tokens, at) is not None:
            break
        at += 1
    return at


def _alike(editor: PlanEditor, reference: _Reference) -> list[RegionNode]:
    """Items with the noun and the attributes."""
    noun = singular(reference.noun)
    named = [
        item for item in editor.items if item.id == reference.text.lower().removeprefix("the ")
    ]
    items = named or [item for each in editor.items if (item := _as(each, noun))]
    for word in reference.attributes:
        fitting = [item for item in items if _has(item, word)]
        if not fitting and word in SIZES and items:
            fitting = selectors.pick(items, ["biggest" if SIZES[word] > 1 else "smallest"])
        items = fitting
    if "other" in reference.attributes:
        items = [item for each in editor.items
                 if (item := _as(each, noun)) and item.id not in editor.last]  # fmt: skip
    return items


def _as(item: RegionNode, noun: str) -> RegionNode | None:
    """The item as one of the noun; None where it is none."""
    if noun in _ANY:
        return item if item.core else None
    if noun in ("animal", "creature"):
        return item if is_animate(item.head) and not is_person(item.head) else None
    if noun in ("person", "figure", "character") and is_person(item.head):
        return item
    return item.about(noun)


def _has(item: RegionNode, word: str) -> bool:
    words = {_GREY.get(each, each) for each in item.words}
    return _GREY.get(word, word) in words


def _place(editor: PlanEditor, reference: _Reference, items: list[RegionNode]) -> list[RegionNode]:
    """Those of the items that stand where the words say."""
    if not items:
        return []
    text = " ".join(token.low for token in reference.rest)
    side = re.fullmatch(r"from (?:the )?(left|right)", text)
    if reference.places:
        items = selectors.pick(items, reference.places, side=side[1] if side else "")
    if not text or (side and reference.places):
        return items
    return _qualified(editor, reference, items)


def _qualified(
    editor: PlanEditor, reference: _Reference, items: list[RegionNode]
) -> list[RegionNode]:
    """Reads "on the left", "next to the moon", "with a hat" behind a noun."""
    referents = match_phrase(reference.rest, 0)
    rest = reference.rest[referents[1] :] if referents else ()
    if referents and isinstance(referents[0], Anchor) and not rest:
        return selectors.at_anchor(items, referents[0])
    if referents and isinstance(referents[0], Rel) and rest:
        others = resolve(editor, " ".join(token.text for token in rest))
        if not others or len(others) != 1:
            return []
        return selectors.related(items, referents[0].kinds, others[0])
    inside = resolve(editor, " ".join(token.text for token in reference.rest[1:]))
    if reference.rest[0].low in _WHERE and inside and len(inside) == 1:
        return selectors.related(items, (_WHERE[reference.rest[0].low],), inside[0])
    if reference.rest[0].low in _HAS:
        words = [token.low for token in reference.rest[1:] if token.low not in w.DETERMINERS]
        return [item for item in items if words and all(_has(item, word) for word in words)]
    return []


def _chosen(
    editor: PlanEditor, reference: _Reference, items: Sequence[RegionNode]
) -> tuple[RegionNode, ...]:
    """As many of the items as the words ask for, in the plan's order."""
    count = reference.count or (None if reference.plural else 1)
    if count is None or count == len(items):
        return tuple(items)
    if count > len(items):
        raise PlanError(
            f"{reference.text!r}: there {'is' if len(items) == 1 else 'are'} only {len(items)}: "
            f"{editor.listing(items)}"
        )
    if (
        reference.partial
        or reference.determiner in ("a", "an", "any", "some", "")
        and reference.count
    ):
        return tuple(selectors.reading_order(items)[-count:])
    if reference.determiner in ("a", "an", "any"):
        return tuple(selectors.reading_order(items)[-1:])
    recent = tuple(item for item in items if item.id in editor.last)
    if len(recent) != count:
        raise editor.which(reference.text, items)
    return recent
