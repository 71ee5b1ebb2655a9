"""Where settings show: `python -m tests.setting_faces` says it of the tree it is started in."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import gradio as gr
import typer
from typer.testing import CliRunner

from rpg.batch.rows import row
from rpg.cli import app
from rpg.cli.settings_page import page
from rpg.defaults import ModelDefaults
from rpg.generation.request import checked
from rpg.metadata import Record
from rpg.plans.plan import Plan
from rpg.settings import SETTINGS, GenerationSettings
from ui.arguments import GenerateArguments, read_settings
from ui.settings_form import SettingsForm

COMMANDS = ("generate", "edit", "refine", "batch")
Faces = dict[str, dict[str, Any]]


def faces() -> Faces:
    """What each face of the product says of each setting that it has, by the settings' names."""
    used = {name: value(name) for name in SETTINGS}
    record = Record(plan=Plan(prompt="a star"), settings=GenerationSettings(**used))
    call = checked("a star", {**used, "width": 64, "height": 64}, ModelDefaults())
    endpoint = GenerateArguments.json_schema()["properties"]["settings"]["anyOf"][0]
    commands = {command: flags(command) for command in COMMANDS}
    return {
        **commands,
        "call": call.settings.model_dump() if not call.inputs.extra else {},
        "row": row(1, {"prompt": "a star", **used}, GenerationSettings()).settings.model_dump(),
        "metadata": json.loads(record.model_dump_json())["settings"],
        "endpoint": endpoint["properties"],
        "strict": read_settings({**used, "num_images_per_prompt": 1}, -1)[0].model_dump(),
        "form": asyncio.run(form()),
        "model": dict.fromkeys(ModelDefaults.model_fields),
        "page": {name: name for name in SETTINGS if f"\n| `{name}` | " in page()},
    }


def value(name: str) -> Any:
    """One that the setting may have."""
    one = SETTINGS[name]
    if one.choices or one.kind is str:
        return one.choices[0] if one.choices else "rain"
    return one.default or one.kind(one.schema["maximum"] / 2) or 1


def flags(command: str) -> dict[str, str]:
    """What `rpg COMMAND --help` says in the line of each setting; of both sides for `--size`."""
    wide = {"COLUMNS": "400", "TERMINAL_WIDTH": "400"}
    shown = CliRunner().invoke(app, [command, "--help"], env=wide).stdout
    lines = {said[1]: line for line in shown.splitlines() if len(said := line.split()) > 1}
    root: Any = typer.main.get_command(app)
    options = {one.name: one.opts[0] for one in root.commands[command].params}
    options |= {side: options["size"] for side in ("width", "height") if "size" in options}
    return {
        name: " ".join(lines[options[name]].split()[1:-1]) for name in SETTINGS if name in options
    }


async def form() -> dict[str, str]:
    """Labels of the form's fields; in a loop, since gradio opens others that stay open."""
    with gr.Blocks():
        fields = SettingsForm(ModelDefaults()).fields
    ids = {field.elem_id: field.label for field in fields}
    return {name: ids[one.id] for name, one in SETTINGS.items() if one.id in ids}


if __name__ == "__main__":
    print(json.dumps(faces()))
