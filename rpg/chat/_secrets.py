"""Redaction of API keys in errors and logs."""

from __future__ import annotations

import logging
import re

_HIDDEN = "[key]"
_SHORTEST = 6  # letters; anything shorter is no key, and would blot out words
_KEY_LIKE = re.compile(r"\b(?:sk|key|AIza)[-_]?[\w-]{20,}")
_LOGGERS = ("openai", "httpx2", "httpcore2")
_LONGEST_LINE = 300

_known: set[str] = set()


def guard(secret: str) -> None:
    """Hides a key in whatever the libraries below us log, at any level, from now on.

    To be called after they were imported: a filter reaches no logger that is made later.
    """
    if len(secret) >= _SHORTEST:
        _known.add(secret)
    for name in list(logging.root.manager.loggerDict):
        if name.split(".")[0] in _LOGGERS:
            logging.getLogger(name).addFilter(_hide_in)


def hidden(text: str) -> str:
    """The text without any key that we know or that looks like one."""
    for secret in _known:
        text = text.replace(secret, _HIDDEN)
    return _KEY_LIKE.sub(_HIDDEN, text)


def one_line(text: str) -> str:
    """What a stranger said, fit for an error: no key, one line, at most 300 letters."""
    line = " ".join(hidden(text).split())
    return line if len(line) <= _LONGEST_LINE else line[:_LONGEST_LINE] + "..."


def _hide_in(record: logging.LogRecord) -> bool:
    record.msg = hidden(record.getMessage())
    record.args = None
    return True
