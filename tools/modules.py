"""Writes docs/modules.md: what each module is for, from its docstring."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tools.packages import ROOT

COMMAND = "python -m tools.modules > docs/modules.md"
PACKAGES = ("rpg", "ui", "training", "benchmarks", "tools")
_HEAD = f"""\
# Modules

What each module is for. How they work together: [architecture](architecture.md). This page is
written from the modules' docstrings by

```console
$ {COMMAND}
```
"""


def page(root: Path = ROOT) -> str:
    """The page in Markdown: a table for every package that holds modules.

    Args:
        root: Of the checkout.
    """
    tables = [_table(folder, root) for top in PACKAGES for folder in _packages(root / top)]
    return "\n".join([_HEAD, *tables])


def _packages(folder: Path) -> Iterator[Path]:
    """The folder and those in it that hold modules, the outer ones first."""
    if (folder / "__init__.py").is_file():
        yield folder
        for inner in sorted(folder.iterdir()):
            yield from _packages(inner)


def _table(folder: Path, root: Path) -> str:
    name = ".".join(folder.relative_to(root).parts)
    head = f"## `{name}`\n\n{_purpose(folder / '__init__.py')}\n"
    files = [file for file in folder.glob("*.py") if file.stem != "__init__"]
    files.sort(key=lambda file: (file.stem.startswith("_"), file.name))  # private ones last
    rows = [f"| `{file.stem}` | {_purpose(file)} |" for file in files]
    return "\n".join([head, *(["| module | purpose |", "|---|---|", *rows, ""] if rows else [])])


def _purpose(file: Path) -> str:
    """The first paragraph of a module's docstring, in one line.

    Raises:
        ValueError: It has none.
    """
    docstring = ast.get_docstring(ast.parse(file.read_text("utf-8")))
    if not docstring:
        raise ValueError(f"{file}: say in a docstring what the module is for")
    return " ".join(docstring.split("\n\n")[0].split()).removesuffix("::").replace("|", "\\|")


if __name__ == "__main__":
    print(page(), end="")
