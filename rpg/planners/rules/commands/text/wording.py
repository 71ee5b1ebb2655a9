"""Noun phrases in a subprompt: found with their positions, and replaced there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rpg.language.grammar.chunks import noun_phrase
from rpg.language.grammar.quantities import quantity
from rpg.language.grammar.quotations import quotations
from rpg.language.grammar.styles import split_style
from rpg.language.grammar.tokens import Token, join, tokenize
from rpg.language.lexicon.function_words import NUMBERS
from rpg.language.lexicon.inflect import article, plural, singular
from rpg.language.scene_graph.graph import entity_of

_TIES = re.compile(  # a part to what has it
    r"(?:^|,\s*|\s+)(?:and\s+)?(?:is\s+|are\s+)?"
    r"(?:wearing|holding|carrying|having|has|sporting|with|in|under|and|plus)\s+$|,\s*$|^$",
    re.IGNORECASE,
)
_ITS_PLACE = re.compile(r"\s+(?:of\s+\w+|(?:on|over|around|in)\s+(?:his|her|its|their)\s+\w+)")
_ALSO = re.compile(r"\s*(?:,\s*and|,|and|,?\s*and\s+with)\s+", re.IGNORECASE)
_OF = frozenset({"made", "full", "built"})


@dataclass(frozen=True, slots=True)
class Mention:
    """A noun phrase and where it stands in its text.

    Attributes:
        start: Of its determiner or number, in characters.
        at: Of its first attribute or noun.
        end: Behind its noun; what follows with "of" or "with" is not part of it.
        attributes: As written, "and" and commas included.
        noun: As written, with what it is compounded with.
    """

    start: int
    at: int
    end: int
    attributes: tuple[str, ...]
    noun: tuple[str, ...]

    @property
    def head(self) -> str:
        """The noun, lower case, singular."""
        return singular(self.noun[-1].lower())

    @property
    def words(self) -> tuple[str, ...]:
        """Attributes and noun in lower case."""
        return tuple(word.lower() for word in (*self.attributes, *self.noun))


def mentions(text: str) -> tuple[Mention, ...]:
    """The noun phrases of a text, in order; what it quotes tells of nothing."""
    tokens = tokenize(text)
    said = [match.span() for match in quotations(text)]
    return tuple(
        one
        for one in _mentions(tokens, _places(text, tokens))
        if not any(start < one.end and one.at < end for start, end in said)
    )


def _places(text: str, tokens: Sequence[Token]) -> list[int]:
    """Where in the text every token begins."""
    places, at = [], 0
    for token in tokens:
        at = text.index(token.text, at)
        places.append(at)
        at += len(token.text)
    return places


def _mentions(tokens: tuple[Token, ...], places: Sequence[int]) -> Iterator[Mention]:
    at = 0
    while at < len(tokens):
        found = noun_phrase(tokens, at, opens=at == 0)
        if found is None or not found[0].words:
            at += 1
            continue
        begin = at + quantity(tokens, at).used
        last = begin + len(found[0].words) - 1
        if last > begin and tokens[last].low in _OF and _low(tokens, last + 1) == "of":
            last -= 1  # "a house made | of gold"
        split = min(len(entity_of(found[0]).attributes), last - begin)
        words = tuple(token.text for token in tokens[begin : last + 1])
        end = places[last] + len(tokens[last].text)
        yield Mention(places[at], places[begin], end, words[:split], words[split:])
        at = last + 1


def _low(tokens: Sequence[Token], at: int) -> str:
    return tokens[at].low if at < len(tokens) else ""


def content_of(text: str) -> tuple[int, int]:
    """Start and end of what is not style: "a red star" in "a painting of a red star, 4k"."""
    body = split_style(text)[0].strip(" ,.")
    start = text.find(body)
    return (start, start + len(body)) if body and start >= 0 else (0, len(text))


def subject_of(text: str) -> Mention | None:
    """What a subprompt is about: the first noun phrase of its content."""
    start, end = content_of(text)
    return next((each for each in mentions(text[:end]) if each.start >= start), None)


def with_words(
    text: str, mention: Mention, attributes: Sequence[str], noun: Sequence[str], post: str = ""
) -> str:
    """The text with other words for the mention, the article made to fit; `post` after them."""
    determiner = text[mention.start : mention.at].strip()
    words, rest = join([*attributes, *noun]), text[mention.end :]
    if post.startswith("with ") and rest.startswith(" with "):
        post, text = f"{post} and", text[: mention.end] + rest.removeprefix(" with")
    if determiner.lower() in ("a", "an"):
        fitting = article(words)
        determiner = fitting.capitalize() if determiner[0].isupper() else fitting
    return with_name(text, mention, join([determiner, words, post]))


def named(text: str, mention: Mention, attributes: Sequence[str]) -> str:
    """The mention alone, with other attributes."""
    part = text[mention.start : mention.end]
    alone = replace(mention, start=0, at=mention.at - mention.start, end=len(part))
    return with_words(part, alone, attributes, mention.noun)


def with_name(text: str, mention: Mention, name: str) -> str:
    """The text with `name` instead of the mention and its determiner."""
    if text[mention.start : mention.start + 1].isupper() and mention.start == 0:
        name = name[:1].upper() + name[1:]
    return f"{text[: mention.start]}{name}{text[mention.end :]}"


def without_part(text: str, part: Mention) -> str:
    """The text without one thing that its subject has, and what ties the two.

    "a man in a red hat, smiling" -> "a man, smiling"; "with a scarf and a hat" -> "with a hat". The
    text itself where the thing is tied in another way.
    """
    tie = _TIES.search(text[: part.start])
    if tie is None:
        return text
    own = _ITS_PLACE.match(text, part.end)
    end = own.end() if own else part.end
    also = _ALSO.match(text, end)
    if also and not tie[0].strip(" ,").lower().endswith("and"):
        following = next((one for one in mentions(text) if one.start == also.end()), None)
        if following is not None:
            return text[: part.start] + text[following.start :]
    return (text[: tie.start()] + text[end:]).strip(" ,")


def counted(text: str, count: int) -> str:
    """Makes "two red stars on the grass" of "a red star on the grass"; the text itself for one."""
    mention = subject_of(text)
    if count == 1 or mention is None:
        return text if count == 1 else f"{count} x {text}"
    words = {value: word for word, value in NUMBERS.items() if word != "single"}
    *before, noun = mention.noun
    several = plural(singular(noun)) if noun.islower() else noun
    name = join([words.get(count, str(count)), *mention.attributes, *before, several])
    return with_name(text, mention, name)
