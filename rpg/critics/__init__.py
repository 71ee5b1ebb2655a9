"""Critics: does the picture say what the plan says?

Importing this package loads no critic: they are fetched when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rpg._lazy import fetching
from rpg.critique import Check, Critic, Critique, Finding

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

__getattr__, __dir__ = fetching(__name__, _HOMES)
