"""Language identification: English prompts, by their alphabet and their function words."""

from __future__ import annotations

from collections.abc import Sequence

from rpg.language.grammar.tokens import Token
from rpg.language.lexicon.function_words import AND, AUXILIARIES, DETERMINERS, PREPOSITIONS

# Articles and joining words of German, French, Spanish, Italian, Dutch and Portuguese.
_FOREIGN = frozenset(
    """
    ein eine einen einem einer der das und mit auf neben links rechts dem den von vor hinter unter
    un une le la les des du et avec sur dans gauche droite el los las una unos con y sobre en
    izquierda derecha il lo gli della e sinistra destra een het op naast um uma uns umas com os em
    nas nos ao
    """.split()
)
_ENGLISH = (DETERMINERS | AND | AUXILIARIES | PREPOSITIONS) - {"in", "a", "per", "over"}


def is_english(tokens: Sequence[Token]) -> bool:
    """Whether the prompt may be English: in Latin letters, without another language's articles."""
    letters = [letter for token in tokens for letter in token.low if letter.isalpha()]
    latin = sum(letter < "\u0250" for letter in letters)
    foreign = sum(token.low in _FOREIGN for token in tokens)
    return 2 * latin >= len(letters) and foreign <= sum(token.low in _ENGLISH for token in tokens)
