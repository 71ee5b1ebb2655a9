"""What is changed on an object for as long as a context lasts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import torch

__all__ = ["intercepted", "replaced"]

_ABSENT = object()
_HANDLER = "_intercepted_by"


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


@contextmanager
def intercepted(module: torch.nn.Module, handler: Callable[..., Any]) -> Iterator[None]:
    """Answer calls of a module by `handler(*args, **words)`.

    By the module's class, as `torch.nn.utils.parametrize` does it, and not by its `forward`: hooks
    and offloading replace that at any time, before, within and after, and stay as they are. What
    calls the module's class by itself, as `type(module).__call__` was before, gets past it.
    """
    before: Any = type(module)
    with replaced(module, _HANDLER, handler):
        object.__setattr__(module, "__class__", _watched(before))
        try:
            yield
        finally:
            object.__setattr__(module, "__class__", before)


@cache
def _watched(kind: type[Any]) -> type[Any]:
    """A class like `kind`, one for all its modules, so that nothing is compiled for it anew."""

    def call(self: Any, *args: Any, **words: Any) -> Any:
        return vars(self)[_HANDLER](*args, **words)

    names = ("__module__", "__qualname__", "__doc__")
    members = {name: getattr(kind, name) for name in names}
    return type(kind.__name__, (kind,), {**members, "__call__": call})
