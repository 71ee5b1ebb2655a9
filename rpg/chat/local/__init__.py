"""A chat model in this process: any text or image-text model that transformers loads.

Answers with a schema are held to it token by token (llguidance), so that even a model that knows
nothing gives one that parses; and every token leaves room to close the answer, so that it ends.
"""

from __future__ import annotations

from rpg.chat.local.chat import LocalChat

__all__ = ["LocalChat"]
