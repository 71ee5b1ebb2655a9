"""Planners: from a prompt to a plan."""

from __future__ import annotations

from rpg.planners.base import Planner
from rpg.planners.rules import RulePlanner

__all__ = ["Planner", "RulePlanner"]
