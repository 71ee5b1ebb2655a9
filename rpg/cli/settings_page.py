"""The page on settings, written from their table: `python -m rpg.cli.settings_page`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import typer

from rpg.cli.app import app
from rpg.defaults import FAMILIES
from rpg.settings import ADVANCED, LASTING, SETTINGS, Setting

__all__ = ["COMMAND", "page"]

COMMAND = "python -m rpg.cli.settings_page > docs/settings.md"
_TAKERS = {"pipeline": "the pipeline's call", "regional": "[`regional`](regional.md#parameters)"}
_INTRODUCTION = f"""\
# Settings

This page is written from the table of settings, `rpg.settings.SETTINGS`, by

```console
$ {COMMAND}
```

A setting has one name everywhere: as a word of a call of `RPGPipeline`, a field of
`rpg.settings.GenerationSettings`, a field of a [batch row](batch.md), in the metadata of pictures,
and among the `settings` of the endpoint [`/generate`](ui.md#for-programs). What stays open is
filled from the preset, if one is chosen, then from the
[model's own values](backbones.md#the-models-own-values-rpgjson), then from those of its family.
Values out of their range are refused in one line.
"""
_SECOND = """\
Where they are set, and what obeys them. *Lasting* settings are a manner of drawing: an edit of a
picture keeps them, and a model may have its own in `rpg.json`. Those that nothing else takes
are seen to by `RPGPipeline` itself.
"""


def page() -> str:
    """The page as Markdown."""
    tables = [_INTRODUCTION, "\n".join(_meanings()), "", _SECOND, "\n".join(_places())]
    return "\n".join(tables) + "\n"


def _meanings() -> Iterator[str]:
    yield "| setting | values | SDXL's default | meaning |"
    yield "|---|---|---|---|"
    for name, one in SETTINGS.items():
        values = ", ".join(f"`{choice}`" for choice in one.choices) or one.range or "text"
        yield f"| `{name}` | {values} | {_default(one)} | {one.help} |"


def _default(setting: Setting) -> str:
    """What holds if nobody says anything; empty for a seed that is drawn, and the like."""
    if setting.default is not None:
        return f"{setting.default}"
    value = getattr(FAMILIES["sdxl"], setting.name, None)
    shown = setting.unset if value is None else f"{value}"
    return f"`{shown}`" if setting.choices and shown else shown


def _places() -> Iterator[str]:
    yield "| setting | flag | commands | on the page | lasting | taken by |"
    yield "|---|---|---|---|---|---|"
    taken = _taken()
    for name, one in SETTINGS.items():
        flags = ", ".join(f"`{flag}`" for flag in one.flags or (f"--{one.id}",))
        parameter = "size" if one.group == "canvas" else name
        commands = [command for command, names in taken.items() if parameter in names]
        where = "all" if len(commands) == len(taken) else ", ".join(commands)
        under = "More settings: " if one.group in ADVANCED else ""
        lasting = "yes" if name in LASTING else ""
        taker = _TAKERS.get(one.passed_to or "", "")
        yield f"| `{name}` | {flags} | {where} | {under}{one.label} | {lasting} | {taker} |"


def _taken() -> dict[str, set[str]]:
    """The commands that draw, and the names of their parameters."""
    root: Any = typer.main.get_command(app)
    context = typer.Context(root)
    commands = {name: root.get_command(context, name) for name in root.list_commands(context)}
    names = {name: {one.name for one in command.params} for name, command in commands.items()}
    return {name: taken for name, taken in names.items() if taken & SETTINGS.keys()}


if __name__ == "__main__":
    sys.stdout.write(page())
