"""Critics: does the picture say what the plan says?

Importing this package loads no critic: they are fetched when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from rpg.critics.base import Check, Critic, Critique, Finding

if TYPE_CHECKING:
    from rpg.critics.checks import compile_checks
    from rpg.critics.choice import critic_named
    from rpg.critics.toybox import ToyboxCritic
    from rpg.critics.vlm import VLMCritic
    from rpg.critics.vote import VotingCritic

__all__ = [
    "Check",
    "Critic",
    "Critique",
    "Finding",
    "ToyboxCritic",
    "VLMCritic",
    "VotingCritic",
    "compile_checks",
    "critic_named",
]

_HOMES = {
    "ToyboxCritic": "rpg.critics.toybox",
    "VLMCritic": "rpg.critics.vlm",
    "VotingCritic": "rpg.critics.vote",
    "compile_checks": "rpg.critics.checks",
    "critic_named": "rpg.critics.choice",
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
