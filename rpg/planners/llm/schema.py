"""The answer schemas of the language-model planner: a plan, a change of one, a recaption.

The order of the fields is the order of thought: an answer under a JSON grammar is written from the
top, so `reasoning` comes first and what the picture holds comes before where it goes.

Boxes are four named whole percentages. A whole number is one or two tokens and needs no decimals;
a name cannot be taken for another edge, while bare lists are written as x, y, x, y by some models,
as y, x, y, x or x, y, width, height by others.

What is told is strict; what is read is lenient: null for nothing, a string for a list, a list for
a string, numbers as words, the field names of other tools.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    BeforeValidator,
    Field,
    WithJsonSchema,
    model_validator,
)

from rpg.chat.answers import Answer, Line, clean, json_schema

_PERCENT = {"type": "integer", "minimum": 0, "maximum": 100}
_EDGES = ("left", "top", "right", "bottom")
_OTHER_EDGES = (
    ("x0", "y0", "x1", "y1"),
    ("x1", "y1", "x2", "y2"),
    ("xmin", "ymin", "xmax", "ymax"),
)
_SPANS = (("x", "y", "width", "height"), ("left", "top", "width", "height"), ("x", "y", "w", "h"))
_PARTS = re.compile(r"\s*[,;\n\uff0c\u3001\uff1b]\s*")
_MOST_COUNTED = 10_000
NUMBERS = {
    word: number
    for number, words in enumerate(
        "zero/no/none,one/a/an/single,two/pair/couple/both/twin/twins/duo,three/trio/triplets,"
        "four/quartet,five,six,seven,eight,nine,ten,eleven,twelve/dozen".split(",")
    )
    for word in words.split("/")
}


def _number(value: Any) -> Any:
    return value.strip().removesuffix("%") if isinstance(value, str) else value


def _text(value: Any) -> Any:
    """Nothing for null; a list as a phrase; a number in figures."""
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(one for one in value if isinstance(one, str))
    return str(value) if type(value) in (int, float) else value


def _list(value: Any) -> Any:
    """A list for null, for one item, and for an object of named items."""
    if value is None or value == "":
        return []
    if isinstance(value, Mapping):
        named = value and all(isinstance(one, Mapping) for one in value.values())
        return [{"id": name, **one} for name, one in value.items()] if named else [value]
    return value if isinstance(value, list | tuple) else [value]


_AROUND = frozenset("a an exactly just only of the".split())
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_NUMBERS = {**{word: 10 * at for at, word in enumerate(_TENS, 2)}, **NUMBERS}
_VAGUE = frozenset(
    "about almost approximately around between few fewer least less many more most nearly or over "
    "roughly several some than to under up".split()
)


def _phrases(value: Any) -> Any:
    """Lists of phrases; a string is parted at its commas, objects give their id or name."""
    if isinstance(value, str):
        return [part for part in _PARTS.split(value.strip()) if part]
    if isinstance(value, Mapping) and not {"id", "name"} & value.keys():
        return [_text(one) for one in value.values()]  # {"colour": "red"}
    items = (
        one.get("id") or one.get("name") if isinstance(one, Mapping) else one
        for one in _list(value)
    )
    return [text for one in items if (text := _text(one))]


def _count(value: Any) -> int | None:
    """A number in figures or words; None where it is none, as in "some"."""
    if isinstance(value, str):
        value = _said_number(re.findall(r"\w+", value.lower()))
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if value == value and 0 <= value <= _MOST_COUNTED else None


def _said_number(words: Sequence[str]) -> int | None:
    """The number that words say: "a dozen", "two dozen", "twenty-one", "exactly 3 cats"."""
    told = [word for word in words if word not in _AROUND]
    if told == ["half", "dozen"]:
        return 6
    if _VAGUE.intersection(told) or len(told) > 3:
        return None
    known = [_NUMBERS[one] if one in _NUMBERS else int(one) for one in told if _is_number(one)]
    match told, known:
        case [_, "dozen", *_], [count, 12]:
            return count * 12
        case [*_, "hundred"], _:
            return 100 * (known[0] if known else 1)
        case _, [tens, ones] if tens >= 20 and tens % 10 == 0 and ones < 10:
            return tens + ones
        case _, [count]:
            return count
    return None


def _is_number(word: str) -> bool:
    return word in _NUMBERS or (word.isascii() and word.isdigit() and len(word) < 6)


Edge = Annotated[float, BeforeValidator(_number), WithJsonSchema(_PERCENT)]
Text = Annotated[Line, BeforeValidator(_text)]
Phrases = Annotated[list[Line], BeforeValidator(_phrases)]
Count = Annotated[
    int | None,
    BeforeValidator(_count),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}]}),
]
Reasoning = Annotated[str, BeforeValidator(_text), AfterValidator(clean)]


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


class ThingAnswer(Answer):
    """Something to be seen, or several alike."""

    id: Text = ""
    name: Text = ""
    attributes: Phrases = []
    count: Count = 1
    owner: Text = ""
    words: Text = ""

    @model_validator(mode="before")
    @classmethod
    def _of_a_name(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value


class RelationAnswer(Answer):
    """How one thing stands to others."""

    subject: Text = ""
    kind: Text = Field("", validation_alias=AliasChoices("kind", "relation", "predicate"))
    objects: Phrases = Field([], validation_alias=AliasChoices("objects", "object"))

    @model_validator(mode="before")
    @classmethod
    def _of_three(cls, value: Any) -> Any:
        """["cat", "left of", "dog"] is read too."""
        if isinstance(value, list | tuple) and len(value) >= 3:
            return {"subject": value[0], "kind": value[1], "objects": list(value[2:])}
        return value


class RegionAnswer(Answer):
    """One region of the answer."""

    id: Text = ""
    shows: Phrases = []
    prompt: Annotated[Text, Field(json_schema_extra={"minLength": 1})]
    box: Edges
    parent: Text = ""


Things = Annotated[list[ThingAnswer], BeforeValidator(_list)]
Relations = Annotated[list[RelationAnswer], BeforeValidator(_list)]


class PlanAnswer(Answer):
    """A plan as a model says it.

    Read, though not told, are the fields of version 1: entities for things, base ratio, negative.
    """

    reasoning: Reasoning = ""
    setting: Text = ""
    style: Text = ""
    things: Things = Field([], validation_alias=AliasChoices("things", "entities"))
    relations: Relations = []
    absent: Phrases = []
    canvas: Text = ""
    regions: Annotated[list[RegionAnswer], BeforeValidator(_list)]
    base_prompt: Text = ""

    _base_ratio: Any = None
    _negative: str = ""
    _removed: list[str] = []

    @model_validator(mode="wrap")
    @classmethod
    def _with_fields_not_told(cls, value: Any, handler: Any) -> PlanAnswer:
        made: PlanAnswer = handler(value)
        if isinstance(value, Mapping):
            made._base_ratio = value.get("base_ratio")
            negative = _text(value.get("negative"))
            made._negative = negative if isinstance(negative, str) else ""
            made._removed = [
                one for one in _phrases(value.get("remove") or value.get("removed"))
                if isinstance(one, str)
            ]  # fmt: skip
        return made

    @property
    def base_ratio(self) -> float | None:
        """A share from 0 to 1; percent are understood, nonsense is nothing."""
        value = _number(self._base_ratio)
        try:
            value = float(value)
        except (TypeError, ValueError, OverflowError):
            return None
        if 0 <= value <= 1:
            return float(value)
        return value / 100 if 5 <= value <= 100 else None

    @property
    def negative(self) -> str:
        """What should not be there, as answers of version 1 say it."""
        return " ".join(clean(self._negative).split())

    @property
    def removed(self) -> Sequence[str]:
        """Ids of what goes, in a whole plan that answers a change."""
        return self._removed


class EditedPlanAnswer(PlanAnswer):
    """A whole plan in answer to a change, with the prompt that asks for it; read, never told."""

    prompt: Text = ""


_DO = {
    "add": "insert create new",
    "remove": "delete drop",
    "modify": "change update edit replace set rewrite",
    "move": "resize reposition place shift",
}
_DONE = {word: do for do, words in _DO.items() for word in (do, *words.split())}


class EditItem(Answer):
    """One edit of a region; null leaves what there is."""

    do: Literal["add", "remove", "modify", "move"]
    id: Text = ""
    shows: Annotated[Phrases | None, Field()] = None
    prompt: Annotated[Text | None, Field()] = None
    box: Edges | None = None
    parent: Annotated[Text | None, Field()] = None

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, value: Any) -> Any:
        """Other words for the four, {"add": {...}}, and the region in an object of its own."""
        if not isinstance(value, Mapping):
            return value
        if len(value) == 1:
            ((do, inner),) = value.items()
            if str(do).lower() in _DONE:
                value = {"do": do, **(inner if isinstance(inner, Mapping) else {"id": inner})}
        region = value.get("region")
        inner = region if isinstance(region, Mapping) else {"id": region} if region else {}
        said = {**value, **{name: one for name, one in inner.items() if one is not None}}
        for name in ("kind", "type", "action", "op", "edit"):
            said.setdefault("do", said.get(name))
            if said["do"] is None:
                del said["do"]
        words = str(said.get("do", "")).lower().replace("_", " ").replace("-", " ").split()
        known = next((_DONE[word] for word in words if word in _DONE), None)
        return {**said, "do": known} if known else said

    @model_validator(mode="before")
    @classmethod
    def _null_is_unsaid(cls, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        return {name: one for name, one in value.items() if one is not None}


class EditAnswer(Answer):
    """A change of a plan: what it does not name stays as it is."""

    reasoning: Reasoning = ""
    things: Things = []
    relations: Relations = []
    edits: Annotated[list[EditItem], BeforeValidator(_list)]
    setting: Annotated[Line | None, BeforeValidator(lambda v: v if v is None else _text(v))] = None
    style: Annotated[Line | None, BeforeValidator(lambda v: v if v is None else _text(v))] = None
    absent: Annotated[
        list[Line] | None, BeforeValidator(lambda v: v if v is None else _phrases(v))
    ] = None
    base_prompt: Text = ""
    prompt: Text = ""

    @model_validator(mode="before")
    @classmethod
    def _scene_among_the_edits(cls, value: Any) -> Any:
        """An edit of the scene among those of regions says the fields beside them."""
        edits = _list(value.get("edits")) if isinstance(value, Mapping) else []
        if not isinstance(value, Mapping) or not isinstance(edits, list):
            return value
        said, kept = dict(value), []
        for one in edits:
            if not _is_scene(one):
                kept.append(one)
                continue
            inner = next((each for each in one.values() if isinstance(each, Mapping)), one)
            for name in ("setting", "style", "things", "relations", "absent"):
                if inner.get(name) is not None:
                    old = said.get(name)
                    both = isinstance(old, list) and isinstance(inner[name], list)
                    said[name] = [*old, *inner[name]] if both and old else inner[name]
        return {**said, "edits": kept}


def _is_scene(edit: Any) -> bool:
    if not isinstance(edit, Mapping):
        return False
    names = ("do", "kind", "type", "action", "op", "edit")
    said = next((str(edit[name]).lower() for name in names if edit.get(name)), "")
    return "scene" in said or set(edit) & {"scene", "set_scene"} != set()


class DescribedEntity(ThingAnswer):
    """A thing, recaptioned."""

    description: Text = ""


class RecaptionAnswer(Answer):
    """The first of two answers, where recaptioning is asked for on its own."""

    reasoning: Reasoning = ""
    entities: Annotated[list[DescribedEntity], BeforeValidator(_list)]


def told_schema(kind: type[BaseModel], sizes: Sequence[tuple[int, int]] = ()) -> dict[str, Any]:
    """The JSON schema that a model is told, with the canvases to choose from if there are several.

    Args:
        kind: Of answer.
        sizes: Canvases, width and height in pixels.
    """
    schema = copy.deepcopy(dict(json_schema(kind)))
    properties = schema["properties"]
    if len(sizes) > 1 and "canvas" in properties:
        properties["canvas"] = {"type": "string", "enum": [f"{w}x{h}" for w, h in sizes]}
    elif "canvas" in properties:
        del properties["canvas"]
        schema["required"] = [name for name in schema["required"] if name != "canvas"]
    return schema
