"""`rpg plan`: the plan of a prompt, without a model."""

from __future__ import annotations

from typing import Annotated

import typer

from rpg.cli import console, options
from rpg.planners import RulePlanner


def plan(
    prompt: Annotated[str, typer.Argument(help="What should be in the picture.")],
    as_json: options.Json = False,
) -> None:
    """Plan a prompt: its regions, where they lie, their subprompts. Runs no model."""
    with console.explained(as_json):
        made = RulePlanner().plan(prompt)
        if as_json:
            console.put(made.to_json())
        else:
            console.show_plan(made)
