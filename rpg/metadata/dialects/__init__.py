"""Readers of what other tools write into their pictures, a module for each tool.

Each has `read(texts)`: from the texts of a picture, by keyword, to a `Foreign`; None where the tool
did not write it, or says no prompt.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from rpg.metadata.dialects import comfyui, fooocus, infotext, invokeai, novelai, swarmui
from rpg.metadata.foreign import Foreign, is_prompt

__all__ = ["KEYWORDS", "read"]

# The first that finds a prompt counts; tools that write JSON under A1111's keyword go before it.
_READERS: tuple[Callable[[Mapping[str, str]], Foreign | None], ...] = (
    swarmui.read,
    fooocus.read,
    infotext.read,
    invokeai.read,
    novelai.read,
    comfyui.read,
)
KEYWORDS = frozenset(
    {
        "parameters",
        "invokeai_metadata",
        "Comment",
        "Description",
        "Software",
        "prompt",
        "workflow",
    }
)


def read(texts: Mapping[str, str]) -> Foreign | None:
    """What another tool says in the texts of a picture; None if none says a prompt."""
    for reader in _READERS:
        found = reader(texts)
        if found is not None and is_prompt(found.prompt):
            return found
    return None
