"""The state of a batch's folder: pictures that are done, their plans, and conflicting files."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from rpg import metadata
from rpg.batch.manifest import Entry, entries
from rpg.batch.passes import Pass, Window
from rpg.batch.pictures import Picture
from rpg.errors import MetadataError
from rpg.metadata import Record
from rpg.plans.plan import Plan

__all__ = ["BatchState", "limited", "tidy"]

_DRAFT = re.compile(r"\.(?P<file>.+)\.[0-9a-f]{8}")  # as `metadata.write_whole` names them


@dataclass
class BatchState:
    """What the manifests of a folder say.

    Attributes:
        marks: Size and SHA-256 that each picture's file may have, by the picture's id.
        owners: Ids of the pictures that a file held, by its name: more than one where a row kept
            its name and asked for something else.
        plans: Of what was drawn or planned, by subject; with or without what the rows say about
            base and negative prompt.
        damaged: How many of the manifests' lines make no sense.
    """

    folder: Path
    marks: dict[str, set[tuple[int, str]]] = field(default_factory=dict)
    owners: dict[str, set[str]] = field(default_factory=dict)
    plans: dict[str, Plan] = field(default_factory=dict)
    damaged: int = 0

    @classmethod
    def read(cls, folder: Path, pictures: Iterable[Picture]) -> BatchState:
        """Reads every part; plans are kept of the pictures' subjects alone.

        Raises:
            StoreError: A part cannot be read.
        """
        state, subjects = cls(folder), {one.subject for one in pictures}
        for entry in entries(folder):
            if entry is None:
                state.damaged += 1
                continue
            state.note(entry)
            if entry.subject in subjects:
                state.plans.setdefault(entry.subject, entry.record.plan)
        return state

    def note(self, entry: Entry) -> None:
        """Takes note that a picture was drawn."""
        self.marks.setdefault(entry.id, set()).add((entry.bytes, entry.sha256))
        self.owners.setdefault(entry.file, set()).add(entry.id)

    def has(self, picture: Picture) -> bool:
        """Whether it is in the manifest, and its file as long as that says.

        Where the file held other pictures too, it is read, since two may be equally long.
        """
        path, marks = self.folder / picture.file, self.marks.get(picture.id, set())
        try:
            if path.stat().st_size not in {size for size, _ in marks}:
                return False
            if len(self.owners[picture.file]) == 1:
                return True
            return hashlib.sha256(path.read_bytes()).hexdigest() in {digest for _, digest in marks}
        except OSError:
            return False

    def remark(self, picture: Picture) -> str:
        """What the user may not expect of drawing this one; empty for nothing."""
        if picture.id in self.marks:
            return f"{picture.file} is gone or was changed: drawn again"
        there = picture.file in self.owners and (self.folder / picture.file).exists()
        return f"{picture.file} shows what its row said before: replaced" if there else ""

    def may_write(self, picture: Picture, record: Record) -> bool:
        """Whether nothing of the user's is in the way.

        The batch's own pictures are not, nor is this very picture without a line in the manifest,
        left by a run that was killed right then.
        """
        path = self.folder / picture.file
        if picture.file in self.owners or not path.exists():
            return True
        try:
            return metadata.read(path) == record
        except MetadataError:
            return False

    def missing(self, one: Pass) -> Pass:
        """The pass, of which those pictures are wanted that are missing."""
        wanted = frozenset(part.id for part in one.missing if not self.has(part))
        return Pass(one.pictures, wanted)


def limited(windows: Iterable[Window], limit: int | None) -> list[Window]:
    """The windows with at most `limit` pictures wanted, the first ones; those with none go."""
    found, room = [], limit
    for window in windows:
        kept = []
        for one in window:
            wanted = one.missing if room is None else one.missing[:room]
            room = None if room is None else room - len(wanted)
            kept.append(Pass(one.pictures, frozenset(part.id for part in wanted)))
        if any(one.wanted for one in kept):
            found.append(tuple(kept))
    return found


def tidy(folder: Path, windows: Iterable[Window]) -> None:
    """Removes what a killed run had begun to write of these pictures."""
    files = {part.file for window in windows for one in window for part in one.missing}
    for path in folder.glob(".*.png.*"):
        found = _DRAFT.fullmatch(path.name)
        if found is not None and found["file"] in files:
            path.unlink(missing_ok=True)
