"""The suite's flags on the command line of `python -m benchmarks.quality`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from benchmarks.suite.export import SuiteName

_SUITE, _OTHERS = "The suite", "Other suites' folders"

Out = Annotated[
    Path | None,
    typer.Option(help="Folder of results and pictures. Default: out/quality, out/SUITE."),
]
Limit = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Prompts of each category, 50; of each row of --quick, 24; of each set of --loop, 60.",
        rich_help_panel=_SUITE,
    ),
]
Ablations = Annotated[
    int,
    typer.Option(
        min=0,
        help="Measure the ablations as well, on so many prompts of each category.",
        rich_help_panel=_SUITE,
    ),
]
Seeds = Annotated[
    int,
    typer.Option(min=1, help="Pictures of each prompt in each variant.", rich_help_panel=_SUITE),
]
Variants = Annotated[
    list[str] | None,
    typer.Option(help="This variant alone; may be given again.", rich_help_panel=_SUITE),
]
Categories = Annotated[
    list[str] | None,
    typer.Option(help="This category alone; may be given again.", rich_help_panel=_SUITE),
]
Jobs = Annotated[int, typer.Option(min=1, help="Processes.", rich_help_panel=_SUITE)]
Threads = Annotated[int, typer.Option(min=1, help="Of each process.", rich_help_panel=_SUITE)]
Into = Annotated[
    Path | None,
    typer.Option(
        help="Put the tables into this document, such as docs/benchmarks.md.",
        rich_help_panel=_SUITE,
    ),
]
Suite = Annotated[
    SuiteName | None,
    typer.Option(
        help="Draw another suite's prompts for its own evaluators instead.",
        rich_help_panel=_OTHERS,
    ),
]
Prompts = Annotated[
    Path | None,
    typer.Option(
        help="That suite's file: lines of prompts, or GenEval's evaluation_metadata.jsonl.",
        rich_help_panel=_OTHERS,
    ),
]
PerPrompt = Annotated[
    int | None,
    typer.Option(
        "--images-per-prompt",
        min=1,
        help="Pictures of each prompt. Default: the suite's own, 10 or 4.",
        rich_help_panel=_OTHERS,
    ),
]
MethodName = Annotated[
    Literal["rpg", "plain"],
    typer.Option(
        "--method",
        help="plain: the model's own pipeline, for comparison.",
        rich_help_panel=_OTHERS,
    ),
]
