"""An attribute of an object, replaced for as long as a context lasts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["replaced"]

_ABSENT = object()


@contextmanager
def replaced(owner: Any, name: str, value: Any) -> Iterator[None]:
    """Set an attribute on the instance, and put back exactly what the instance had."""
    before = vars(owner).get(name, _ABSENT)
    object.__setattr__(owner, name, value)
    try:
        yield
    finally:
        if before is _ABSENT:
            object.__delattr__(owner, name)
        else:
            object.__setattr__(owner, name, before)
