"""The scanner: groups the tokens of a prompt into elements, in one pass from left to right."""

from __future__ import annotations

from dataclasses import replace

from rpg.language.grammar.chunks import (
    Tokens,
    is_adverb,
    is_noun_next,
    looks_like_verb,
    low,
    noun_phrase,
)
from rpg.language.grammar.elements import (
    Anchor,
    Attr,
    Delimiter,
    Element,
    Loose,
    NounPhrase,
    Prep,
    Pron,
    Verb,
)
from rpg.language.grammar.phrases import match_phrase
from rpg.language.grammar.suffixes import with_suffixes
from rpg.language.grammar.tokens import COMMAS, join
from rpg.language.lexicon import function_words as w
from rpg.language.lexicon.attributes import is_adjective, is_pure_adjective
from rpg.language.lexicon.verbs import EITHER_WORDS, STRICT_VERBS

Found = tuple[Element, int]


def scan(tokens: Tokens) -> tuple[Element, ...]:
    """The elements of a prompt, in order. Every token belongs to one of them."""
    elements: list[Element] = []
    at = 0
    while at < len(tokens):
        if (group := _each_of(tokens, at, elements)) is not None:
            whole, used = _shared_suffix(tokens, at + 1, group)
            elements[-2 if elements[-1] == Delimiter(",") else -1 :] = [whole]
            at += used + 1
            continue
        element, used = _next(tokens, at, elements)
        if isinstance(element, NounPhrase):
            element, more = _with_suffixes(tokens, at + used, element, elements)
            used += more
        elif element == Pron("other"):
            other, more = _with_suffixes(tokens, at + used, NounPhrase("", 1, ()), elements)
            element, used = Pron("other", other.post), used + more
        elements.append(element)
        at += used
    return tuple(elements)


def _each_of(tokens: Tokens, at: int, before: list[Element]) -> NounPhrase | None:
    """The group of which "each" says what all have or do: "two girls, each with a hat"."""
    after = low(tokens, at + 1)
    if low(tokens, at) != "each" or not (after in ("with", "in") or after.endswith("ing")):
        return None
    named = before[:-1] if before[-1:] == [Delimiter(",")] else before
    group = named[-1] if named else None
    return group if isinstance(group, NounPhrase) and (group.count or 1) > 1 else None


def _shared_suffix(tokens: Tokens, at: int, group: NounPhrase) -> tuple[NounPhrase, int]:
    """The group with what all have or do: "with a hat", "holding a kite"."""
    chunk = noun_phrase(tokens, at + 1) if low(tokens, at).endswith("ing") else None
    if chunk is None:
        return with_suffixes(tokens, at, group)
    used = 1 + chunk[1]
    suffix = join(token.text for token in tokens[at : at + used])
    return replace(group, post=join([group.post, suffix])), used


def _with_suffixes(
    tokens: Tokens, at: int, phrase: NounPhrase, before: list[Element]
) -> tuple[NounPhrase, int]:
    """The phrase with what belongs to it; "one" and "the other" are what the group is."""
    if phrase.words or phrase.count != 1:
        return with_suffixes(tokens, at, phrase)
    phrases = (one for one in reversed(before) if isinstance(one, NounPhrase))
    group = next((one for one in phrases if (one.count or 1) > 1), phrase)
    whole, used = with_suffixes(tokens, at, replace(group, post=""))
    return replace(phrase, post=whole.post), used


def _next(tokens: Tokens, at: int, elements: list[Element]) -> Found:
    return (
        _mark(tokens, at)
        or match_phrase(tokens, at)
        or _other(tokens, at)
        or _participle(tokens, at, elements)
        or _verb(tokens, at, elements)
        or _small_word(tokens, at)
        or _phrase_or_attribute(tokens, at, elements)
        or (Loose(tokens[at].text), 1)
    )


def _mark(tokens: Tokens, at: int) -> Found | None:
    word = tokens[at].low
    if tokens[at].is_stop:
        return Delimiter("."), 1
    if word in COMMAS:
        return Delimiter(":" if word == ":" else ","), 1
    if word in w.AND:
        return Delimiter("and"), 1
    if word in ("as", "along", "together") and low(tokens, at + 1) in ("well", "with"):
        return Delimiter("and"), 3 if low(tokens, at + 1) == "well" else 2
    if word == "after" and at > 0 and tokens[at - 1].low.startswith(("chas", "runn", "look")):
        return Loose(tokens[at].text), 1
    if word in w.CLAUSE_WORDS:
        return Delimiter("side" if word in w.SIDE_CLAUSES else "clause"), 1
    return None


def _other(tokens: Tokens, at: int) -> Found | None:
    """Reads "each other"; and "the other", "the others", "the rest", where no noun follows."""
    if (low(tokens, at), low(tokens, at + 1)) in (("each", "other"), ("one", "another")):
        return Pron(w.EACH_OTHER), 2
    if low(tokens, at) != "the" or low(tokens, at + 1) not in ("other", "others", "rest"):
        return None
    after = at + 2
    while is_adjective(low(tokens, after)) or low(tokens, after) in w.AND:
        after += 1
    word = low(tokens, after)
    small = w.AUXILIARIES | w.DETERMINERS
    object_next = low(tokens, after + 1) in w.DETERMINERS
    acts = looks_like_verb(word) and (object_next or not is_noun_next(tokens, after))
    is_noun = after < len(tokens) and tokens[after].is_word and word not in small and not acts
    if is_noun and match_phrase(tokens, after) is None and word not in w.PREPOSITIONS:
        return None
    return Pron("other"), 2


