"""What a request may hold: judged by its bytes before it is parsed, by its form before it is used.

A parser makes objects of twenty times the size of the bytes, and Gradio copies them several times:
so the number of values is bounded as well as the number of bytes.
"""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rpg._json_size import MAX_VALUES, has_too_many_values
from rpg.settings import explain

__all__ = [
    "MAX_JSON_BYTES",
    "MAX_STROKE_BYTES",
    "MAX_UPLOAD_BYTES",
    "BodyError",
    "ComponentCall",
    "NamedCall",
    "QueueCall",
    "SimpleCall",
    "read_json",
]

MAX_JSON_BYTES = 8 * 2**20  # a picture of 1024 x 1024 as base64 takes 3 MB
MAX_STROKE_BYTES = 32 * 2**20  # a layer of the mask editor
MAX_UPLOAD_BYTES = 512 * 2**20  # a zip of a long session of large pictures
_MAX_DEPTH = 40  # regions in regions, eight deep, take 20
_MAX_NAME = 200

Name = Annotated[str, Field(max_length=_MAX_NAME)]


class BodyError(Exception):
    """A body that is refused.

    Attributes:
        status: Of the answer: 400, 408 or 413.
        unread: Whether more of it is still to come.
    """

    def __init__(self, message: str, status: int = 400, *, unread: bool = False) -> None:
        super().__init__(message)
        self.status, self.unread = status, unread


class _Form(BaseModel):
    """Fields that the page and its clients send; others are dropped."""

    model_config = ConfigDict(strict=True, extra="ignore")


class SimpleCall(_Form):
    """`/call/NAME`: values in the order of the endpoint's parameters."""

    data: Annotated[list[Any], Field(max_length=1000)]
    session_hash: Name | None = None


class QueueCall(SimpleCall):
    """`/queue/join`: what a listener of the page sends."""

    fn_index: Annotated[int, Field(ge=0, lt=2**31)]
    session_hash: Name
    event_data: Any = None
    trigger_id: Annotated[int, Field(ge=0, lt=2**31)] | None = None


class NamedCall(_Form):
    """`/cancel` and `/reset`."""

    event_id: Name = ""
    session_hash: Name = ""
    fn_index: Annotated[int, Field(ge=0, lt=2**31)] = 0


class ComponentCall(_Form):
    """`/component_server`."""

    data: Any
    component_id: Annotated[int, Field(ge=0, lt=2**31)]
    session_hash: Name
    fn_name: Name


def too_large(size: int | None, most: int) -> BodyError:
    """What is said of a body over its limit; `size` where it is known."""
    has = f"is {size:,} bytes" if size is not None else f"is over {most:,} bytes"
    return BodyError(f"the request {has}; at most {most:,} are read: send less", 413, unread=True)


def read_json(body: bytes, form: type[BaseModel] | None) -> bytes:
    """The body as it is handed on: of `form` its own fields alone, else as it came.

    Raises:
        BodyError: It is no JSON, too deep, of too many values, or not of the form.
    """
    if has_too_many_values(body):
        raise BodyError(f"the request holds over {MAX_VALUES:,} values: send less", 413)
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise BodyError("the request is no JSON") from None
    if _deeper(value, _MAX_DEPTH):
        raise BodyError(f"the request is nested deeper than {_MAX_DEPTH} levels")
    if form is None:
        return body
    try:
        return orjson.dumps(form.model_validate(value).model_dump())
    except ValidationError as error:
        raise BodyError(f"the request cannot be understood: {explain(error)}") from None


def _deeper(value: Any, most: int) -> bool:
    """Whether lists and objects are nested deeper than `most` levels."""
    level = [value]
    for _ in range(most + 1):
        level = [
            inner
            for one in level
            if isinstance(one, (dict, list))
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return False
    return True
