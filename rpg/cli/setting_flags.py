"""The flags of settings, alike in every command, made from the table of settings."""

from __future__ import annotations

import functools
import inspect
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_type_hints

import typer

from rpg.errors import SettingsError
from rpg.settings import SETTINGS, Group, Setting

__all__ = ["SettingFlags", "with_setting_flags"]

_PANEL = "How to draw"
_SIZE = Annotated[
    str | None,
    typer.Option("--size", metavar="WxH", help="Pixels, e.g. 1024x768.", rich_help_panel=_PANEL),
]


@dataclass(frozen=True)
class SettingFlags:
    """What the flags of settings say; by the settings' names, but for `size`."""

    values: Mapping[str, Any]

    def words(self) -> dict[str, Any]:
        """Settings by name; None for what is not given.

        Raises:
            SettingsError: `--size` is not of the form WIDTHxHEIGHT.
        """
        words = dict(self.values)
        if "size" in words:
            words["width"], words["height"] = _sides(words.pop("size"))
        return words


def with_setting_flags(*without: Group) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Gives a command a flag for each setting, but for those of some groups.

    The flags stand where the command has its keyword `given`, and come to it as `SettingFlags`.
    """

    def extended(command: Callable[..., None]) -> Callable[..., None]:
        flags = dict(_flags(without))

        @functools.wraps(command)
        def run(**values: Any) -> None:
            given = SettingFlags({name: values.pop(name) for name in flags})
            command(given=given, **values)

        parameters = dict(_parameters(command, flags))
        run.__annotations__ = {name: one.annotation for name, one in parameters.items()}
        run.__signature__ = inspect.Signature(list(parameters.values()))  # type: ignore[attr-defined]
        return run

    return extended


def _parameters(
    command: Callable[..., None], flags: Mapping[str, Any]
) -> Iterator[tuple[str, inspect.Parameter]]:
    """The command's own, with the flags in the place of `given`."""
    types = get_type_hints(command, include_extras=True)
    only = inspect.Parameter.KEYWORD_ONLY
    for name, own in inspect.signature(command).parameters.items():
        if name != "given":
            yield name, own.replace(annotation=types[name], kind=only)
            continue
        for flag, kind in flags.items():
            yield flag, inspect.Parameter(flag, only, default=None, annotation=kind)


def _flags(without: tuple[Group, ...]) -> Iterator[tuple[str, Any]]:
    """Name and type of each flag."""
    for name, setting in SETTINGS.items():
        if setting.group in without:
            continue
        if setting.group != "canvas":
            yield name, Annotated[_kind(setting), _option(setting)]
        elif name == "width":
            yield "size", _SIZE  # of both sides


def _kind(setting: Setting) -> Any:
    kind: Any = operator.getitem(Literal, setting.choices) if setting.choices else setting.kind
    return kind | None


def _option(setting: Setting) -> Any:
    names = setting.flags or (f"--{setting.id}",)
    return typer.Option(*names, help=f"{setting.sentence}.", rich_help_panel=_PANEL)


def _sides(text: str | None) -> tuple[int | None, int | None]:
    """Width and height from "1024x768"."""
    if text is None:
        return None, None
    found = re.fullmatch(r"\s*(\d{1,9})\s*[xX×]\s*(\d{1,9})\s*", text)
    if found is None:
        raise SettingsError(
            f"--size {text!r:.40}: expected WIDTHxHEIGHT in pixels, such as 1024x768"
        )
    return int(found[1]), int(found[2])
