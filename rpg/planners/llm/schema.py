"""The answer schema of the language-model planner.

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
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    WithJsonSchema,
    model_validator,
)

from rpg.chat.answers import Answer, Line, clean

_PERCENT = {"type": "integer", "minimum": 0, "maximum": 100}
_RATIO = {"anyOf": [{"type": "number", "minimum": 0, "maximum": 1}, {"type": "null"}]}
_EDGES = ("left", "top", "right", "bottom")
_OTHER_EDGES = (
    ("x0", "y0", "x1", "y1"),
    ("x1", "y1", "x2", "y2"),
    ("xmin", "ymin", "xmax", "ymax"),
)
_SPANS = (("x", "y", "width", "height"), ("left", "top", "width", "height"), ("x", "y", "w", "h"))


def _number(value: Any) -> Any:
    return value.strip().removesuffix("%") if isinstance(value, str) else value


Edge = Annotated[float, BeforeValidator(_number), WithJsonSchema(_PERCENT)]


class Edges(Answer):
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


class EntityAnswer(Answer):
    """A thing that the prompt names."""

    name: Line
    count: int = 1
    attributes: list[Line] = []


class DescribedEntity(EntityAnswer):
    """A thing, recaptioned."""

    description: Line = ""


class RegionAnswer(Answer):
    """One region of the answer."""

    id: Line = ""
    shows: list[Line] = []
    prompt: Annotated[Line, Field(json_schema_extra={"minLength": 1})]
    box: Edges


class PlanAnswer(Answer):
    """A plan as a model says it."""

    reasoning: Annotated[str, AfterValidator(clean)] = ""
    entities: list[EntityAnswer] = []
    regions: Annotated[list[RegionAnswer], Field(json_schema_extra={"minItems": 1})]
    base_prompt: Line = ""
    base_ratio: Annotated[float | None, WithJsonSchema(_RATIO)] = None
    negative: Line = ""


class EditAnswer(PlanAnswer):
    """A changed plan, with the prompt that asks for it."""

    prompt: Line = ""


class RecaptionAnswer(Answer):
    """The first of two answers, where recaptioning is asked for on its own."""

    reasoning: Annotated[str, AfterValidator(clean)] = ""
    entities: list[DescribedEntity]
