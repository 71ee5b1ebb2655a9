"""What is there already of a batch: pictures, their plans, and what is in the way."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from rpg import metadata
from rpg.batch.manifest import entries
from rpg.batch.passes import Pass
from rpg.batch.pictures import Picture
from rpg.errors import MetadataError
from rpg.metadata import Record
from rpg.plan import Plan

__all__ = ["State", "is_free", "limited", "tidy"]

_DRAFT = re.compile(r"\.(?P<file>.+)\.[0-9a-f]{8}")  # as `metadata.write_whole` names them


@dataclass
class State:
    """What the manifests of a folder say.

    Attributes:
        sizes: Bytes that each picture may have, by id.
        plans: Of what was drawn, by subject.
        damaged: How many of the manifests' lines make no sense.
    """

    folder: Path
    sizes: dict[str, set[int]] = field(default_factory=dict)
    plans: dict[str, Plan] = field(default_factory=dict)
    damaged: int = 0

    @classmethod
    def read(cls, folder: Path, pictures: Iterable[Picture]) -> State:
        """Reads every part; plans are kept of the pictures' subjects alone.

        Raises:
            StoreError: A part cannot be read.
        """
        state, subjects = cls(folder), {one.subject for one in pictures}
        for entry in entries(folder):
            if entry is None:
                state.damaged += 1
                continue
            state.sizes.setdefault(entry.id, set()).add(entry.bytes)
            if entry.subject in subjects:
                state.plans.setdefault(entry.subject, entry.record.plan)
        return state

    def has(self, picture: Picture) -> bool:
        """Whether it is in the manifest, and its file as long as that says."""
        try:
            size = (self.folder / picture.file).stat().st_size
        except OSError:
            return False
        return size in self.sizes.get(picture.id, ())

    def lost(self, picture: Picture) -> bool:
        """Whether it was drawn, and its file is missing or another."""
        return picture.id in self.sizes and not self.has(picture)

    def missing(self, passes: Iterable[Pass]) -> list[Pass]:
        """The passes of which a picture is missing, and which ones those are."""
        found = []
        for one in passes:
            wanted = frozenset(part.id for part in one.missing if not self.has(part))
            if wanted:
                found.append(Pass(one.pictures, wanted))
        return found


def limited(passes: Iterable[Pass], limit: int | None) -> list[Pass]:
    """So many passes, the last of them perhaps in part, that at most `limit` pictures are kept."""
    found: list[Pass] = []
    room = limit
    for one in passes:
        if room is None:
            found.append(one)
            continue
        if room == 0:
            break
        kept = one.missing[:room]
        room -= len(kept)
        found.append(Pass(one.pictures, frozenset(part.id for part in kept)))
    return found


def is_free(path: Path, record: Record) -> bool:
    """Whether nothing is there, or the same picture, left by a run that was killed right then."""
    if not path.exists():
        return True
    try:
        return metadata.read(path) == record
    except MetadataError:
        return False


def tidy(folder: Path, passes: Iterable[Pass]) -> None:
    """Removes what a killed run had begun to write of these pictures."""
    files = {part.file for one in passes for part in one.missing}
    for path in folder.glob(".*.png.*"):
        found = _DRAFT.fullmatch(path.name)
        if found is not None and found["file"] in files:
            path.unlink(missing_ok=True)
