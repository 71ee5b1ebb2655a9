"""Chat models behind one small protocol: hosted, local, and scripted for tests."""

from __future__ import annotations

from rpg.chat.base import ChatModel, Delta, Message, Usage, answer_of
from rpg.chat.scripted import ScriptedChat

__all__ = ["ChatModel", "Delta", "Message", "ScriptedChat", "Usage", "answer_of"]
