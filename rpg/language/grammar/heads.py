"""The head noun of a noun phrase."""

from __future__ import annotations

from rpg.language.grammar.elements import NounPhrase
from rpg.language.lexicon.inflect import singular


def head(phrase: NounPhrase, *, plural: bool = False) -> str:
    """The phrase's noun in lower case, singular unless `plural`; empty where there is none."""
    noun = phrase.words[-1].lower() if phrase.words else ""
    return noun if plural else singular(noun)


def heads(phrase: NounPhrase) -> set[str]:
    """The noun both as it is written and in the singular, for lists that know either."""
    return {head(phrase), head(phrase, plural=True)}
