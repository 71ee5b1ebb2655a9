"""`rpg doctor`: what of this installation works, and what to do about the rest."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from itertools import groupby

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from rpg.cli import console, options
from rpg.doctor import Finding, examine

_MARKS = {"ok": ("", ""), "note": ("note", "yellow"), "problem": ("problem", "bold red")}


def doctor(
    model: options.Model = None,
    device: options.Device = None,
    base_url: options.BaseUrl = None,
    as_json: options.Json = False,
) -> None:
    """Look at versions, device, model, folders and endpoints. Exit code 1 if what is needed fails.

    Nothing is downloaded and no weights are read: a model is judged by what describes it.
    """
    findings = list(examine(source=model, device=device, base_url=base_url))
    problems = sum(one.state == "problem" for one in findings)
    if as_json:
        told = {"ok": not problems, "findings": [asdict(one) for one in findings]}
        console.put(json.dumps(told))
    else:
        _show(findings)
    if problems:
        console.say(f"{problems} to mend", style="bold red")
        raise typer.Exit(1)


def _show(findings: list[Finding]) -> None:
    out = Console(file=sys.stdout)
    for section, group in groupby(findings, key=lambda one: one.section):
        table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for one in group:
            mark, style = _MARKS[one.state]
            told = Text.assemble((f"{mark}: " * bool(mark), style), one.words)
            table.add_row(Text(f"  {one.name}"), told)
            if one.advice:
                table.add_row("", Text(f"-> {one.advice}"))
        out.print(Text(section, style="bold"))
        out.print(table)
