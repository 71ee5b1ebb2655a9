"""Schemas said strictly and in words; JSON found in prose."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from rpg.chat.schemas import heeds, in_words, json_in, strict
from rpg.plans.plan import Plan


class Leaf(BaseModel):
    name: str = Field(min_length=1, pattern="^a")
    share: float | None = Field(default=None, ge=0, le=1)
    at: tuple[int, int] = (0, 0)


class Tree(BaseModel):
    leaves: list[Leaf]
    below: list[Tree] = []


def nodes(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        yield schema
        for key, one in schema.items():
            named = key in ("properties", "$defs")
            for below in one.values() if named else [one]:
                yield from nodes(below)
    elif isinstance(schema, list):
        for one in schema:
            yield from nodes(one)


@pytest.mark.parametrize("model", [Leaf, Tree, Plan])
def test_strict_closes_everything_and_keeps_every_name(model: type[BaseModel]) -> None:
    schema = model.model_json_schema()
    before = copy.deepcopy(schema)
    said = strict(schema)
    assert schema == before
    assert said is not None and said["type"] == "object"
    assert set(said["properties"]) == set(model.model_fields)
    for node in nodes(said):
        if "properties" in node:
            assert node["additionalProperties"] is False
            assert node["required"] == list(node["properties"])
        if "$ref" in node:
            assert set(node) == {"$ref"}
            assert node["$ref"].removeprefix("#/$defs/") in said["$defs"]
        assert not node.keys() & {
            "default",
            "title",
            "pattern",
            "minLength",
            "prefixItems",
            "oneOf",
        }


def test_bounds_are_kept_where_strict_mode_knows_them() -> None:
    said = strict(Leaf.model_json_schema())
    assert said is not None
    assert said["properties"]["share"]["anyOf"][0] == {"type": "number", "minimum": 0, "maximum": 1}
    assert said["properties"]["at"]["minItems"] == 2


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object"},
        {"type": "object", "properties": {"any": {}}},
        {"type": "object", "properties": {"map": {"type": "object", "additionalProperties": {}}}},
        {"type": "object", "properties": {"a": {"not": {"type": "string"}}}},
        {"type": "array", "items": {"type": "string"}},
        {"anyOf": [{"type": "string"}, {"type": "null"}]},
    ],
)
def test_what_strict_mode_cannot_say_is_not_said_wrongly(schema: dict[str, Any]) -> None:
    assert strict(schema) is None


def test_words_hold_the_schema_and_the_word_that_deepseek_wants() -> None:
    schema = Leaf.model_json_schema()
    text = in_words(schema)
    assert "JSON" in text
    assert json.loads(text[text.index("{") :]) == schema


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.dictionaries(st.text(), VALUES, max_size=4),
    st.text().filter(lambda text: "{" not in text),
    st.text(),
)
def test_an_object_is_found_in_whatever_prose(
    value: dict[str, Any], before: str, after: str
) -> None:
    assert json_in(f"{before}```json\n{json.dumps(value)}\n```{after}") == value


@given(st.text())
def test_no_text_is_a_crash(text: str) -> None:
    found = json_in(text)
    assert found is None or isinstance(found, dict)


def test_deep_and_wide_nonsense_is_no_crash() -> None:
    assert json_in('{"a":' * 100_000) is None
    assert json_in("{" * 100_000) is None


def test_an_answer_heeds_a_schema_when_its_names_are_there() -> None:
    schema = {"type": "object", "required": ["a"]}
    assert heeds('so: {"a": 1}', schema)
    assert not heeds('so: {"b": 1}', schema)
    assert not heeds("so: a", schema)
