"""What a request may hold."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from rpg._json_size import MAX_VALUES, has_too_many_values
from ui.guard.bodies import BodyError, NamedCall, QueueCall, SimpleCall, read_json

_VALUES = some.recursive(
    some.none() | some.booleans() | some.integers(-(2**40), 2**40) | some.text(max_size=8),
    lambda inner: (
        some.lists(inner, max_size=4) | some.dictionaries(some.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)


def refused(body: bytes, form: Any = None) -> BodyError:
    with pytest.raises(BodyError) as error:
        read_json(body, form)
    return error.value


@given(_VALUES)
@settings(max_examples=60)
def test_json_passes_as_it_is(value: Any) -> None:
    body = json.dumps(value).encode()
    assert read_json(body, None) == body


@given(some.binary(max_size=40))
@settings(max_examples=60)
def test_whatever_comes_is_read_or_refused_in_words(body: bytes) -> None:
    try:
        read_json(body, SimpleCall)
    except BodyError as error:
        assert str(error).startswith("the request")


@pytest.mark.parametrize(
    "body", [b"", b"{", b"nan", b"[NaN]", b'"\\ud800"', b"\xff\xfe", b"<html>", b"{} {}"]
)
def test_what_is_no_json_is_refused(body: bytes) -> None:
    assert (str(refused(body)), refused(body).status) == ("the request is no JSON", 400)


def test_depth_and_number_of_values_are_bounded() -> None:
    read_json(b"[" * 30 + b"]" * 30, None)
    assert "nested" in str(refused(b"[" * 60 + b"]" * 60))
    assert refused(b"[" * 1_000_000).status == 413
    assert refused(b"[" + b"1," * MAX_VALUES + b"1]").status == 413


def test_marks_within_strings_do_not_count() -> None:
    text = json.dumps(['a, b [c] {d} \\" ' * 40_000]).encode()
    assert not has_too_many_values(text)
    read_json(text, None)
    assert has_too_many_values(json.dumps([[1, "a,"]] * MAX_VALUES).encode())


def test_counting_is_quick() -> None:
    """Also where every letter is a trap for a pattern."""
    marks = b"," * (MAX_VALUES + 1)
    for text in (
        b'"' * 8_000_000 + marks,
        b'["' + b'\\"' * 3_900_000 + marks,
        b'"\\' * 4_000_000 + marks,
        b'[,"' * 2_700_000,
    ):
        begun = time.process_time()
        has_too_many_values(text)
        assert time.process_time() - begun < 10  # hours for a pattern that goes back


@pytest.mark.parametrize(
    ("form", "value", "says"),
    [
        (SimpleCall, {}, "data"),
        (SimpleCall, [], "cannot be understood"),
        (SimpleCall, {"data": {}}, "data"),
        (SimpleCall, {"data": [1] * 1001}, "data"),
        (QueueCall, {"data": [], "session_hash": "a"}, "fn_index"),
        (QueueCall, {"data": [], "session_hash": "a", "fn_index": "1"}, "fn_index"),
        (QueueCall, {"data": [], "session_hash": "a", "fn_index": True}, "fn_index"),
        (QueueCall, {"data": [], "session_hash": "a", "fn_index": -1}, "fn_index"),
        (QueueCall, {"data": [], "session_hash": "a" * 201, "fn_index": 1}, "session_hash"),
        (QueueCall, {"data": [], "session_hash": ["a"], "fn_index": 1}, "session_hash"),
        (QueueCall, {"data": [], "session_hash": "a", "fn_index": 1, "trigger_id": "x"}, "trigger"),
        (NamedCall, {"event_id": 7}, "event_id"),
    ],
)
def test_forms_are_strict(form: Any, value: Any, says: str) -> None:
    assert says in str(refused(json.dumps(value).encode(), form))


def test_fields_that_nobody_sends_are_dropped() -> None:
    sent = {"data": [1], "session_hash": "a", "fn_index": 0, "batched": True, "oauth_token": "x"}
    kept = json.loads(read_json(json.dumps(sent).encode(), QueueCall))
    assert set(kept) == {"data", "session_hash", "fn_index", "event_data", "trigger_id"}
