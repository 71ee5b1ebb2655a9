"""Planners: from a prompt to a plan.

`LLMPlanner` and `PlanCache` are fetched when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from rpg.planners.base import Planner, StreamingPlanner
from rpg.planners.rules import RulePlanner

if TYPE_CHECKING:
    from rpg.planners.llm import LLMPlanner, PlanCache

__all__ = ["LLMPlanner", "PlanCache", "Planner", "RulePlanner", "StreamingPlanner"]

_LAZY = ("LLMPlanner", "PlanCache")


def __getattr__(name: str) -> Any:
    """Fetch a public name from its module and keep it (PEP 562)."""
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module("rpg.planners.llm"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """What there is, also what has not been fetched yet."""
    return sorted({*globals(), *__all__})
