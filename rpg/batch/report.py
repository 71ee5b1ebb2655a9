"""The rows that were not drawn, a line of JSON each, beside the manifest."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from rpg.batch.passes import Shard
from rpg.batch.rows import Fault
from rpg.errors import StoreError

__all__ = ["Report"]

_STEM = "problems"


class Report:
    """Begun anew with every run; there is no file where there are no faults.

    Args:
        folder: Of the pictures.
        shard: Whose faults; reports of another division of the work are removed.
        faults: Known at once.
    """

    def __init__(self, folder: Path, shard: Shard, faults: Iterable[Fault]) -> None:
        self.path = folder / shard.named(_STEM)
        others = f"-of-{shard.count}.jsonl" if shard.count > 1 else self.path.name
        for old in folder.glob(f"{_STEM}*.jsonl"):
            if old == self.path or not old.name.endswith(others):
                old.unlink(missing_ok=True)
        self.faults: list[Fault] = []
        for fault in faults:
            self.add(fault)

    def add(self, fault: Fault) -> None:
        """Writes a line.

        Raises:
            StoreError: It cannot be written.
        """
        self.faults.append(fault)
        said = {name: value for name, value in asdict(fault).items() if value != ""}
        try:
            with open(self.path, "a", encoding="utf-8") as stream:
                stream.write(json.dumps(said) + "\n")
        except OSError as error:
            raise StoreError(f"cannot write {self.path}: {error.strerror}") from error
