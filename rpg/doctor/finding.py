"""One thing that was looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["Finding", "State", "in_bytes"]

State = Literal["ok", "note", "problem"]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        section: What it belongs to.
        name: What was looked at.
        words: What was found, in a line.
        state: "problem": what is needed is broken. "note": worth knowing.
        advice: What to do, in a line; empty where there is nothing.
        value: The same for programs, as JSON has it; None where the words say all.
    """

    section: str
    name: str
    words: str
    state: State = "ok"
    advice: str = ""
    value: Any = None


def in_bytes(count: float) -> str:
    """Bytes, in words."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
