"""Chat models behind one small protocol: hosted, local, and scripted for tests.

Importing this package loads no library of a model: `OpenAIChat` and `LocalChat` are fetched when
they are first used; the former loads openai with its first question, the latter torch at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rpg._lazy import fetching
from rpg.chat.base import ChatModel, Delta, Message, Usage, answer_of
from rpg.chat.scripted import ScriptedChat

if TYPE_CHECKING:
    from rpg.chat.hosted import OpenAIChat
    from rpg.chat.local import LocalChat
    from rpg.chat.timeouts import Timeouts

__all__ = [
    "ChatModel",
    "Delta",
    "LocalChat",
    "Message",
    "OpenAIChat",
    "ScriptedChat",
    "Timeouts",
    "Usage",
    "answer_of",
]

_HOMES = {
    "LocalChat": "rpg.chat.local",
    "OpenAIChat": "rpg.chat.hosted",
    "Timeouts": "rpg.chat.timeouts",
}

__getattr__, __dir__ = fetching(__name__, _HOMES)
