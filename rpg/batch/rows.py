"""Rows: what one line asks for, checked before anything is planned or drawn."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rpg.batch.tables import Fields, records
from rpg.errors import PlanError, PromptError, RPGError, SettingsError
from rpg.planners.base import checked_prompt
from rpg.plans.plan import Plan
from rpg.settings import GenerationSettings

__all__ = ["Fault", "Row", "read"]

_OWN = ("prompt", "plan", "base_prompt", "id", "name")
_KNOWN = (*_OWN, *GenerationSettings.model_fields)
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_. -]{0,78}[A-Za-z0-9_-])?")
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)  # Windows opens these


@dataclass(frozen=True)
class Row:
    """What one line asks for.

    Attributes:
        line: Its number in the file, from 1.
        prompt: What should be in the picture.
        plan: What to draw; None where it has to be planned.
        base_prompt: Takes the place of the plan's own; None leaves that.
        settings: The row's words, and where it says nothing those of the whole batch.
        name: Of the picture's file, without its ending; empty for one made of the content.
    """

    line: int
    prompt: str
    plan: Plan | None
    base_prompt: str | None
    settings: GenerationSettings
    name: str = ""


@dataclass(frozen=True)
class Fault:
    """A row that was not drawn, and why.

    Attributes:
        line: Its number in the file, from 1.
        text: What is wrong, in one line.
        error: Name of the error's class.
        file: The picture that is missing; empty for a row that cannot be read.
    """

    line: int
    text: str
    error: str
    file: str = ""

    @classmethod
    def of(cls, line: int, error: Exception, file: str = "") -> Fault:
        """The fault that an error makes of a row."""
        kind = type(error).__name__
        text = str(error) if isinstance(error, RPGError) else f"unexpected {kind}: {error}"
        return cls(line, " ".join(text.split()), kind, file)


def read(path: Path, wishes: GenerationSettings) -> tuple[list[Row], list[Fault]]:
    """The rows of a file, and those that cannot be.

    Args:
        path: See `rpg.batch.tables.records`.
        wishes: Settings of every row that does not say them itself.

    Raises:
        SettingsError: The file cannot be read.
    """
    return _sorted(records(path), wishes)


def _sorted(
    found: Iterable[tuple[int, Fields | PromptError]], wishes: GenerationSettings
) -> tuple[list[Row], list[Fault]]:
    rows, faults = [], []
    for line, fields in found:
        try:
            if isinstance(fields, PromptError):
                raise fields
            rows.append(row(line, fields, wishes))
        except RPGError as error:
            faults.append(Fault.of(line, error))
    return rows, faults


def row(line: int, fields: Fields, wishes: GenerationSettings) -> Row:
    """A checked row.

    Args:
        line: Its number.
        fields: What it says; a field that is None is as good as absent.
        wishes: As in `read`.

    Raises:
        PromptError: There is nothing to draw.
        PlanError: The plan, or a text that goes into it, cannot be.
        SettingsError: A field is unknown or out of its range.
    """
    said = {name: value for name, value in fields.items() if value is not None}
    _check_names(said)
    settings = wishes.updated({name: said[name] for name in said.keys() - set(_OWN)})
    base, name = _text(said, "base_prompt"), _name(said)
    plan = _plan(said["plan"]) if "plan" in said else None
    prompt = checked_prompt(_text(said, "prompt") or (plan.prompt if plan is not None else ""))
    if plan is not None:
        plan = Plan(**{**dict(plan), "prompt": prompt})
    Plan(prompt=prompt, base_prompt=base or "", negative=settings.negative_prompt)  # their ranges
    return Row(line, prompt, plan, base, settings, name)


def _check_names(said: Fields) -> None:
    for name in said:
        if name not in _KNOWN:
            near = difflib.get_close_matches(name, _KNOWN, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise SettingsError(f"{name[:60]!r} is no field of a row{hint}")


def _text(said: Fields, name: str) -> str | None:
    value = said.get(name)
    if value is not None and not isinstance(value, str):
        raise PromptError(f"{name}: should be text, not {value!r:.60}")
    return value


def _plan(value: Any) -> Plan:
    """A JSON object, or in a CSV cell its text."""
    if isinstance(value, str):
        return Plan.from_json(value)
    if not isinstance(value, dict):
        raise PlanError(f"plan: should be a JSON object, not {value!r:.60}")
    return Plan(**value)


def _name(said: Fields) -> str:
    """The file's name, never a path.

    Raises:
        SettingsError: It cannot be one.
    """
    if "id" in said and "name" in said:
        raise SettingsError("id and name mean the same; leave out one")
    value = said.get("name", said.get("id", ""))
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if text == "":
        return ""
    if not isinstance(text, str) or not _NAME.fullmatch(text) or _DEVICES.fullmatch(text):
        raise SettingsError(
            f"name {value!r:.60}: use at most 80 letters, digits, spaces and _ . -; it is no path"
        )
    return text
