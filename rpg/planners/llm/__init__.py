"""The language-model planner: recaption, think, plan; every answer checked before it is drawn."""

from __future__ import annotations

from rpg.planners.llm.cache import PlanCache
from rpg.planners.llm.planner import LLMPlanner

__all__ = ["LLMPlanner", "PlanCache"]
