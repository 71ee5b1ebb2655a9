"""A reader-writer lock on a folder.

A folder can be locked also by who may not write to it, and the lock ends with its process.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if sys.platform != "win32":
    import fcntl

__all__ = ["folder_lock"]

_PAUSE = 0.002  # seconds


@contextmanager
def folder_lock(folder: Path, *, shared: bool, timeout: float) -> Iterator[bool]:
    """Holds the folder's lock.

    Where there is none to be had (Windows, no such folder), work goes on without.

    Args:
        folder: The folder.
        shared: Whether others may hold it at the same time, as readers may.
        timeout: Seconds to wait for it at most.

    Yields:
        False where others still hold it.
    """
    if sys.platform == "win32":
        yield True
        return
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        yield True
        return
    try:
        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        yield _taken(handle, kind, time.monotonic() + timeout)
    finally:
        os.close(handle)


def _taken(handle: int, kind: int, until: float) -> bool:
    while True:
        try:
            fcntl.flock(handle, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                return False
            time.sleep(_PAUSE)
        except OSError:
            # Some network drives lock for readers alone: then the file is never changed meanwhile.
            return kind == fcntl.LOCK_SH
        else:
            return True
