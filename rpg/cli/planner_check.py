"""`rpg planner-check`: whether a language model can be reached, and what it can do."""

from __future__ import annotations

import difflib
import json
import sys

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from rpg.chat import OpenAIChat
from rpg.chat.checkup import CheckResult, checkup
from rpg.cli import console, options
from rpg.cli.planning import examples_of, hosted
from rpg.errors import ChatAccessError, RPGError
from rpg.planners.llm.checkup import planning_checkup

_NEEDED = ("schema",)


def planner_check(
    planner_model: options.PlannerModel = None,
    base_url: options.BaseUrl = None,
    planner_examples: options.PlannerExamples = None,
    as_json: options.Json = False,
) -> None:
    """Ask a language model three tiny questions and for one plan: what it can do, what is wrong."""
    with console.explained(as_json):
        chat = hosted(planner_model, base_url)
        console.say(f"asking {chat.name} at {chat.base_url} ({chat.endpoint.name})")
        try:
            findings = list(checkup(chat))
            if _can_plan(findings):
                findings += planning_checkup(chat, examples_of(planner_examples))
        except ChatAccessError as error:
            raise _with_names(error, chat) from None
        if as_json:
            console.put(json.dumps(_summary(chat, findings)))
        else:
            _show(findings)
        if not _can_plan(findings):
            why = next(one.words for one in findings if one.name in _NEEDED and not one.ok)
            console.say(f"it cannot plan: {why}", style="bold red")
            raise typer.Exit(1)


def _with_names(error: ChatAccessError, chat: OpenAIChat) -> ChatAccessError:
    """The error, and the models that there are where ours is not among them."""
    try:
        names = chat.models()
    except RPGError:
        return error
    if not names or chat.name in names:
        return error
    near = difflib.get_close_matches(chat.name, names, 6, cutoff=0.3) or sorted(names)[:6]
    return ChatAccessError(f"{error}; it has, among others, {', '.join(near)}")


def _can_plan(findings: list[CheckResult]) -> bool:
    return all(one.ok for one in findings if one.name in _NEEDED)


def _show(findings: list[CheckResult]) -> None:
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for one in findings:
        mark = Text("yes", style="green") if one.ok else Text("no", style="yellow")
        table.add_row(Text(one.name, style="bold"), mark, Text(one.words))
    Console(file=sys.stdout).print(table)


def _summary(chat: OpenAIChat, findings: list[CheckResult]) -> dict[str, object]:
    used = chat.usage
    return {
        "model": chat.name,
        "base_url": chat.base_url,
        "endpoint": chat.endpoint.name,
        "findings": {one.name: {"ok": one.ok, "words": one.words} for one in findings},
        "usage": {
            "calls": used.calls,
            "prompt_tokens": used.prompt_tokens,
            "completion_tokens": used.completion_tokens,
            "cost": used.cost,
        },
    }
