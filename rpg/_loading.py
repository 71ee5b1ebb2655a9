"""Models loaded by foreign libraries: whatever they raise becomes one line of ours."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

from rpg.errors import ModelError, RPGError

__all__ = ["first_line", "loading", "named"]

_MOST_CHARS = 300
_HIDDEN = "..."
_SECRETS = re.compile(
    r"\bhf_\w{8,}|\bsk-[\w-]{8,}|(?<=://)[^/\s@]+@"  # tokens, and who asks in an address
    r"|(?<=\?)[^\s'\"]+"  # what an address is signed with
    r"|(?i:(?<=bearer )|(?<=token=)|(?<=key=))[^\s&'\"]+"
)


@contextmanager
def loading(what: str) -> Iterator[None]:
    """Raises every failure but our own as "cannot load WHAT: " and the first line of its text.

    Raises:
        ModelError: Anything failed; keys and tokens in its text are left out.
    """
    try:
        yield
    except RPGError:
        raise
    except Exception as error:
        raise ModelError(f"cannot load {what}: {first_line(error)}") from error


@contextmanager
def named(source: str | os.PathLike[str], name: str) -> Iterator[None]:
    """Tells a `ModelError` with a name in place of a path: whoever sees a page sees no folder.

    Raises:
        ModelError: As raised, in other words.
    """
    try:
        yield
    except ModelError as error:
        text = str(error)
        for known in sorted({os.fspath(source), os.path.abspath(source)}, key=len, reverse=True):
            alone = re.escape(known) if os.sep in known else rf"(?<!\w){re.escape(known)}(?!\w)"
            text = re.sub(alone, lambda _: name, text) if len(known) > 1 else text
        raise ModelError(text) from error.__cause__


def first_line(error: BaseException) -> str:
    """The first line of an error's text without keys and tokens; its class where there is none."""
    line = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return _SECRETS.sub(_HIDDEN, line)[:_MOST_CHARS]
