"""Reasoning, read while it is still being written."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpg.chat import Delta
from rpg.chat.answers import clean
from rpg.planners.llm.thoughts import Thoughts
from tests.planners.llm.helpers import answer, said


def heard(pieces: list[Delta]) -> tuple[str, list[str]]:
    thoughts = Thoughts()
    told = [thoughts.feed(piece) for piece in pieces]
    told.append(thoughts.end())
    return "".join(told), told


def cut(text: str, *places: int) -> list[Delta]:
    edges = [0, *sorted(place % (len(text) + 1) for place in places), len(text)]
    return [Delta(text[a:b]) for a, b in zip(edges, edges[1:], strict=False)]


@given(st.text(max_size=300), st.lists(st.integers(0, 10_000), max_size=40))
def test_the_reasoning_comes_out_whole_however_the_answer_is_cut(
    reasoning: str, places: list[int]
) -> None:
    for ascii_only in (True, False):
        text = json.dumps(answer(reasoning=reasoning), ensure_ascii=ascii_only)
        told, _ = heard(cut(text, *places))
        expected = clean(reasoning)
        assert told == expected if expected.endswith("\n") else told.removesuffix("\n") == expected


def test_it_comes_while_it_is_written_and_nothing_else_of_the_json_does() -> None:
    text = said(reasoning="word " * 100)
    told, pieces = heard([Delta(letter) for letter in text])
    assert told.strip() == ("word " * 100).strip()
    assert sum(bool(piece) for piece in pieces) > 20
    assert max(len(piece) for piece in pieces) < 60


def test_an_answer_that_breaks_off_is_shown_to_its_last_letter() -> None:
    told, pieces = heard([Delta(letter) for letter in '{"reasoning": "' + "word " * 99 + "end"])
    assert told == "word " * 99 + "end\n"
    assert len(pieces[-1]) < 20


def test_prose_before_json_is_shown_and_the_fence_is_not() -> None:
    told, _ = heard(cut(f"Let me see.\n```json\n{said()}\n```\nDone.", 5, 20, 60))
    assert told == "Let me see.\nThe star is above the circle: two rows.\n"


def test_the_official_form_is_shown_as_it_comes() -> None:
    text = "Two.\nFinal split ratio: 1,1\nRegional Prompt: a BREAK b"
    told, pieces = heard(cut(text, 10, 20, 30))
    assert told == text + "\n"
    assert len(pieces) == 5


def test_thoughts_aside_stand_on_lines_of_their_own() -> None:
    told, _ = heard([Delta("hm, ", "reasoning"), Delta("two", "reasoning"), *cut(said(), 30)])
    assert told == "hm, two\nThe star is above the circle: two rows.\n"


@pytest.mark.parametrize(
    "text",
    ["{", "{}", '{"reasoning": 3, "a": 1}', "{]", "", "`"],
)
def test_what_holds_no_reasoning_shows_nothing(text: str) -> None:
    assert heard(cut(text, 1, 3, 9))[0] == ""


def test_escape_sequences_do_not_reach_a_terminal() -> None:
    told, _ = heard([Delta("\x1b[2J", "reasoning"), *cut(said(reasoning="\x1b]0;x\x07ok"), 20)])
    assert told == "[2J\n]0;xok\n"


def test_a_long_answer_in_single_letters_takes_no_time() -> None:
    text = json.dumps(answer(reasoning="word " * 20_000))
    start = time.process_time()
    told, _ = heard([Delta(letter) for letter in text])
    assert len(told) >= 99_999
    assert time.process_time() - start < 15  # minutes if each letter were read with all before it
