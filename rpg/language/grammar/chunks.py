"""Noun-phrase chunking without a dictionary of nouns: by the words that end a phrase."""

from __future__ import annotations

from rpg.language.grammar.elements import NounPhrase
from rpg.language.grammar.phrases import match_phrase
from rpg.language.grammar.quantities import number, quantity
from rpg.language.grammar.tokens import Token, join
from rpg.language.lexicon import function_words as w
from rpg.language.lexicon.attributes import COLOURS, is_adjective, is_pure_adjective
from rpg.language.lexicon.inflect import is_plural
from rpg.language.lexicon.nouns import CANVAS, is_abstract
from rpg.language.lexicon.verbs import (
    COMPOUND_ED,
    EITHER_WORDS,
    INTRANSITIVE,
    NOUN_ED,
    NOUN_ING,
    STRICT_VERBS,
)

Tokens = tuple[Token, ...]
_NEVER_INSIDE = (
    w.DETERMINERS | w.AND | w.CLAUSE_WORDS | w.PREPOSITIONS | w.PRONOUNS | w.OTHER_PRONOUNS
    | w.AUXILIARIES | w.NEGATORS
)  # fmt: skip
_BEFORE_CAN = frozenset("watering trash garbage soda tin beer spray oil paint gas rubbish".split())
_NOUNS_TOO = frozenset({"back", "home", "side"})
_PASTS = frozenset("lay rose fell shot spread set cut beat led saw found left put".split())
MAX_WORDS = 14
MAX_OF = 3


def noun_phrase(
    tokens: Tokens, at: int, *, coordinated: bool = False, opens: bool = False, depth: int = 0
) -> tuple[NounPhrase, int] | None:
    """The noun phrase that starts at token `at`, and the number of tokens it takes.

    Args:
        tokens: The prompt's tokens.
        at: Where to look.
        coordinated: Another noun phrase came just before with "and": what follows may be plural.
        opens: The phrase would open a sentence, so that a participle may begin it.
        depth: How many "of" it stands behind.
    """
    start = quantity(tokens, at)
    begin = at + start.used
    end = _content_end(tokens, begin, bare=not start.used, coordinated=coordinated, opens=opens)
    if end == begin and start.count is None:
        return None
    words = _spelled(tokens, begin, end)
    post, end = _post(tokens, end, depth) if words else ("", end)
    phrase = NounPhrase(
        start.determiner, start.count, words, post, start.arrangement, start.negated
    )
    return phrase, end - at


def low(tokens: Tokens, at: int) -> str:
    """The token's lower-case text; empty past the end."""
    return tokens[at].low if 0 <= at < len(tokens) else ""


def is_noun_next(tokens: Tokens, at: int) -> bool:
    """Whether a noun phrase goes on after the word at `at`."""
    return at + 1 < len(tokens) and noun_phrase(tokens, at + 1) is not None


def is_adverb(word: str) -> bool:
    """Whether the lower-case word is an adverb."""
    return word in w.ADVERBS or (
        len(word) > 4 and word.endswith("ly") and word not in w.NOT_ADVERBS
    )


def _content_end(tokens: Tokens, begin: int, *, bare: bool, coordinated: bool, opens: bool) -> int:
    """The token after the last word of the attributes and the noun."""
    end = begin
    while end < len(tokens) and end - begin < MAX_WORDS:
        if end == begin and bare and _starts_no_phrase(tokens, end, opens):
            break
        if end == begin and not bare and _acts(tokens, end):
            break
        joined = _joins_adjectives(tokens, begin, end)
        if joined:
            end += joined
        elif _ends_before(tokens, begin, end, coordinated):
            break
        else:
            end += 1
    return _without_trailing(tokens, begin, end)


def _acts(tokens: Tokens, at: int) -> bool:
    """Whether a number stands for its noun, and what it does follows: "one | holding a flag"."""
    number_before = number(low(tokens, at - 1)) is not None
    return (
        number_before and looks_like_verb(tokens[at].low) and low(tokens, at + 1) in w.DETERMINERS
    )


