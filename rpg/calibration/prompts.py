"""The built-in prompts: everyday things, or Toybox's, each with its plan, so that none is planned.

A line of a file is a prompt. Every four lines in a row have two, three, four and five things, and
one each of colours, counts, places and looks: so each beginning of 12 to 48 prompts is balanced.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from rpg.errors import SettingsError
from rpg.plans.model import Id, Model
from rpg.plans.plan import Plan

__all__ = ["EVERYDAY", "FEWEST", "MOST", "TrialPrompt", "prompt_set"]

EVERYDAY = "everyday"
FEWEST, MOST = 12, 48
_FOLDER = Path(__file__).parent / "data"


class TrialPrompt(Model):
    """A prompt with its plan.

    Attributes:
        id: Unique in its set.
        kind: What is hard about it: colours that must not leak, numbers, places, or looks.
        plan: With the scene from which critics compile their checks.
    """

    id: Id
    kind: Literal["colours", "counts", "places", "looks"]
    plan: Plan


def prompt_set(world: str, count: int = MOST) -> tuple[TrialPrompt, ...]:
    """The first `count` prompts.

    Args:
        world: The name of a model with a small world of its own, "toybox", else `EVERYDAY`.
        count: 12 to 48.

    Raises:
        SettingsError: `count` is out of its range.
    """
    if not FEWEST <= count <= MOST:
        raise SettingsError(f"prompts: should be between {FEWEST} and {MOST}, not {count}")
    lines = (_FOLDER / f"{world}.jsonl").read_bytes().splitlines()[:count]
    return tuple(TrialPrompt.model_validate_json(line) for line in lines)
