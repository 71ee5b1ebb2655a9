"""The pictures that rows ask for: each with an id made of its content, a seed and a file.

A picture's id and seed depend on the row alone, not on its line or on what else is in the file; so
rows may be added, sorted and removed between two runs, and what is drawn already stays drawn.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from rpg.batch.rows import Fault, Row
from rpg.errors import SettingsError

__all__ = ["Listing", "Maker", "Picture", "how", "listing"]

_DERIVED_SEEDS = 2**32  # short enough to read out
_APART = {"seed", "num_images_per_prompt", "negative_prompt"}  # said by seed, count and content
_THOUGHTS = {"reasoning", "source"}  # of a plan: nothing that is drawn


@dataclass(frozen=True)
class Maker:
    """Who plans and draws, as far as pictures depend on it.

    Attributes:
        model: Its public name.
        planner: Likewise.
        how: Whatever else changes pictures, such as LoRAs or the number format.
    """

    model: str
    planner: str = "rules"
    how: str = ""


@dataclass(frozen=True)
class Picture:
    """One picture to draw.

    Attributes:
        id: SHA-256 of all that it depends on; equal ids are one picture.
        row: Which asks for it.
        seed: Of its noise.
        file: Name of its PNG file.
        subject: SHA-256 of what is shown and who plans it; equal subjects have one plan.
        group: SHA-256 of all but the seed; equal groups can go through the model together.
    """

    id: str
    row: Row
    seed: int
    file: str
    subject: str
    group: str


@dataclass(frozen=True)
class Listing:
    """All that a file asks for.

    Attributes:
        pictures: In the file's order, each once.
        faults: Rows that cannot be, by line.
        repeats: Line of a row that asks for a picture again, and the first line that did.
    """

    pictures: tuple[Picture, ...]
    faults: tuple[Fault, ...] = ()
    repeats: tuple[tuple[int, int], ...] = ()


def listing(rows: Iterable[Row], faults: Iterable[Fault], maker: Maker) -> Listing:
    """The pictures of rows.

    Rows with neither a seed nor a name that say the same are pictures of their own, with seeds one
    after the other, as one row that asks for several. Equal rows with a seed or a name are one.

    Args:
        rows: In the file's order.
        faults: Rows known to be wrong.
        maker: Who will draw them.
    """
    number: Counter[str] = Counter()
    found: dict[str, Picture] = {}
    owners: dict[str, Picture] = {}
    bad, repeats = list(faults), []
    for row in rows:
        asked = _of_row(row, maker, number)
        taken = [owners.get(one.file.lower(), one) for one in asked]
        clash = next((own for own, one in zip(taken, asked, strict=True) if own.id != one.id), None)
        if clash is not None:
            said = f"the name {clash.file} is that of line {clash.row.line} already"
            bad.append(Fault.of(row.line, SettingsError(said)))
            continue
        again = [found[one.id].row.line for one in asked if one.id in found]
        repeats += [(row.line, line) for line in again[:1]]
        for one in asked:
            found.setdefault(one.id, one)
            owners.setdefault(one.file.lower(), one)
    return Listing(
        tuple(found.values()), tuple(sorted(bad, key=lambda one: one.line)), tuple(repeats)
    )


def _of_row(row: Row, maker: Maker, number: Counter[str]) -> list[Picture]:
    content = _content(row)
    subject = digest(content, "" if row.plan is not None else maker.planner)
    group = digest(subject, how(row), maker.model, maker.how)
    count = row.settings.num_images_per_prompt
    first = row.settings.seed
    if first is None:
        first = int(digest(content, row.name)[:8], 16) + (0 if row.name else number[group])
        number[group] += 0 if row.name else count
    noise = {"seed": first, "variation_seed": int(digest(content, "variation")[:8], 16)}
    given, made = row.settings, []
    for index in range(count):
        own = given.filled(noise).numbered(index)
        assert own.seed is not None  # filled
        seed = own.seed if given.seed is not None else own.seed % _DERIVED_SEEDS
        if own.variation_strength:  # one seed for all: each varies it in its own way
            row = replace(row, settings=own)
            group = digest(subject, how(row), maker.model, maker.how)
        name = f"{row.name}-{index + 1}" if row.name and count > 1 else row.name
        id = digest(group, seed, name)
        made.append(Picture(id, row, seed, f"{name or _slug(row.prompt, id)}.png", subject, group))
    return made


def how(row: Row) -> dict[str, Any]:
    """The settings of a row that say how it is drawn, and neither what nor from which noise."""
    return row.settings.model_dump(mode="json", exclude=_APART, exclude_defaults=True)


def _content(row: Row) -> str:
    """What is shown, whoever draws it: seeds are made of it, so that models can be compared."""
    plan = row.plan
    drawn = plan.model_dump(mode="json", exclude=_THOUGHTS, exclude_defaults=True) if plan else None
    return digest(row.prompt, drawn, row.base_prompt, row.settings.negative_prompt.strip())


def _slug(prompt: str, id: str) -> str:
    """A name that tells people what is in the file, and that no other picture has."""
    words = re.sub(r"[^a-z0-9]+", "-", prompt.lower())[:40].strip("-")
    return f"{words or 'picture'}-{id[:12]}"


def digest(*parts: Any) -> str:
    """SHA-256 of the parts' JSON, in hexadecimal."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()
