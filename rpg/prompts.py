"""The templates that language models are sent: text files in the folder `prompts/`.

A template names its variables, then gives the text of one or two messages::

    variables: prompt
    --- system ---
    You describe pictures.
    --- user ---
    <prompt>$prompt</prompt>

`$name` or `${name}` stands for a value, `$$` for a dollar sign. Values are data: they come through
as they are and are never expanded again. Standard library only.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from string import Template as _Dollars
from typing import Any

from rpg.errors import SettingsError

__all__ = ["TEMPLATES", "Template", "examples", "folder", "load"]

TEMPLATES = ("again", "caption", "closeup", "critique", "edit", "plan", "recaption")
_HERE = Path(__file__).resolve().parent
_SECTION = re.compile(r"^--- (\w+) ---$", re.MULTILINE)
_ROLES = ("system", "user")
_HEADER = "variables:"


@dataclass(frozen=True, slots=True)
class Template:
    """The text of one request.

    Attributes:
        name: The file's name without its ending.
        variables: What it has to be given.
        messages: Role, "system" or "user", to text before any value is inserted.
    """

    name: str
    variables: frozenset[str]
    messages: dict[str, str]

    def render(self, **values: str) -> dict[str, str]:
        """The text of each message, with the values inserted.

        Raises:
            SettingsError: A variable is missing, or one is given that the template does not know.
        """
        for what, names in (
            ("needs", self.variables - values.keys()),
            ("does not know", values.keys() - self.variables),
        ):
            if names:
                raise SettingsError(f"template {self.name!r} {what}: {', '.join(sorted(names))}")
        return {
            role: _Dollars(text).substitute(values).strip() for role, text in self.messages.items()
        }


def folder() -> Path:
    """Where the templates are: inside the package once installed, beside it in a checkout."""
    installed = _HERE / "_prompts"
    return installed if installed.is_dir() else _HERE.parent / "prompts"


def load(name: str, *, where: Path | None = None) -> Template:
    """Reads a template.

    Args:
        name: One of `TEMPLATES`.
        where: The folder to read from; None is `folder()`.

    Raises:
        SettingsError: It cannot be read, is not in the form above, or its header does not name
            exactly the variables that its text uses.
    """
    file = f"{name}.txt"
    head, *parts = _SECTION.split(_read((where or folder()) / file))
    if not head.strip().startswith(_HEADER) or len(head.strip().splitlines()) != 1:
        raise SettingsError(f"template {file}: begin with one line such as 'variables: prompt'")
    messages = dict(zip(parts[::2], parts[1::2], strict=True))
    if "user" not in messages or not set(messages) <= set(_ROLES) or len(parts) > 4:
        raise SettingsError(f"template {file}: needs '--- user ---', and at most '--- system ---'")
    named = head.strip().removeprefix(_HEADER).replace(",", " ").split()
    _check(file, frozenset(named), messages)
    return Template(name, frozenset(named), messages)


def examples(name: str, *, where: Path | None = None) -> list[dict[str, Any]]:
    """Reads the worked examples of a template: a list of objects in `NAME.examples.json`.

    Raises:
        SettingsError: It cannot be read, or is no such list.
    """
    file = f"{name}.examples.json"
    try:
        found = json.loads(_read((where or folder()) / file))
    except json.JSONDecodeError as error:
        raise SettingsError(f"template {file}: line {error.lineno}: {error.msg}") from None
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise SettingsError(f"template {file}: expected a list of objects")
    return found


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"template {path.name}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"template {path.name}: is not in UTF-8") from None


def _check(file: str, named: frozenset[str], messages: dict[str, str]) -> None:
    """Refuses stray dollar signs, and a header that does not fit its text."""
    used: set[str] = set()
    for text in messages.values():
        dollars = _Dollars(text)
        if not dollars.is_valid():
            raise SettingsError(f"template {file}: a dollar sign has to be written $$")
        used.update(dollars.get_identifiers())
    for what, names in (("uses", used - named), ("does not use", named - used)):
        if names:
            verb = "without naming it in its header" if what == "uses" else "though its header does"
            raise SettingsError(f"template {file} {what} {', '.join(sorted(names))} {verb}")
