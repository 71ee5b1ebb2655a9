"""The journal: a line for every judged picture, so that a stopped calibration goes on.

A line is written in one go. Lines that a crash cut short are passed over, and of two that are about
the same picture the first counts, so two runs at once do no harm.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rpg.errors import StoreError

__all__ = ["Journal", "Judged", "digest_of"]


class Judged(BaseModel):
    """A picture and what was said of it.

    Attributes:
        version: Of this form.
        key: Digest of all that the picture and its score depend on beside model and critic.
        prompt: Id of the prompt.
        arm: Name of the arm.
        score: 0 to 1.
        seconds: To draw it.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    version: Annotated[int, Field(ge=1, le=1)] = 1
    key: Annotated[str, Field(pattern="^[0-9a-f]{32}$")]
    prompt: Annotated[str, Field(max_length=200)]
    arm: Annotated[str, Field(max_length=200)]
    score: Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]
    seconds: Annotated[float, Field(ge=0.0, allow_inf_nan=False)]


class Journal:
    """What a file holds, and more as it comes.

    Args:
        path: Of the file, which is made with the first line.

    Raises:
        StoreError: The file cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._judged: dict[str, Judged] = {}
        try:
            data = path.read_bytes() if path.is_file() else b""
        except OSError as error:
            raise StoreError(f"cannot read {path}: {error.strerror}") from error
        self._cut_short = bool(data) and not data.endswith(b"\n")
        for line in data.splitlines():
            try:
                one = Judged.model_validate_json(line)
            except ValidationError:
                continue
            self._judged.setdefault(one.key, one)

    def get(self, key: str) -> Judged | None:
        """What was said of the picture of that key; None where nobody has judged it."""
        return self._judged.get(key)

    def add(self, judged: Judged) -> None:
        """Keeps a line.

        Raises:
            StoreError: It cannot be written.
        """
        line = judged.model_dump_json().encode() + b"\n"
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with open(self.path, "ab", buffering=0) as stream:
                stream.write(b"\n" * self._cut_short + line)
        except OSError as error:
            raise StoreError(f"cannot write {self.path}: {error.strerror}") from error
        self._cut_short = False
        self._judged.setdefault(judged.key, judged)


def digest_of(parts: Sequence[Any]) -> str:
    """A digest of values that JSON can hold."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]
