"""The rule planner: scene graph -> layout -> subprompts; and commands that edit a plan."""

from __future__ import annotations

from rpg.planners.rules.planner import RulePlanner

__all__ = ["RulePlanner"]
