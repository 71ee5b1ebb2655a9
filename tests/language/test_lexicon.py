"""Word forms: singulars, articles, participles, adjectives."""

from __future__ import annotations

import pytest

from rpg.language.lexicon.attributes import (
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
    participle,
    singular,
)
from rpg.language.lexicon.nouns import is_abstract, is_animate, is_person

SINGULARS = {
    "cats": "cat", "boxes": "box", "churches": "church", "dishes": "dish", "glasses": "glasses",
    "dresses": "dress", "cherries": "cherry", "movies": "movie", "pies": "pie", "people": "person",
    "firemen": "fireman", "children": "child", "mice": "mouse", "leaves": "leaf", "wolves": "wolf",
    "potatoes": "potato", "buses": "bus", "fish": "fish", "sheep": "sheep", "bus": "bus",
    "scissors": "scissors", "glass": "glass", "cactus": "cactus", "tennis": "tennis", "gas": "gas",
    "specimen": "specimen", "dice": "dice", "shoes": "shoe", "horses": "horse", "toes": "toe",
    "bookshelves": "bookshelf", "women": "woman",
}  # fmt: skip


@pytest.mark.parametrize("noun", SINGULARS)
def test_singulars(noun: str) -> None:
    assert singular(noun) == SINGULARS[noun]
    assert singular(singular(noun)) == singular(noun)


@pytest.mark.parametrize("noun", [noun for noun, one in SINGULARS.items() if noun != one])
def test_plurals_look_plural_and_singulars_do_not(noun: str) -> None:
    assert is_plural(noun)
    assert not is_plural(singular(noun))


@pytest.mark.parametrize(
    ("phrase", "wanted"),
    [
        ("apple", "an"), ("red apple", "a"), ("hour", "an"), ("honest man", "an"),
        ("unicorn", "a"), ("uniform", "a"), ("umbrella", "an"), ("unicycle", "a"),
        ("uninteresting box", "an"), ("one-eyed cat", "a"), ("8-sided box", "an"), ("house", "a"),
        ("UFO", "a"), ("european car", "a"), ("egg", "an"), ("old \"inn\"", "an"),
        ("11 birds", "an"), ("1 bird", "a"),
    ],
)  # fmt: skip
def test_articles(phrase: str, wanted: str) -> None:
    assert article(phrase) == wanted


@pytest.mark.parametrize(
    ("verb", "wanted"),
    [
        ("sits", "sitting"), ("sat", "sitting"), ("flew", "flying"), ("floated", "floating"),
        ("floats", "floating"), ("carried", "carrying"), ("carries", "carrying"),
        ("lies", "lying"), ("hopped", "hopping"), ("stands", "standing"), ("watches", "watching"),
        ("dance", "dancing"), ("running", "running"), ("goes", "going"), ("press", "pressing"),
    ],
)  # fmt: skip
def test_participles(verb: str, wanted: str) -> None:
    assert participle(verb) == wanted


def test_what_comes_in_pairs() -> None:
    assert is_pair("scissors") and comes_in_pairs("scissors")
    assert comes_in_pairs("shoes") and not is_pair("shoes")
    assert not comes_in_pairs("swans")


@pytest.mark.parametrize("word", ["red", "wooden", "striped", "heart-shaped", "bluish", "famous"])
def test_adjectives(word: str) -> None:
    assert is_adjective(word) and is_pure_adjective(word)


@pytest.mark.parametrize("word", ["cat", "fish", "radish", "bench", "table", "selfie"])
def test_nouns_are_no_adjectives(word: str) -> None:
    assert not is_adjective(word)


@pytest.mark.parametrize("word", ["orange", "gold", "glass", "square", "crescent"])
def test_some_are_both(word: str) -> None:
    assert is_adjective(word) and not is_pure_adjective(word)


def test_looks() -> None:
    assert all(map(is_visual, ("red", "round", "wooden", "striped", "shiny", "heart-shaped")))
    assert not any(map(is_visual, ("old", "happy", "big", "cat")))


@pytest.mark.parametrize(
    ("words", "least", "most"),
    [
        ([], 1, 1), (["red"], 1, 1), (["big"], 1.2, 2), (["huge"], 2, 3), (["small"], 0.4, 0.9),
        (["tiny"], 0.3, 0.5), (["big", "huge", "giant"], 3, 3), (["tiny", "mini"], 0.3, 0.3),
    ],
)  # fmt: skip
def test_sizes_are_bounded(words: list[str], least: float, most: float) -> None:
    assert least <= size_of(words) <= most


def test_kinds_of_nouns() -> None:
    assert is_person("guitarist") and is_person("fireman") and is_person("chef")
    assert is_animate("dog") and not is_person("dog") and not is_animate("lamp")
    assert is_abstract("happiness") and is_abstract("harmony")
    assert not any(map(is_abstract, ("monument", "lion", "ship", "city", "cushion")))
