"""Complements of "make" and "turn into": "blue and bigger", "a circle", "made of gold"."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from rpg.language.grammar.chunks import is_adverb
from rpg.language.grammar.elements import NounPhrase
from rpg.language.grammar.scan import scan
from rpg.language.grammar.tokens import tokenize
from rpg.language.lexicon import function_words as w
from rpg.language.lexicon.attributes import ADJECTIVES, COLOURS, is_adjective
from rpg.language.lexicon.inflect import participle
from rpg.language.lexicon.verbs import INTRANSITIVE, PARTICIPLES, STRICT_VERBS
from rpg.planners.rules.commands.size import Factors, factors

_LEADS = re.compile(
    r"(?:(?:look|be|become|get|appear|seem|turn|into|to|more|much more|a bit more|a bit|a little"
    r"|slightly|very|really|all|like|coloured|colored|painted|in|instead)\s+)+",
    re.IGNORECASE,
)
_POSTS = re.compile(
    r"(?:(?:made|built)\s+(?:out\s+)?(?:of|from)|covered\s+(?:in|with|by)|decorated\s+with"
    r"|full\s+of|filled\s+with|wearing|holding|carrying|with|on\s+fire|lit\s+by|dressed\s+(?:in|as))\b.*",
    re.IGNORECASE,
)  # fmt: skip
_OF = re.compile(r"(?:out\s+)?of\s+(?P<what>\w[\w -]*)", re.IGNORECASE)
_ENDINGS = ("y", "al", "ic", "ian", "ous", "ive", "ern", "ible", "able", "ed", "less", "ful", "ish",
            "ese", "ent", "ant")  # fmt: skip
_NO_LOOK = frozenset("there here away up down back off out it too also please".split())


@dataclass(slots=True)
class Appearance:
    """Attributes, a noun, what goes behind the noun, what it does, how much larger it gets."""

    attributes: list[str] = field(default_factory=list)
    noun: NounPhrase | None = None
    posts: list[str] = field(default_factory=list)
    action: str = ""
    size: Factors | None = None


def read_appearance(text: str, *, noun: bool = True) -> Appearance | None:
    """What the words say something should become; None where they say nothing of the kind.

    Args:
        text: What comes after the thing.
        noun: Whether a noun may come: "a circle".
    """
    if re.search(r"\b(?:not|never|no)\b|n't\b", text, re.IGNORECASE):
        return None
    appearance = Appearance()
    parts = [text]
    if not _POSTS.fullmatch(text.strip()):
        parts = re.split(r"\s*(?:,\s*and\b|,|\band\b|&|\bbut\b)\s*", text)
    for part in parts:
        if not part.strip() or not _read(appearance, part.strip(), noun):
            return None
    return appearance


def _read(appearance: Appearance, part: str, noun: bool) -> bool:
    """Reads one part of several joined by "and"."""
    size = factors(part)
    if size is not None:
        appearance.size = size
        return True
    bare = _LEADS.sub("", part, count=1) if _LEADS.match(part) else part
    if _POSTS.fullmatch(bare) or _POSTS.fullmatch(part):
        appearance.posts.append(part if _POSTS.fullmatch(part) else bare)
        return True
    if (made := _OF.fullmatch(bare)) is not None:
        appearance.posts.append(f"made of {made['what']}")
        return True
    if noun and appearance.noun is None and _named(appearance, bare, part):
        return True
    return _attributes(appearance, bare)


def _named(appearance: Appearance, bare: str, part: str) -> bool:
    """Reads "a circle", "into flowers"."""
    tokens = tokenize(bare)
    elements = scan(tokens)
    phrase = elements[0] if len(elements) == 1 else None
    if not isinstance(phrase, NounPhrase) or not phrase.words or phrase.negated:
        return False
    marked = phrase.determiner in ("a", "an") or re.match(r"(?:in)?to\s", part, re.IGNORECASE)
    last = phrase.words[-1].lower()
    if not marked or (phrase.count or 1) != 1 or last in ("bit", "lot", "colour", "color"):
        return False
    if phrase.determiner not in ("a", "an") and is_adjective(last):
        return False
    appearance.noun = phrase
    return True


def _attributes(appearance: Appearance, text: str) -> bool:
    tokens = tokenize(text)
    words = [token.text for token in tokens if not is_adverb(token.low)]
    if not tokens or not words or len(words) > 8 or not all(token.is_word for token in tokens):
        return False
    adjectives = [_adjective(word) for word in words]
    if all(adjectives) and len(words) <= 4:
        both = COLOURS >= {word.lower() for word in (*appearance.attributes[-1:], words[0])}
        appearance.attributes += [
            *(["and"] if appearance.attributes and both else []),
            *filter(None, adjectives),
        ]
        return True
    verb = words[0].lower()
    acts = (
        verb in STRICT_VERBS | INTRANSITIVE
        or verb in PARTICIPLES
        or (verb.endswith("ing") and len(verb) > 4)
    )
    if acts and not appearance.action:
        appearance.action = " ".join([participle(verb), *words[1:]])
    return acts


def _adjective(word: str) -> str | None:
    """The word as an attribute, comparatives in their plain form; None where it is none."""
    low = word.lower()
    if is_adjective(low) or low in COLOURS:
        return word
    for ending, base in (("ier", "y"), ("er", ""), ("er", "e"), ("est", ""), ("r", "")):
        plain = low[: -len(ending)] + base
        if low.endswith(ending) and plain in ADJECTIVES:
            return plain
    doubled = low[:-3] if low.endswith("er") and low[-3:-2] == low[-4:-3] else ""
    if doubled in ADJECTIVES:
        return doubled
    small = (
        w.PREPOSITIONS | w.DETERMINERS | w.PRONOUNS | w.OTHER_PRONOUNS | w.AUXILIARIES | _NO_LOOK
    )
    if low in small or low in STRICT_VERBS or low in PARTICIPLES:
        return None
    return word if len(low) > 3 and low.endswith(_ENDINGS) else None
