"""Command patterns: a regular expression, and the handler that is called where it fits."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from rpg.planners.rules.commands.plan_editor import PlanEditor

Match = re.Match[str]
Handler = Callable[[PlanEditor, Match], bool]


@dataclass(frozen=True, slots=True)
class CommandPattern:
    """One way to say something.

    Attributes:
        pattern: Has to fit the whole instruction.
        follow: Does it on the editor; False, and nothing done, where the words turn out to be none
            of this form. Raises `PlanError` where they are, but cannot be followed.
    """

    pattern: re.Pattern[str]
    follow: Handler


def form(pattern: str, follow: Handler) -> CommandPattern:
    """A form, of a pattern with single spaces; letter case does not matter."""
    return CommandPattern(re.compile(pattern.replace(" ", r"\s+"), re.IGNORECASE), follow)
