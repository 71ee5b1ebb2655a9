"""What a language model is asked to answer with.

The order of the fields is the order of thought: an answer under a JSON grammar is written from the
top, so `reasoning` before `regions` is the chain of thought, and entities before regions is the
recaption.

Boxes are four named whole percentages. A whole number is one or two tokens and needs no decimals;
a name cannot be taken for another edge, while bare lists are written as x, y, x, y by some models,
as y, x, y, x or x, y, width, height by others. Rows of columns, the official form, would leave no
gaps but can say neither foreground over background nor a thing inside another.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    model_validator,
)

_CONTROLS = {code: None for code in (*range(32), *range(127, 160)) if chr(code) not in "\t\n"}
_PERCENT = {"type": "integer", "minimum": 0, "maximum": 100}
_RATIO = {"anyOf": [{"type": "number", "minimum": 0, "maximum": 1}, {"type": "null"}]}
_NOISE = frozenset(("$defs", "default", "description", "title"))
_EDGES = ("left", "top", "right", "bottom")
_OTHER_EDGES = (
    ("x0", "y0", "x1", "y1"),
    ("x1", "y1", "x2", "y2"),
    ("xmin", "ymin", "xmax", "ymax"),
)
_SPANS = (("x", "y", "width", "height"), ("left", "top", "width", "height"), ("x", "y", "w", "h"))


def clean(text: str) -> str:
    """Text that can be printed and stored: no control characters, no halves of characters."""
    whole = text.encode("utf-8", "replace").decode("utf-8")
    return whole.replace("\r\n", "\n").translate(_CONTROLS)


def one_line(text: str) -> str:
    """The same on one line."""
    return " ".join(clean(text).split())


def _number(value: Any) -> Any:
    return value.strip().removesuffix("%") if isinstance(value, str) else value


Line = Annotated[str, AfterValidator(one_line)]
Edge = Annotated[float, BeforeValidator(_number), WithJsonSchema(_PERCENT)]


class _Part(BaseModel):
    """Closed and with every field required in the schema; open and lenient when read."""

    model_config = ConfigDict(
        frozen=True,
        json_schema_serialization_defaults_required=True,
        json_schema_extra={"additionalProperties": False},
    )


class Edges(_Part):
    """A box as a model says it, in whatever unit."""

    left: Edge
    top: Edge
    right: Edge
    bottom: Edge

    @model_validator(mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        """Lists, and the names that other tools give the edges, are understood too."""
        if isinstance(value, list | tuple) and len(value) == 4:
            return dict(zip(_EDGES, value, strict=True))
        if not isinstance(value, Mapping) or set(_EDGES) <= value.keys():
            return value
        for names in _OTHER_EDGES:
            if set(names) <= value.keys():
                return {edge: value[name] for edge, name in zip(_EDGES, names, strict=True)}
        return _from_span(value)


def _from_span(value: Mapping[Any, Any]) -> Any:
    for names in _SPANS:
        if set(names) <= value.keys():
            x, y, width, height = (value[name] for name in names)
            if all(type(number) in (int, float) for number in (x, y, width, height)):
                return {"left": x, "top": y, "right": x + width, "bottom": y + height}
    return value


class Entity(_Part):
    """A thing that the prompt names."""

    name: Line
    count: int = 1
    attributes: list[Line] = []


class Described(Entity):
    """A thing, recaptioned."""

    description: Line = ""


class Part(_Part):
    """One region of the answer."""

    id: Line = ""
    shows: list[Line] = []
    prompt: Line
    box: Edges


class PlanAnswer(_Part):
    """A plan as a model says it."""

    reasoning: Annotated[str, AfterValidator(clean)] = ""
    entities: list[Entity] = []
    regions: Annotated[list[Part], Field(json_schema_extra={"minItems": 1})]
    base_prompt: Line = ""
    base_ratio: Annotated[float | None, WithJsonSchema(_RATIO)] = None
    negative: Line = ""


class EditAnswer(PlanAnswer):
    """A changed plan, with the prompt that asks for it."""

    prompt: Line = ""


class RecaptionAnswer(_Part):
    """The first of two answers, where recaptioning is asked for on its own."""

    reasoning: Annotated[str, AfterValidator(clean)] = ""
    entities: list[Described]


@cache
def json_schema(answer: type[BaseModel]) -> Mapping[str, Any]:
    """The JSON schema of an answer, without references: not every endpoint follows them."""
    schema = answer.model_json_schema(mode="serialization")
    return _plain(schema, schema.get("$defs", {}))


def _plain(node: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    """With references followed, and without titles, defaults and the words of our docstrings."""
    if "$ref" in node:
        return _plain(definitions[node["$ref"].rsplit("/", 1)[-1]], definitions)
    said = {key: value for key, value in node.items() if key not in _NOISE}
    if "properties" in said:
        said["properties"] = {
            name: _plain(one, definitions) for name, one in said["properties"].items()
        }
    if "items" in said:
        said["items"] = _plain(said["items"], definitions)
    return said
