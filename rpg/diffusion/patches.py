"""What is changed on an object for as long as a context lasts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

import torch

__all__ = ["intercepted", "replaced"]

_ABSENT = object()
_HANDLERS: WeakKeyDictionary[torch.nn.Module, Callable[..., Any]] = WeakKeyDictionary()


@contextmanager
def replaced(owner: Any, name: str, value: Any) -> Iterator[None]:
    """Set an attribute on the instance, and put back exactly what the instance had.

    What somebody else has set in its place meanwhile stays.
    """
    before = vars(owner).get(name, _ABSENT)
    object.__setattr__(owner, name, value)
    try:
        yield
    finally:
        if vars(owner).get(name, _ABSENT) is value:
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
    watched = _watched(before)
    _HANDLERS[module] = handler
    object.__setattr__(module, "__class__", watched)
    try:
        yield
    finally:
        del _HANDLERS[module]
        if type(module) is watched:
            object.__setattr__(module, "__class__", before)


@cache
def _watched(kind: type[Any]) -> type[Any]:
    """A class like `kind`, one for all its modules, so that nothing is compiled for it anew."""

    def call(self: Any, *args: Any, **words: Any) -> Any:
        handler = _HANDLERS.get(self)  # copies of the module have none
        return kind.__call__(self, *args, **words) if handler is None else handler(*args, **words)

    names = ("__module__", "__qualname__", "__doc__")
    members = {name: getattr(kind, name) for name in names}
    return type(kind.__name__, (kind,), {**members, "__call__": call})
