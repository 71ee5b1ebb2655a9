"""Structured answers of language models: JSON among other text, validated, never executed.

An answer is described by a pydantic model derived from `Answer`: `json_schema` says it to the
model, `read_answer` finds it in whatever came back.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import islice
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

__all__ = [
    "MAX_ANSWER_CHARS",
    "Answer",
    "Line",
    "NoAnswerError",
    "clean",
    "json_schema",
    "one_line",
    "read_answer",
]

MAX_ANSWER_CHARS = 200_000
_MOST_STARTS = 2000  # braces tried; no answer has as many
_MOST_FAULTS = 8
_MOST_REPAIRED = 24  # of those, read with slips mended: a scan letter by letter
_DECODER = json.JSONDecoder(strict=False)  # a literal newline in a string is meant as one
_BEGINS = re.compile(r'[{\uff5b]\s*["\u201c\uff02}\uff5d]')
_WIDE = str.maketrans("\uff0c\uff1a\uff5b\uff5d\uff3b\uff3d\u3001", ",:{}[],")
_WIDE_QUOTES = "\u201c\uff02"
_TOKENS = re.compile(  # strings, punctuation, white space, all else
    r'"(?:[^"\\]|\\.)*+"|\u201c[^\u201d]*+\u201d|\uff02[^\uff02]*+\uff02|'
    r"[{}\[\],:\uff0c\uff1a\uff5b\uff5d\uff3b\uff3d\u3001]|\s++|"
    r'[^"\u201c\uff02{}\[\],:\uff0c\uff1a\uff5b\uff5d\uff3b\uff3d\u3001\s]++|.',
    re.DOTALL,
)
_CONTROLS = {code: None for code in (*range(32), *range(127, 160)) if chr(code) not in "\t\n"}
_NOISE = frozenset(("$defs", "default", "description", "title"))


def clean(text: str) -> str:
    """Text that can be printed and stored: no control characters, no halves of characters."""
    whole = text.encode("utf-8", "replace").decode("utf-8")
    return whole.replace("\r\n", "\n").translate(_CONTROLS)


def one_line(text: str) -> str:
    """The same on one line."""
    return " ".join(clean(text).split())


Line = Annotated[str, AfterValidator(one_line)]


class Answer(BaseModel):
    """An answer or a part of one: closed and every field required as told, lenient when read."""

    model_config = ConfigDict(
        frozen=True,
        json_schema_serialization_defaults_required=True,
        json_schema_extra={"additionalProperties": False},
    )


A = TypeVar("A", bound=BaseModel)


class NoAnswerError(Exception):
    """The text holds no answer of the kind asked for.

    Attributes:
        problems: What is wrong, a sentence each; the model is told these words.
    """

    def __init__(self, *problems: str) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def read_answer(text: str, kind: type[A], key: str) -> A:
    """The last object with a list under `key` in a text, validated.

    Null may stand for no items, an object for a list, as the kind of answer takes it. Trailing
    commas, literal newlines in strings and full-width punctuation are read as meant.

    Args:
        text: The answer with whatever prose, fences or thoughts are around it.
        kind: What to read it as.
        key: The field that tells it from other objects.

    Raises:
        NoAnswerError: There is none, it was cut short, or it is not as it should be.
    """
    candidate, end = None, 0
    for value, stop in _objects(text):
        if (one := _with_list(value, key)) is not None:
            candidate, end = one, stop
    # What was begun after the last whole object counts: a draft is not to stand for a cut answer.
    if candidate is None or re.search(rf'"{key}"\s*:', text[end:]):
        raise NoAnswerError(f'there is no whole JSON object with a list "{key}" in it')
    try:
        return kind.model_validate(candidate)
    except ValidationError as error:
        raise NoAnswerError(*_faults(error)) from None


@cache
def json_schema(answer: type[BaseModel]) -> Mapping[str, Any]:
    """The JSON schema of an answer, without references: not every endpoint follows them."""
    schema = answer.model_json_schema(mode="serialization")
    return _plain(schema, schema.get("$defs", {}))


def _plain(node: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    """With references followed, and without titles, defaults and the words of our docstrings."""
    if "$ref" in node:
        return _plain(definitions[node["$ref"].rsplit("/", 1)[-1]], definitions)
    plain = {key: value for key, value in node.items() if key not in _NOISE}
    if "properties" in plain:
        plain["properties"] = {
            name: _plain(one, definitions) for name, one in plain["properties"].items()
        }
    if "items" in plain:
        plain["items"] = _plain(plain["items"], definitions)
    if "anyOf" in plain:
        plain["anyOf"] = [_plain(one, definitions) for one in plain["anyOf"]]
    return plain


def _objects(text: str) -> Iterator[tuple[dict[str, Any], int]]:
    """Every JSON object in a text that is in no other, and where it ends."""
    end = repaired = 0
    for start in islice(
        (at for at, letter in enumerate(text) if letter in "{\uff5b"), _MOST_STARTS
    ):
        if start < end:
            continue
        try:
            value, end = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError):  # a number of 5,000 digits is a ValueError too
            if repaired >= _MOST_REPAIRED or not _BEGINS.match(text, start):
                continue
            repaired += 1
            mended, stop = _mended(text, start)
            try:
                value = json.loads(mended, strict=False)
            except (ValueError, RecursionError):
                continue
            end = stop
        yield value, end


def _mended(text: str, start: int) -> tuple[str, int]:
    """An object that begins at `start`, with its punctuation as JSON wants it, and its end.

    Nothing is added: an object that was cut off stays so.
    """
    pieces: list[str] = []
    depth, end = 0, len(text)
    for token in _TOKENS.finditer(text, start):
        piece = token[0]
        if len(piece) == 1:
            piece = piece.translate(_WIDE)
            if piece in "}]" and pieces and pieces[-1] == ",":
                pieces.pop()
            depth += (piece in "{[") - (piece in "}]")
        elif piece[0] in _WIDE_QUOTES:
            inner = piece[1:-1].replace('\\"', '"').replace('"', '\\"')
            piece = f'"{inner}"'
        if not piece.isspace():
            pieces.append(piece)
        if not depth:
            end = token.end()
            break
    return "".join(pieces), end


def _with_list(value: Any, key: str, depth: int = 2) -> dict[str, Any] | None:
    """The object itself, or one wrapped in it: {"plan": {"regions": [...]}}."""
    if not isinstance(value, dict):
        return None
    if isinstance(value.get(key, 0), list | dict | None):
        return value
    inner = (_with_list(one, key, depth - 1) for one in value.values() if depth)
    return next((one for one in inner if one is not None), None)


def _faults(error: ValidationError) -> list[str]:
    """Every fault with its place, as many as a model can heed at once."""
    return [
        f"{'.'.join(str(step) for step in fault['loc'])}: {fault['msg']}"
        for fault in error.errors(include_url=False, include_input=False)[:_MOST_FAULTS]
    ]
