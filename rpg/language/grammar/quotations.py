"""Quotations: what stands in quotation marks is to be read as it is, and tells of no things."""

from __future__ import annotations

import re
from collections.abc import Iterator

_QUOTED = re.compile(
    r"(?<!\w)\"([^\"]+)\"|\u201c([^\u201d]+)\u201d|\u00ab([^\u00bb]+)\u00bb"
    r"|(?<!\w)'([^']{2,})'(?!\w)|(?<!\w)\u2018([^\u2019]+)\u2019(?!\w)"
)


def quotations(text: str) -> Iterator[re.Match[str]]:
    """The quotations of a text, marks included, in order."""
    return _QUOTED.finditer(text)


def quoted(match: re.Match[str]) -> str:
    """The words of a quotation, without its marks."""
    return next(words for words in match.groups() if words is not None).strip()


def unquoted(text: str) -> str:
    """The text with a blank for each quotation."""
    return _QUOTED.sub(" ", text)


def masked(text: str) -> str:
    """A text of the same length in which quotations hold neither marks nor words."""
    return _QUOTED.sub(lambda match: "x" * len(match[0]), text)
