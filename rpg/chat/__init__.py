"""Chat models behind one small protocol: hosted, local, and scripted for tests.

Importing this package loads no library of a model: `OpenAIChat` and `LocalChat` are fetched when
they are first used; the former loads openai with its first question, the latter torch at once.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from rpg.chat.base import ChatModel, Delta, Message, Usage, answer_of
from rpg.chat.scripted import ScriptedChat

if TYPE_CHECKING:
    from rpg.chat.hosted import OpenAIChat
    from rpg.chat.local import LocalChat
    from rpg.chat.patience import Patience

__all__ = [
    "ChatModel",
    "Delta",
    "LocalChat",
    "Message",
    "OpenAIChat",
    "Patience",
    "ScriptedChat",
    "Usage",
    "answer_of",
]

_HOMES = {
    "LocalChat": "rpg.chat.local",
    "OpenAIChat": "rpg.chat.hosted",
    "Patience": "rpg.chat.patience",
}


def __getattr__(name: str) -> Any:
    """Fetch a public name from its module and keep it (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """What there is, also what has not been fetched yet."""
    return sorted({*globals(), *__all__})
