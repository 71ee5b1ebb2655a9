"""From text to elements."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpg.language.grammar.chunks import noun_phrase
from rpg.language.grammar.elements import (
    Anchor,
    Arrange,
    Attr,
    Delimiter,
    Element,
    NounPhrase,
    Order,
    Pron,
    Rel,
    RelationKind,
    RowMark,
    Verb,
)
from rpg.language.grammar.heads import head, heads
from rpg.language.grammar.language_id import is_english
from rpg.language.grammar.phrases import match_phrase
from rpg.language.grammar.quantities import number, quantity
from rpg.language.grammar.scan import scan
from rpg.language.grammar.styles import split_style
from rpg.language.grammar.tokens import join, tokenize


def scanned(text: str) -> tuple[Element, ...]:
    return scan(tokenize(text))


# Tokens -------------------------------------------------------------------------------------------


def test_tokens() -> None:
    tokens = [token.low for token in tokenize("A star-shaped Cat, and the cat's 12 toys at 11:44.")]
    assert tokens == [
        "a", "star-shaped", "cat", ",", "and", "the", "cat's", "12", "toys", "at", "11:44", ".",
    ]  # fmt: skip


@given(st.text(max_size=80))
def test_tokens_lose_nothing_but_blanks(text: str) -> None:
    joined = "".join(token.text for token in tokenize(text))
    assert "".join(joined.split()) == "".join(text.split())


@given(st.lists(st.sampled_from(["red", "cat", "and", "a"]), min_size=1))
def test_join_separates_by_single_spaces(words: list[str]) -> None:
    assert join(words).split() == words
    assert join([*words, ",", *words]) == " ".join(words) + ", " + " ".join(words)


# Quantities ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "count", "arrangement", "used"),
    [
        ("three red cats", 3, "", 1), ("12 cats", 12, "", 1), ("a cat", None, "", 1),
        ("the two cats", 2, "", 2), ("all three of the cats", 3, "", 4), ("cats", None, "", 0),
        ("a pair of cats", 2, "", 3), ("a dozen cats", 12, "", 2), ("two dozen cats", 24, "", 2),
        ("a row of three cats", 3, "row", 4), ("two rows of four cats", 8, "2x4", 4),
        ("a stack of five books", 5, "column", 4), ("a 2x3 grid of cats", 6, "2x3", 4),
        ("a 3 by 3 grid of cats", 9, "3x3", 6),
        ("1970s cars", None, "", 0), ("0 cats", None, "", 0),
    ],
)  # fmt: skip
def test_quantities(text: str, count: int | None, arrangement: str, used: int) -> None:
    found = quantity(tokenize(text), 0)
    assert (found.count, found.arrangement, found.used) == (count, arrangement, used)


def test_vague_and_denied_quantities() -> None:
    assert quantity(tokenize("a few cats"), 0).determiner == "a few"
    assert quantity(tokenize("no cats"), 0).negated
    assert number("seven") == 7 and number("7") == 7 and number("cat") is None


@pytest.mark.parametrize(
    "text", ["9999999x9 grid of cats", "0x4 grid of cats", "99x99 grid of cats"]
)
def test_grids_out_of_bounds_are_no_grids(text: str) -> None:
    assert "x" not in quantity(tokenize(text), 0).arrangement


# Noun phrases -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words", "post"),
    [
        ("a red apple and a train", ["red", "apple"], ""),
        ("a black and white cat", ["black", "and", "white", "cat"], ""),
        ("a soft, billowing curtain", ["soft", ",", "billowing", "curtain"], ""),
        ("a coffee table with legs", ["coffee", "table"], ""),
        ("a glass of red wine on a table", ["glass"], "of red wine"),
        ("a dog running home", ["dog"], ""),
        ("a cat sits there", ["cat"], ""),
        ("a can of soup", ["can"], "of soup"),
        ("a cylindrical can of soup", ["cylindrical", "can"], "of soup"),
        ("a very big dog", ["very", "big", "dog"], ""),
        ("a red rose near a wall", ["red", "rose"], ""),
        ("a snow covered street", ["snow", "covered", "street"], ""),
        ("a Siberian Husky left of it", ["Siberian", "Husky"], ""),
    ],
)
def test_noun_phrases_end_where_they_should(text: str, words: list[str], post: str) -> None:
    found = noun_phrase(tokenize(text), 0)
    assert found is not None
    assert (list(found[0].words), found[0].post) == (words, post)


@pytest.mark.parametrize("text", ["and a cat", "of cats", ", a cat", "is red", "left of it"])
def test_nothing_begins_here(text: str) -> None:
    tokens = tokenize(text)
    found = noun_phrase(tokens, 0)
    assert found is None or match_phrase(tokens, 0) is not None


def test_heads() -> None:
    (phrase,) = scanned("three old coffee tables")
    assert isinstance(phrase, NounPhrase)
    assert head(phrase) == "table" and head(phrase, plural=True) == "tables"
    assert heads(phrase) == {"table", "tables"}


# Set phrases --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("to the left of", (RelationKind.LEFT,)),
        ("on the right-hand side of", (RelationKind.RIGHT,)),
        ("left of", (RelationKind.LEFT,)),
        ("above", (RelationKind.ABOVE,)),
        ("on top of", (RelationKind.ABOVE,)),
        ("beneath", (RelationKind.BELOW,)),
        ("at the bottom of", (RelationKind.BELOW,)),
        ("next to", (RelationKind.BESIDE,)),
        ("on the side of", (RelationKind.BESIDE,)),
        ("in front of", (RelationKind.FRONT,)),
        ("hidden by", (RelationKind.BEHIND,)),
        ("inside of", (RelationKind.INSIDE,)),
        ("in between", (RelationKind.BETWEEN,)),
        ("surrounded by", (RelationKind.AMID,)),
        ("on either side of", (RelationKind.SIDES,)),
        ("all around", (RelationKind.AROUND,)),
        ("above and to the left of", (RelationKind.ABOVE, RelationKind.LEFT)),
        ("to the upper right of", (RelationKind.ABOVE, RelationKind.RIGHT)),
        ("just to the left of", (RelationKind.LEFT,)),
        ("directly above", (RelationKind.ABOVE,)),
    ],
)
def test_relations(text: str, kinds: tuple[RelationKind, ...]) -> None:
    found = match_phrase(tokenize(f"{text} a cat"), 0)
    assert found is not None and isinstance(found[0], Rel)
    assert found[0].kinds == kinds
    assert found[1] == len(tokenize(text))


@pytest.mark.parametrize(
    ("text", "x", "y"),
    [
        ("in the top left corner", 0, 0), ("bottom right", 2, 2), ("at the top", None, 0),
        ("on the left", 0, None), ("in the middle", 1, 1), ("in the lower-right corner", 2, 2),
        ("on the right side of the picture", 2, None), ("in the foreground", None, 2),
    ],
)  # fmt: skip
def test_anchors(text: str, x: int | None, y: int | None) -> None:
    found = match_phrase(tokenize(text), 0)
    assert found is not None and isinstance(found[0], Anchor)
    assert (found[0].x, found[0].y) == (x, y)
    assert found[1] == len(tokenize(text))


def test_lines_of_things() -> None:
    assert isinstance(scanned("side by side")[0], Arrange)
    assert scanned("from left to right")[0] == Order(1, 0, "from left to right")
    assert scanned("from bottom to top")[0] == Order(0, -1, "from bottom to top")
    assert scanned("in the second row")[0] == RowMark(1, False, "in the second row")
    assert scanned("in the last column")[0] == RowMark(9, True, "in the last column")


# Elements -----------------------------------------------------------------------------------------


def test_a_sentence() -> None:
    cat, verb, rel, dog, mark, it, be, attr = scanned("A cat sits next to a dog and it is red")
    assert isinstance(cat, NounPhrase) and cat.words == ("cat",)
    assert isinstance(verb, Verb) and verb.text == "sits"
    assert isinstance(rel, Rel) and rel.kinds == (RelationKind.BESIDE,)
    assert isinstance(dog, NounPhrase) and dog.words == ("dog",)
    assert (mark, it, be, attr) == (Delimiter("and"), Pron("it"), Verb(""), Attr(("red",)))


@pytest.mark.parametrize(
    ("text", "verb"),
    [("The sun is setting", "setting"), ("A fly is lighting up", "lighting"), ("A cat ran", "ran")],
)
def test_verbs_after_their_subject(text: str, verb: str) -> None:
    assert [e.text for e in scanned(text) if isinstance(e, Verb)] == [verb]


@pytest.mark.parametrize(
    ("text", "post"),
    [
        ("a statue made of gold", "made of gold"),
        ("a man in a black suit and white gloves", "in a black suit and white gloves"),
        ("a vase with its square lid and conical base", "with its square lid and conical base"),
        ("a woman in red", "in red"),
        ("a bottle of milk with a red lid", "of milk with a red lid"),
    ],
)
def test_parts_and_clothes_belong_to_their_noun(text: str, post: str) -> None:
    (phrase,) = scanned(text)
    assert isinstance(phrase, NounPhrase) and phrase.post == post


# Language and style -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["a red cat", "red cat", "12", "", "café in Paris", "le chat and a dog"]
)
def test_english(text: str) -> None:
    assert is_english(tokenize(text))


@pytest.mark.parametrize(
    "text", ["der Hund und die Katze", "un chat et le chien", "赤い猫", "кошка"]
)
def test_not_english(text: str) -> None:
    assert not is_english(tokenize(text))


@pytest.mark.parametrize(
    ("prompt", "content", "styles"),
    [
        ("an oil painting of a cat", "a cat", ["oil painting"]),
        ("a photo of a cat", "a cat", []),
        ("a cat, oil painting", "a cat", ["oil painting"]),
        ("a cat, highly detailed, 4k", "a cat", ["highly detailed", "4k"]),
        ("a cat in the style of Monet", "a cat", ["in the style of Monet"]),
        ("a cat, a dog", "a cat, a dog", []),
        ("a painting on a wall", "a painting on a wall", []),
    ],
)
def test_styles(prompt: str, content: str, styles: list[str]) -> None:
    assert split_style(prompt) == (content, styles)
