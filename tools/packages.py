"""The packages that a requirements file leads to, as they are installed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

__all__ = ["ROOT", "Package", "closure", "licence_of", "requirements"]

ROOT = Path(__file__).parents[1]

# What packages call their licences, in SPDX's words. "BSD" alone is two of them.
_SPDX = {
    "apache": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "apache 2.0 license": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "bsd license": "BSD",
    "isc license": "ISC",
    "isc license (iscl)": "ISC",
    "mit license": "MIT",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
}
_SPDX |= {name.lower(): name for name in ("Apache-2.0", "BSD", "BSD-3-Clause", "MIT", "MPL-2.0")}


@dataclass(frozen=True, order=True)
class Package:
    """An installed package.

    Attributes:
        name: As indexes spell it: lower case, with hyphens.
        version: Without the local part, which tells builds of one version apart ("+cpu").
        licence: An SPDX expression, or "unknown".
    """

    name: str
    version: str
    licence: str


def requirements(file: Path) -> Iterator[Requirement]:
    """The lines of a requirements file, and of those that it includes."""
    for line in file.read_text("utf-8").splitlines():
        words = line.partition("#")[0].strip()
        if words.startswith("-r "):
            yield from requirements(file.parent / words[3:].strip())
        elif words:
            yield Requirement(words)


def closure(file: Path) -> list[Package]:
    """What a requirements file names and all that this needs here, sorted by name.

    Raises:
        PackageNotFoundError: Something that is named is not installed.
    """
    found: dict[str, Distribution] = {}
    seen, left = set[tuple[str, frozenset[str]]](), list(requirements(file))
    while left:
        wanted = left.pop()
        name, extras = canonicalize_name(wanted.name), frozenset(wanted.extras)
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:
            raise PackageNotFoundError(f"{name}: install {file.name} first") from None
        left += _needs(found[name], extras)
    return sorted(
        Package(name, Version(made.version).public, licence_of(made))
        for name, made in found.items()
    )


def _needs(made: Distribution, extras: frozenset[str]) -> Iterator[Requirement]:
    for line in made.requires or ():
        needed = Requirement(line)
        marker = needed.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            yield needed


def licence_of(made: Distribution) -> str:
    """The package's own word: its licence expression, else its field, else its classifiers.

    Where that is no more than "BSD", the licence's text says which one.
    """
    if expression := _field(made, "License-Expression"):
        return expression
    field = _field(made, "License")
    if " AND " in field[:80] or " OR " in field[:80]:
        return field
    kinds = [
        line.split(" :: ")[-1]
        for line in made.metadata.get_all("Classifier") or ()
        if line.startswith("License :: ")
    ]
    known = [_SPDX[words.lower()] for words in (field, *kinds) if words.lower() in _SPDX]
    if not known:
        return "unknown"
    return _which_bsd(made) if set(known) == {"BSD"} else next(x for x in known if x != "BSD")


def _which_bsd(made: Distribution) -> str:
    """Three clauses forbid the use of names; two do not."""
    files = [file for file in made.files or () if re.match(r"(?i)licen[cs]e", file.name)]
    text = " ".join(file.read_text("utf-8") for file in files if ".dist-info" in str(file))
    words = " ".join((text or _field(made, "License")).split())
    if "Redistribution and use in source and binary forms" not in words:
        return "unknown"
    named = re.search(r"Neither the names? of|names? of .{0,60} may (?:not )?be used", words)
    return "BSD-3-Clause" if named else "BSD-2-Clause"


def _field(made: Distribution, name: str) -> str:
    return str((made.metadata.get_all(name) or [""])[0]).strip()
