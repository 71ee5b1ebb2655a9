"""`rpg plan | generate | demo`: the command line. Nothing here imports torch before a picture is to be made."""

from __future__ import annotations

from rpg.cli.app import app, main

__all__ = ["app", "main"]
