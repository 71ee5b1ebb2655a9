"""The command line's reference, written from the commands: `python -m rpg.cli.reference`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Any

import typer
from typer.core import TyperGroup

from rpg.cli.app import app

__all__ = ["COMMAND", "reference"]

COMMAND = "python -m rpg.cli.reference > docs/cli.md"
_INTRODUCTION = f"""\
# The command line

This page is written from the commands themselves by

```console
$ {COMMAND}
```

`rpg` is there after `pip install .`; else it is `.venv/bin/python -m rpg`. Every command says
all this at `--help`. What the flags are about: [planners](planners.md), [models](backbones.md),
[settings](settings.md), [regions](regional.md), [editing and the loop](editing.md),
[batches](batch.md), [sessions](sessions.md).
"""


def reference() -> str:
    """The page as Markdown, the same on every terminal and machine."""
    root = typer.main.get_command(app)
    context = typer.Context(root, info_name="rpg")
    commands = list(_commands(root, context))
    contents = [_entry(command, within) for command, within in commands]
    head = [_INTRODUCTION, f"{root.help}\n", f"{root.epilog}\n", "\n".join(contents) + "\n"]
    return "\n".join([*head, *(_section(*one) for one in commands)])


def _commands(group: Any, context: typer.Context) -> Iterator[tuple[Any, typer.Context]]:
    """Every command below a group with its context, groups before what is in them."""
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        within = typer.Context(command, info_name=name, parent=context)
        yield command, within
        if isinstance(command, TyperGroup):
            yield from _commands(command, within)


def _entry(command: Any, context: typer.Context) -> str:
    """A line of the contents, indented below its group."""
    path = context.command_path
    indent = "  " * (path.count(" ") - 1)
    return f"{indent}- [`{path}`](#{path.replace(' ', '-')}): {_summary(command.help)}"


def _summary(text: str) -> str:
    """The first sentence."""
    return text.split(". ")[0].rstrip(".")


def _section(command: Any, context: typer.Context) -> str:
    """A command with its usage, and its arguments and flags by panel."""
    path = context.command_path
    usage = " ".join([path, *command.collect_usage_pieces(context)])
    lines = [f"## `{path}`", "", command.help, "", "```console", f"$ {usage}", "```", ""]
    for panel, rows in _panels(command, context).items():
        lines += [f"| {panel} | |", "|---|---|", *map(_row, rows), ""]
    return "\n".join(lines)


def _panels(command: Any, context: typer.Context) -> dict[str, list[tuple[str, str]]]:
    """Names and meanings of the parameters that are shown, panel by panel as in the help."""
    panels: dict[str, list[tuple[str, str]]] = {}
    for parameter in command.params:
        shown = parameter.get_help_record(context)
        if shown is None:
            continue
        usual = "Arguments" if parameter.param_type_name == "argument" else "Options"
        panels.setdefault(parameter.rich_help_panel or usual, []).append(shown)
    return panels


def _row(cells: Sequence[str]) -> str:
    name, meaning = (" ".join(cell.split()).replace("|", "\\|") for cell in cells)
    return f"| `{name}` | {meaning} |"


if __name__ == "__main__":
    sys.stdout.write(reference())
