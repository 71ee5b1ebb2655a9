"""The suite's folder: a row for every picture, appended when it is drawn, and the pictures."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from benchmarks.suite.judge import Seen

__all__ = ["Row", "Store"]


class Row(BaseModel):
    """One picture.

    Attributes:
        key: See `benchmarks.suite.work.Job`.
        item: The prompt's id, for people.
        scheme: The method's, for people.
        seed: Of the picture.
        file: The picture, below the folder.
        seen: What the detector sees in it.
        critic: What the product's critic says of it, 0 to 1; a pool is chosen from by this.
        calls: Of the UNet.
        cost: Latent cells that went through the UNet, in plain pictures of the same size.
        seconds: That drawing took, with the loop's own reviews.
    """

    model_config = ConfigDict(frozen=True)

    key: str
    item: str
    scheme: str
    seed: int
    file: str
    seen: Seen
    critic: float
    calls: int
    cost: float
    seconds: float


class Store:
    """Rows and pictures in a folder, which several processes may add to."""

    def __init__(self, folder: Path) -> None:
        """Open or make the folder; half a line, left by a run that was killed, is ended."""
        self.folder = folder
        self.pictures = folder / "pictures"
        self.pictures.mkdir(parents=True, exist_ok=True)
        self._file = folder / "results.jsonl"
        if self._file.exists() and self._file.read_bytes()[-1:] not in (b"", b"\n"):
            self._append(b"\n")

    def rows(self) -> dict[str, Row]:
        """By key, those whose pictures are there; lines that make no sense are passed over."""
        return {row.key: row for row in self._read() if (self.folder / row.file).is_file()}

    def add(self, row: Row) -> None:
        """Append a row, whole."""
        self._append(f"{row.model_dump_json()}\n".encode())

    def path(self, key: str) -> Path:
        """Where the picture of a key goes."""
        return self.pictures / f"{key}.png"

    def _append(self, data: bytes) -> None:
        # One write in append mode: lines of several processes do not mix.
        handle = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(handle, data)
        finally:
            os.close(handle)

    def _read(self) -> Iterator[Row]:
        if not self._file.exists():
            return
        for line in self._file.read_bytes().splitlines():
            try:
                yield Row.model_validate_json(line)
            except ValidationError:
                continue
