"""Out of memory, told in one line and with nothing left behind."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import torch

from rpg.errors import RPGError

_WORDS = ("out of memory", "not enough memory", "t allocate memory")


@contextmanager
def memory_explained(kind: type[RPGError], advice: str) -> Iterator[None]:
    """Raises a lack of memory as `kind` with that advice; leaves other errors alone."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        released(error)
        raise kind(f"out of memory: {advice}") from error


def released(error: BaseException) -> None:
    """Frees what the frames of an error, and of those it came from, would keep alive with it."""
    one: BaseException | None = error
    while one is not None:
        for frame, _ in traceback.walk_tb(one.__traceback__):
            with suppress(RuntimeError):  # it still runs
                frame.clear()
                frame.f_locals  # noqa: B018 - forgets the copy that `locals()` made, as diffusers does
        one = one.__context__
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def is_out_of_memory(error: Exception) -> bool:
    """CUDA has a type for it; the CPU allocator and MPS only say so in a RuntimeError's text."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return any(words in str(error) for words in _WORDS)
