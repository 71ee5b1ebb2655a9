"""Planners: from a prompt to a plan.

`LLMPlanner` and `PlanCache` are fetched when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rpg._lazy import fetching
from rpg.planners.base import Planner, StreamingPlanner
from rpg.planners.rules import RulePlanner

if TYPE_CHECKING:
    from rpg.planners.llm import LLMPlanner, PlanCache

__all__ = ["LLMPlanner", "PlanCache", "Planner", "RulePlanner", "StreamingPlanner"]

_HOMES = dict.fromkeys(("LLMPlanner", "PlanCache"), "rpg.planners.llm")

__getattr__, __dir__ = fetching(__name__, _HOMES)
