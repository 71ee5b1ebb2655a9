"""Public names that a package fetches from their modules when they are first used (PEP 562)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

__all__ = ["fetching"]


def fetching(
    package: str, homes: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """A package's `__getattr__`, which keeps what it has fetched, and its `__dir__`.

    Args:
        package: The package's `__name__`.
        homes: Its names that are fetched later, and the modules that have them.
    """
    own = vars(sys.modules[package])

    def fetch(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        own[name] = value = getattr(import_module(homes[name]), name)
        return value

    def names() -> list[str]:
        return sorted({*own, *homes})

    return fetch, names
