"""JSON schemas for language models: strict, in words, and whether an answer obeys."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import islice
from typing import Any

_DEFINITIONS = "$defs"
# What OpenAI's strict mode understands beside the structure (guide "Structured outputs").
_KEPT = frozenset(
    "type enum const description minimum maximum exclusiveMinimum exclusiveMaximum multipleOf "
    "minItems maxItems".split()
)
_UNSAYABLE = frozenset(
    "not if then else patternProperties dependentSchemas dependentRequired contains".split()
)
_MOST_STARTS = 100


class _UnsayableError(Exception):
    """Strict mode has no words for this."""


def strict(schema: Mapping[str, Any]) -> dict[str, Any] | None:
    """The schema as OpenAI's strict mode wants it, or None where it cannot be said that way.

    Every object is closed and requires all of its properties, unions are `anyOf`, and keywords
    that are refused (defaults, lengths, patterns, formats) are left out: so an answer that obeys
    still has to be validated. The argument is not changed.
    """
    definitions = {**schema.get("definitions", {}), **schema.get(_DEFINITIONS, {})}
    try:
        root = _strict(_inlined(schema, definitions))
        named = {name: _strict(one) for name, one in definitions.items()}
    except _UnsayableError:
        return None
    if root.get("type") != "object":
        return None
    return {**root, _DEFINITIONS: named} if named else root


def _inlined(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    """A root that is a mere reference, which strict mode refuses, replaced by what it means."""
    reference = schema.get("$ref")
    return definitions.get(_name(reference), {}) if reference else schema


def _name(reference: str) -> str:
    return reference.rsplit("/", 1)[-1]


def _strict(node: Any) -> dict[str, Any]:
    if not isinstance(node, Mapping) or _UNSAYABLE & node.keys():
        raise _UnsayableError
    if "$ref" in node:
        return {"$ref": f"#/{_DEFINITIONS}/{_name(node['$ref'])}"}
    plain = {key: value for key, value in node.items() if key in _KEPT}
    plain |= _union(node) | _array(node) | _object(node)
    if not plain.keys() - {"description"}:
        raise _UnsayableError  # anything at all may stand here
    return plain


def _union(node: Mapping[str, Any]) -> dict[str, Any]:
    parts = node.get("allOf", [])
    if len(parts) > 1:
        raise _UnsayableError
    if parts:
        return _strict(parts[0])
    choices = node.get("anyOf") or node.get("oneOf")
    return {"anyOf": [_strict(one) for one in choices]} if choices else {}


def _array(node: Mapping[str, Any]) -> dict[str, Any]:
    if places := node.get("prefixItems"):  # a tuple: as many items as places, each of any's kind
        kinds = {json.dumps(one): one for one in map(_strict, places)}
        items = next(iter(kinds.values())) if len(kinds) == 1 else {"anyOf": list(kinds.values())}
        return {"items": items, "minItems": len(places), "maxItems": len(places)}
    if "items" in node:
        return {"items": _strict(node["items"])}
    if node.get("type") == "array":
        raise _UnsayableError
    return {}


def _object(node: Mapping[str, Any]) -> dict[str, Any]:
    properties = node.get("properties", {})
    if not properties and node.get("type") != "object":
        return {}
    if not properties or node.get("additionalProperties"):
        raise _UnsayableError  # names that are not known beforehand
    return {
        "type": "object",
        "properties": {name: _strict(one) for name, one in properties.items()},
        "required": list(properties),
        "additionalProperties": False,
    }


def in_words(schema: Mapping[str, Any]) -> str:
    """The request for an answer that obeys a schema, for a model that only reads."""
    return (
        "Answer with JSON alone: one value that obeys the JSON schema below. No code fence, no "
        f"words before or after it.\n\n{json.dumps(schema, ensure_ascii=False)}"
    )


def json_in(text: str) -> dict[str, Any] | None:
    """The first JSON object in a text, whatever prose or fences are around it; None if none is."""
    decoder = json.JSONDecoder()
    starts = (at for at, letter in enumerate(text) if letter == "{")
    for start in islice(starts, _MOST_STARTS):
        try:
            value, _ = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            return value
    return None


def heeds(text: str, schema: Mapping[str, Any]) -> bool:
    """Whether a text looks like an answer of somebody who has read the schema: no validation."""
    value = json_in(text)
    return value is not None and set(schema.get("required", ())) <= value.keys()
