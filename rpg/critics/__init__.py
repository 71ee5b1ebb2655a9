"""Critics: does the picture say what the plan says?"""

from __future__ import annotations

from rpg.critics.base import Check, Critic, Critique, Finding

__all__ = ["Check", "Critic", "Critique", "Finding"]
