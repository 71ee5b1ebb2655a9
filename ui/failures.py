"""Failures that should not be: what a client is told of them, and what the log."""

from __future__ import annotations

import traceback
from pathlib import Path

__all__ = ["BROKEN", "described"]

BROKEN = "something went wrong that should not; the log of the app has the details"


def described(error: BaseException) -> str:
    """The kind of an error and the innermost places that it came through.

    Never its words or any value: they may hold a key.
    """
    frames = reversed(traceback.extract_tb(error.__traceback__)[-4:])
    places = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames]
    return " at ".join(filter(None, [type(error).__name__, ", ".join(places)]))
