"""Prompt weights around a planner: it reads plain words, and its plan gets their weights back."""

from __future__ import annotations

from rpg.plans.plan import MAX_PROMPT_CHARS, Plan, Region, every_region
from rpg.plans.prompt_weights import carried, clean
from rpg.plans.scene import Scene

__all__ = ["PlainRequest"]


class PlainRequest:
    """What a planner is asked, without weights.

    Args:
        prompt: as the user wrote it.
        previous: the plan to change; None for a new one.
        instruction: the change, as the user wrote it; empty for none.

    Attributes:
        prompt: in plain words.
        previous: likewise.
        instruction: likewise.
    """

    def __init__(self, prompt: str, previous: Plan | None = None, instruction: str = "") -> None:
        self.prompt = clean(prompt)
        self.previous = previous and previous.unweighted()
        self.instruction = clean(instruction)
        self._before = previous
        self._asked = tuple(filter(None, (instruction, prompt)))

    def weighted(self, plan: Plan) -> Plan:
        """A plan made of it, with the weights that its words have in what was asked.

        Texts of the plan before give theirs first, each to the same text of the plan after. What a
        planner writes is plain: what looks like a weight in it is escaped.
        """
        before = self._before
        regions = {one.id: one for one in every_region(before.regions)} if before else {}

        def change(owner: Plan | Scene | Region, name: str) -> str:
            match owner:
                case Plan():
                    source: Plan | Scene | Region | None = before
                case Scene():
                    source = before and before.scene
                case Region():
                    source = regions.get(owner.id)
            text: str = getattr(owner, name)
            own = getattr(source, name) if source is not None else ""
            # Words that a text had no weights for are not given those of the prompt anew.
            asked = self._asked[:-1] if own and before else self._asked
            made = carried(text, own, *asked)
            return made if len(made) <= MAX_PROMPT_CHARS else text

        return plan.with_texts(change)
