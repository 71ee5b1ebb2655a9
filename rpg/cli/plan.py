"""`rpg plan`: the plan of a prompt, without a model that draws."""

from __future__ import annotations

from typing import Annotated

import typer

from rpg.cli import console, options
from rpg.cli.planning import PlannerFlags, planned
from rpg.dialects.forms import FORMS


def plan(
    prompt: Annotated[str, typer.Argument(help="What should be in the picture.")],
    planner: options.PlannerName = "rules",
    planner_model: options.PlannerModel = None,
    base_url: options.BaseUrl = None,
    recaption: options.RecaptionKind = None,
    fallback: options.FallbackKind = None,
    no_plan_cache: options.NoPlanCache = False,
    planner_examples: options.PlannerExamples = None,
    form: options.PlanForm = None,
    as_json: options.Json = False,
) -> None:
    """Plan a prompt: its regions, where they lie, their subprompts. Draws nothing."""
    with console.explained(as_json):
        flags = PlannerFlags(
            planner, planner_model, base_url, recaption, fallback, no_plan_cache, planner_examples
        )
        made, shown = planned(flags.build(), prompt)
        if as_json or form:
            exported = FORMS[form or "json"](made)
            for one in exported.lost:
                console.note(one)
            console.put(exported.text)
        else:
            console.show_plan(made, reasoning=not shown)
