"""The rule planner: tokens -> elements -> things and relations -> boxes -> subprompts."""

from __future__ import annotations

from rpg.planners.rules.planner import RulePlanner

__all__ = ["RulePlanner"]
