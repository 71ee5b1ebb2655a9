"""Inline thoughts, however the text is cut into pieces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpg.chat import Delta, answer_of
from rpg.chat.thoughts import ThoughtSplitter


def split(pieces: list[str]) -> tuple[str, str]:
    splitter = ThoughtSplitter()
    deltas: list[Delta] = []
    for piece in pieces:
        deltas += splitter.feed(piece)
    deltas += splitter.end()
    assert all(delta.text for delta in deltas)
    return "".join(one.text for one in deltas if one.kind == "reasoning"), answer_of(deltas)


@pytest.mark.parametrize(
    ("text", "thoughts", "answer"),
    [
        ('<think>hm</think>\n{"a": 1}', "hm", '{"a": 1}'),
        ("\n<THINK>\nhm</Think> yes", "hm", "yes"),
        ("<thinking>a</thinking><think>b</think> c", "ab", "c"),
        ("hm, so\n</think>\n\n{}", "hm, so\n", "{}"),
        ('{"a": "</think>"}', "", '{"a": "</think>"}'),
        ('{"a": "<think>b</think>"}', "", '{"a": "<think>b</think>"}'),
        ("<think>cut off", "cut off", ""),
        ("<b>bold</b> <thi", "", "<b>bold</b> <thi"),
        ("<thi", "", "<thi"),
        ("   \n", "", ""),
        ("<think></think>x", "", "x"),
    ],
)
def test_thoughts_and_answer_are_told_apart_at_every_cut(
    text: str, thoughts: str, answer: str
) -> None:
    for size in (1, 2, 3, 5, len(text)):
        pieces = [text[at : at + size] for at in range(0, len(text), size)]
        assert split(pieces) == (thoughts, answer)


@given(st.lists(st.text(alphabet="<think>/ ab{", max_size=12), max_size=6))
def test_cuts_make_no_difference_and_nothing_is_lost(pieces: list[str]) -> None:
    whole = split(["".join(pieces)])
    assert split(pieces) == whole
    assert split(list("".join(pieces))) == whole