def _participle(tokens: Tokens, at: int, before: list[Element]) -> Found | None:
    """How somebody feels or looks: "feeling inspired"."""
    word = low(tokens, at)
    if not before or not isinstance(before[-1], Verb) or not before[-1].text.endswith("ing"):
        return None
    if not word.endswith("ed") or not looks_like_verb(word) or low(tokens, at + 1) in w.DETERMINERS:
        return None
    return Attr((tokens[at].text,)), 1


def _verb(tokens: Tokens, at: int, before: list[Element]) -> Found | None:
    """A verb with its auxiliaries; None where no verb stands."""
    end = at
    while low(tokens, end) in w.AUXILIARIES or (
        end > at and low(tokens, end) != "not" and _between_verbs(low(tokens, end))
    ):
        end += 1
    auxiliaries = [token.low for token in tokens[at:end]]
    if not auxiliaries:
        chunk = _verb_form(tokens, at) or _either(tokens, at, before)
        return (Verb(tokens[at].low, bare=tokens[at].low.endswith("ing")), 1) if chunk else None
    be = any(word in w.BE for word in auxiliaries)
    if end < len(tokens) and _verb_form(tokens, end, after_be=be):
        word = tokens[end].low
        return Verb(word, passive=be and not word.endswith("ing")), end + 1 - at
    if be and auxiliaries[-1] == "having":
        return Verb("having"), end - at
    return Verb("", have=auxiliaries[-1] in ("has", "have", "had", "having")), end - at


def _between_verbs(word: str) -> bool:
    """Whether the word may stand between a verb's parts: "are both slowly turning"."""
    return is_adverb(word) or word in ("both", "all")


def _verb_form(tokens: Tokens, at: int, *, after_be: bool = False) -> bool:
    """Whether token `at` is a verb where one may stand: after a noun phrase or an auxiliary."""
    word = low(tokens, at)
    if not word or match_phrase(tokens, at) is not None:
        return False
    starts = at > 0 and low(tokens, at - 1) in w.AND | {","}
    opens = after_be and not is_adjective(word)
    if word.endswith("ing") and (opens or starts and low(tokens, at + 1) in w.DETERMINERS):
        return True
    if is_adjective(word) or is_adverb(word):
        return False
    if word in STRICT_VERBS or looks_like_verb(word):
        return after_be or noun_phrase(tokens, at, opens=_opens(tokens, at)) is None
    return False


def _either(tokens: Tokens, at: int, before: list[Element]) -> bool:
    """Whether what may be a noun is a verb here: after a noun phrase, or between "to" and "the"."""
    word, after = low(tokens, at), low(tokens, at + 1)
    if before and before[-1] == Prep("to"):
        objects = w.DETERMINERS | w.PRONOUNS
        return after in objects and word not in w.DETERMINERS and word not in w.NUMBERS
    if word not in EITHER_WORDS or match_phrase(tokens, at) is not None:
        return False
    named = before[:-1] if before and isinstance(before[-1], Anchor) else before
    return bool(named) and isinstance(named[-1], NounPhrase | Pron) and _follows_noun(tokens, at)


def _opens(tokens: Tokens, at: int) -> bool:
    return at == 0 or tokens[at - 1].is_stop or tokens[at - 1].low == ":"


def _follows_noun(tokens: Tokens, at: int) -> bool:
    """Whether the word before could end a noun phrase, so that this one was left out of it."""
    before = tokens[at - 1]
    small = w.AND | w.PREPOSITIONS | w.DETERMINERS | w.AUXILIARIES | w.CLAUSE_WORDS | w.NEGATORS
    return before.is_word and before.low not in small and not is_adverb(before.low)


def _small_word(tokens: Tokens, at: int) -> Found | None:
    word = tokens[at].low
    if word in w.PRONOUNS or (word in w.PLURAL_PRONOUNS and not is_noun_next(tokens, at)):
        return Pron(word), 1
    if word in w.PREPOSITIONS and word not in w.NEGATORS:
        return Prep(word), 1
    if word in ("which", "who", "that") and at > 0 and not is_noun_next(tokens, at):
        return Delimiter("which"), 1
    if word == "that" and is_noun_next(tokens, at):
        return None
    loose = word == "not" or (is_adverb(word) and not is_noun_next(tokens, at))
    if word in w.OTHER_PRONOUNS or loose:
        return Loose(tokens[at].text), 1
    return None


def _phrase_or_attribute(tokens: Tokens, at: int, before: list[Element]) -> Found | None:
    coordinated = (
        len(before) > 1 and before[-1] == Delimiter("and") and isinstance(before[-2], NounPhrase)
    )
    chunk = noun_phrase(tokens, at, coordinated=coordinated, opens=_opens(tokens, at))
    if chunk is None:
        return None
    phrase, used = chunk
    bare = not phrase.determiner and phrase.count is None and not phrase.post
    adjectives = all(
        is_adjective(word.lower()) or word.lower() in w.AND | {","} for word in phrase.words
    )
    after_be = bool(before) and before[-1] == Verb("")
    pure = all(
        is_pure_adjective(word.lower()) or word.lower() in w.AND | {","} for word in phrase.words
    )
    after_other = bool(before) and before[-1] == Pron("other")
    if bare and adjectives and (pure or after_be or after_other):
        return Attr(phrase.words), used
    if pure and low(tokens, at + used) in ("one", "ones"):
        return replace(phrase, words=(*phrase.words, "one")), used + 1
    return phrase, used
