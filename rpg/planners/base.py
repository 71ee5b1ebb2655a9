"""What every planner offers."""

from __future__ import annotations

from typing import Protocol

from rpg.plan import Plan


class Planner(Protocol):
    """Turns a prompt into a plan: regions of the canvas, each with its own subprompt."""

    def plan(
        self, prompt: str, *, previous: Plan | None = None, instruction: str | None = None
    ) -> Plan:
        """Plans a picture.

        Args:
            prompt: What the picture should show.
            previous: A plan to start from, where `instruction` asks for a change.
            instruction: The change to make to `previous`, in words.

        Returns:
            A valid plan whose `reasoning` says how it came about.

        Raises:
            PromptError: The prompt is blank or too long.
            PlanError: No plan can be made of it, or the planner cannot follow instructions.
        """
        ...
