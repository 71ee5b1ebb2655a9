"""How many values a JSON text holds, counted without parsing it.

A parser makes objects of up to forty times the size of the text, so whoever takes texts from
strangers bounds the number of values before it parses.
"""

from __future__ import annotations

import re

__all__ = ["MAX_VALUES", "has_too_many_values"]

MAX_VALUES = 50_000  # the largest plan has about 2,000
# A string, or what stands before a value. A string that never closes matches as well: were it tried
# again from every quote in it, the time would grow with the square of its length.
_MARKS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?|[,\[{]', re.DOTALL)


def has_too_many_values(text: bytes, most: int = MAX_VALUES) -> bool:
    """Whether a JSON text in UTF-8 holds over `most` values."""
    if sum(map(text.count, (b",", b"[", b"{"))) <= most:
        return False
    values = 0
    for mark in _MARKS.finditer(text):
        values += mark[0][:1] != b'"'
        if values > most:
            return True
    return False
