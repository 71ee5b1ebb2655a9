"""What a picture remembers, enough to make it again; and what other tools wrote into theirs."""

from __future__ import annotations

from rpg.metadata.record import (
    Record,
    Task,
    encode,
    parse,
    parse_parameters,
    public_name,
    read,
    read_with_losses,
    rescaled,
    save,
    write_whole,
)

__all__ = [
    "Record",
    "Task",
    "encode",
    "parse",
    "parse_parameters",
    "public_name",
    "read",
    "read_with_losses",
    "rescaled",
    "save",
    "write_whole",
]