def _without_trailing(tokens: Tokens, begin: int, end: int) -> int:
    """The end without adjectives after the noun: "keeps the wearer | warm"."""
    cut = end
    while cut > begin and is_pure_adjective(tokens[cut - 1].low):
        cut -= 1
    return cut if cut > begin else end


def _starts_no_phrase(tokens: Tokens, at: int, opens: bool) -> bool:
    """Whether a phrase without determiner cannot start here: at a verb, or at an adverb."""
    word = tokens[at].low
    if is_adverb(word) and not is_adjective(low(tokens, at + 1)):
        return True
    if not looks_like_verb(word):
        return False
    return not (opens and word not in STRICT_VERBS and _plain_word(tokens, at + 1))


def looks_like_verb(word: str) -> bool:
    """Whether the lower-case word has the form of a verb and of nothing else."""
    if is_adjective(word) or word in NOUN_ED or word in NOUN_ING:
        return False
    return (
        word in STRICT_VERBS
        or (len(word) > 4 and word.endswith("ing"))
        or (len(word) > 3 and word.endswith("ed"))
    )


def _plain_word(tokens: Tokens, at: int) -> bool:
    word = low(tokens, at)
    return bool(word) and tokens[at].is_word and word not in _NEVER_INSIDE and not is_adverb(word)


def _joins_adjectives(tokens: Tokens, begin: int, at: int) -> int:
    """How many tokens only join adjectives here, as in "black and white cat"; 0 if none."""
    gap = 0
    while low(tokens, at + gap) in (w.AND | {","}):
        gap += 1
    if gap == 0 or gap > 2 or at == begin:
        return 0
    if gap == 1 and low(tokens, at) == "," and _waits_for_noun(tokens, begin, at):
        return 1
    before, after = tokens[at - 1].low, low(tokens, at + gap)
    if not is_adjective(after) or not _run_reaches_noun(tokens, at + gap):
        return 0
    same = after in COLOURS or (low(tokens, at) == "," and is_pure_adjective(after))
    colours = all(token.low in COLOURS for token in tokens[begin:at]) and same
    return gap if is_pure_adjective(before) or colours else 0


def _waits_for_noun(tokens: Tokens, begin: int, at: int) -> bool:
    """Whether only adjectives came so far, and words follow: "the soft, billowing curtains"."""
    opened = low(tokens, begin - 1) in w.DETERMINERS if begin else False
    pure = all(is_pure_adjective(token.low) or token.low == "," for token in tokens[begin:at])
    after = low(tokens, at + 1)
    return opened and pure and _plain_word(tokens, at + 1) and number(after) is None


def _run_reaches_noun(tokens: Tokens, at: int) -> bool:
    """Whether adjectives from `at` on, joined or not, come to a noun."""
    while is_adjective(low(tokens, at)) or low(tokens, at) in (w.AND | {","}):
        at += 1
    return _plain_word(tokens, at) and number(low(tokens, at)) is None


def _ends_before(tokens: Tokens, begin: int, at: int, coordinated: bool) -> bool:
    """Whether the phrase that began at `begin` ends before token `at`."""
    word = tokens[at].low
    if word == "can" and _is_tin(tokens, begin, at):
        return False
    if not tokens[at].is_word or word in _NEVER_INSIDE or not any(map(str.isalpha, word)):
        return True
    if at > begin and number(word) is not None:
        return True
    if match_phrase(tokens, at) is not None:
        return True
    if is_adverb(word):
        if word in _NOUNS_TOO and begin > 0:
            return not all(is_adjective(token.low) for token in tokens[begin:at])
        return not _before_head(tokens, begin, at) or not _plain_word(tokens, at + 1)
    return at > begin and _is_verb(tokens, begin, at, coordinated)


