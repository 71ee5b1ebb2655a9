"""`rpg plan | generate | demo`: the command line; imports no torch before it draws."""

from __future__ import annotations

from rpg.cli.app import app, main

__all__ = ["app", "main"]
