"""Files of rows: JSONL, CSV or one prompt a line. What a line holds is judged elsewhere."""

from __future__ import annotations

import codecs
import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from rpg.errors import PromptError, SettingsError

__all__ = ["Fields", "records"]

Fields = Mapping[str, Any]
Record = tuple[int, "Fields | PromptError"]

_WORDS = frozenset(
    {"prompt", "negative_prompt", "base_prompt", "plan", "id", "name"}
)  # not numbers


def records(path: Path) -> Iterator[Record]:
    """Every line that is not blank: its number from 1, and its fields or why it has none.

    The name's ending says what the file is: `.jsonl` or `.ndjson`, `.csv` with a line of headings,
    or `.txt`. It is UTF-8, or UTF-16 that begins with its mark, as Windows writes "Unicode".

    Raises:
        SettingsError: The file cannot be read, or has another ending.
    """
    read = _READERS.get(path.suffix.lower())
    if read is None:
        raise SettingsError(f"{path}: expected a file that ends in {', '.join(_READERS)}")
    try:
        text = _decoded(path.read_bytes())
    except OSError as error:
        raise SettingsError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"cannot read {path}: it is UTF-16 text cut short") from error
    return ((line, _readable(found)) for line, found in read(text))


def _decoded(data: bytes) -> str:
    """The text; what cannot be decoded stays in it as halves of characters.

    Raises:
        UnicodeDecodeError: UTF-16 that ends within a character.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "surrogatepass")
    return data.decode("utf-8-sig", "surrogateescape")


def _readable(found: Fields | PromptError) -> Fields | PromptError:
    """Refuses what no file or model can take: undecodable bytes, halves of characters, NULs."""
    if isinstance(found, PromptError):
        return found
    text = json.dumps(found, ensure_ascii=False)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return PromptError("is not UTF-8 text")
    if "\\u0000" in text.replace("\\\\", ""):  # JSON's NUL, not a backslash before u0000
        return PromptError("holds NUL characters: is the file UTF-8?")
    return found


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Not `splitlines`, which also splits at characters that may stand within a prompt."""
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield number, line.strip()


def _prompts(text: str) -> Iterator[Record]:
    return ((number, {"prompt": line}) for number, line in _lines(text))


def _jsonl(text: str) -> Iterator[Record]:
    return ((number, _parsed(line)) for number, line in _lines(text))


def _parsed(line: str) -> Fields | PromptError:
    try:
        found = json.loads(line)
    except json.JSONDecodeError as error:
        return PromptError(f"is no JSON: {error.msg} at character {error.colno}")
    except (ValueError, RecursionError):
        return PromptError("is no JSON that can be read: a number too long, or nested too deep")
    if not isinstance(found, dict):
        return PromptError('is no JSON object, such as {"prompt": "a red star"}')
    return found


def _csv(text: str) -> Iterator[Record]:
    """A row may go over several lines; its number is that of the last."""
    table = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        headings = [name.strip() for name in next(table, [])]
        for cells in table:
            if any(cell.strip() for cell in cells):
                yield table.line_num, _columns(headings, cells)
    except csv.Error as error:  # where a row ends is not known any more
        yield table.line_num, PromptError(f"is no CSV ({error}); nothing after it was read")


def _columns(headings: list[str], cells: list[str]) -> Fields | PromptError:
    if len(cells) > len(headings):
        return PromptError(f"has {len(cells)} cells under {len(headings)} headings")
    pairs = zip(headings, cells, strict=False)
    return {name: _cell(name, text.strip()) for name, text in pairs if text.strip()}


def _cell(name: str, text: str) -> object:
    if name in _WORDS:
        return text
    try:
        number = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return number if isinstance(number, int | float) else text


_READERS: Mapping[str, Callable[[str], Iterator[Record]]] = {
    ".jsonl": _jsonl,
    ".ndjson": _jsonl,
    ".csv": _csv,
    ".txt": _prompts,
}