def _is_tin(tokens: Tokens, begin: int, at: int) -> bool:
    """Whether "can" is a noun here: after a determiner or an adjective, no verb can stand."""
    before = low(tokens, at - 1)
    return before in _BEFORE_CAN | w.DETERMINERS or (at > begin and is_adjective(before))


def _before_head(tokens: Tokens, begin: int, at: int) -> bool:
    return all(is_pure_adjective(token.low) or is_adverb(token.low) for token in tokens[begin:at])


def _is_verb(tokens: Tokens, begin: int, at: int, coordinated: bool) -> bool:
    """Whether token `at`, inside or after a noun phrase, is the verb that follows it."""
    word, before = tokens[at].low, tokens[at - 1].low
    if before == "," or before in w.AND:
        return False
    if word in NOUN_ED or word in NOUN_ING or (low(tokens, at + 1) == "of" and word != "made"):
        return False
    if word in STRICT_VERBS:
        return not is_pure_adjective(before)
    if is_pure_adjective(before) or before.endswith("'s") or _only_adverb(before):
        return False
    if word in EITHER_WORDS:
        return _either_is_verb(tokens, at, coordinated)
    if word.endswith("ed") and len(word) > 3 and not is_adjective(word):
        return not (word in COMPOUND_ED and _plain_word(tokens, at + 1))
    if not word.endswith("ing") or len(word) < 5 or is_adjective(word):
        return False
    first_noun = all(is_adjective(token.low) for token in tokens[begin:at])
    return not (first_noun and _plain_word(tokens, at + 1))


def _only_adverb(word: str) -> bool:
    return is_adverb(word) and word not in _NOUNS_TOO


def _either_is_verb(tokens: Tokens, at: int, coordinated: bool) -> bool:
    """A word that may be noun or verb is a verb before a determiner, or agreeing before a place."""
    word, before, after = tokens[at].low, tokens[at - 1].low, low(tokens, at + 1)
    if after in w.DETERMINERS or after in w.NUMBERS or after[:1].isdigit():
        return True
    if word not in INTRANSITIVE:
        return False
    if at + 1 == len(tokens) or tokens[at + 1].is_stop:
        return is_plural(before) and not (coordinated or word.endswith("s") or word in _PASTS)
    if not (after in w.PREPOSITIONS or is_adjective(after) or _phrase_at(tokens, at + 1)):
        return False
    plural = coordinated or is_plural(before)
    return word in _PASTS or plural or word.endswith("s")


def _phrase_at(tokens: Tokens, at: int) -> bool:
    return at < len(tokens) and match_phrase(tokens, at) is not None


def _spelled(tokens: Tokens, begin: int, end: int) -> tuple[str, ...]:
    """The words as written; at the start of a sentence without the capital."""
    opens = begin == 0 or tokens[begin - 1].is_stop
    words = [token.text for token in tokens[begin:end]]
    if opens and words and words[0].istitle() and not (words[1:] and words[1].istitle()):
        words[0] = words[0].lower()
    return tuple(words)


def _with_ideas(tokens: Tokens, end: int) -> int:
    """The token after an abstraction that "and" adds: "of stealth | and beauty"."""
    if low(tokens, end) not in w.AND:
        return end
    chunk = noun_phrase(tokens, end + 1, depth=MAX_OF)
    if chunk is None or chunk[0].determiner or not chunk[0].words:
        return end
    return end + 1 + chunk[1] if is_abstract(chunk[0].words[-1].lower()) else end


def _post(tokens: Tokens, at: int, depth: int) -> tuple[str, int]:
    """Reads "of" and what follows it, as text, and the token after it."""
    if low(tokens, at) != "of" or low(tokens, at + 1) in ("which", "whom") or depth == MAX_OF:
        return "", at
    inner = noun_phrase(tokens, at + 1, opens=True, depth=depth + 1)
    if inner is None or (inner[0].words and inner[0].words[-1].lower() in CANVAS):
        return "", at + 1 + (inner[1] if inner else 0)
    end = _with_ideas(tokens, at + 1 + inner[1])
    return join([token.text for token in tokens[at:end]]), end
