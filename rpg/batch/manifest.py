"""The manifest: a line for every picture that is there, with all that makes it again.

A line is added, in one write that reaches the disk, once its picture is there. A line that a crash
cut short does not count and goes when the file is next written to.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rpg.batch.passes import Shard
from rpg.errors import StoreError
from rpg.metadata import Record
from rpg.settings import MAX_IMAGES, Seed

try:
    import fcntl
except ImportError:  # Windows: two runs at once are not noticed, and draw the same pictures
    fcntl = None  # type: ignore[assignment]

__all__ = ["Entry", "Manifest", "entries"]

_STEM = "manifest"
Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Entry(BaseModel):
    """A picture that was drawn.

    Attributes:
        version: Of this form.
        id: Of the row's picture, see `rpg.batch.pictures`.
        subject: Likewise.
        line: Of the row, when it was drawn.
        file: Name of the PNG file, in the manifest's folder.
        bytes: Its size.
        sha256: Of the file.
        record: Plan, settings and model, as in the file itself.
        seeds: Of all pictures that went through the model together, in order.
        index: This picture's place among them, from 0.
        beside: The id of the first picture of each plan, where there were several plans among them.
        made: Versions, device and number format.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    id: Digest
    subject: Digest
    line: Annotated[int, Field(ge=1)]
    file: Annotated[str, Field(max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9_. -]*\.png$")]
    bytes: Annotated[int, Field(ge=1)]
    sha256: Digest
    record: Record
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1, max_length=MAX_IMAGES)]
    index: Annotated[int, Field(ge=0, lt=MAX_IMAGES)] = 0
    beside: Annotated[tuple[Digest, ...], Field(max_length=MAX_IMAGES)] = ()
    made: dict[str, str] = {}


class Manifest:
    """One process's own part, open for adding to."""

    def __init__(self, stream: BinaryIO, path: Path) -> None:
        self._stream = stream
        self.path = path

    @classmethod
    @contextmanager
    def open(cls, folder: Path, shard: Shard) -> Iterator[Manifest]:
        """The part of a shard; made if it is not there, and held against other runs.

        Raises:
            StoreError: Another run has it open, or it cannot be written.
        """
        path = folder / shard.named(_STEM)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            stream = open(path, "a+b")
        except OSError as error:
            raise StoreError(f"cannot write {path}: {error.strerror}") from error
        with stream:
            _hold(stream, path)
            _cut(stream)
            yield cls(stream, path)

    def add(self, entry: Entry) -> None:
        """Writes a line, and waits until it is on the disk.

        Raises:
            StoreError: It cannot be written.
        """
        try:
            self._stream.write(entry.model_dump_json().encode() + b"\n")
            self._stream.flush()
            os.fsync(self._stream.fileno())
        except OSError as error:
            raise StoreError(f"cannot write {self.path}: {error.strerror}") from error


def entries(folder: Path) -> Iterator[Entry | None]:
    """What every part of a folder's manifest holds; None for a whole line that makes no sense.

    Raises:
        StoreError: A part cannot be read.
    """
    for path in sorted(folder.glob(f"{_STEM}*.jsonl")):
        try:
            with open(path, "rb") as stream:
                yield from (_entry(line) for line in stream if line.endswith(b"\n"))
        except OSError as error:
            raise StoreError(f"cannot read {path}: {error.strerror}") from error


def _entry(line: bytes) -> Entry | None:
    try:
        return Entry.model_validate_json(line)
    except ValidationError:
        return None


def _hold(stream: BinaryIO, path: Path) -> None:
    """The system lets go of it when the process ends, however that comes about."""
    if fcntl is None:
        return
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise StoreError(f"another run is drawing into {path.parent}; wait for it") from None
    except OSError:
        return  # a file system without locks


def _cut(stream: BinaryIO) -> None:
    """Drops what follows the last whole line."""
    stream.seek(0)
    stream.truncate(sum(len(line) for line in stream if line.endswith(b"\n")))
