"""The refine panel."""

from __future__ import annotations

from ui.shared import Shared

__all__ = ["build"]


def build(shared: Shared) -> None:
    """Puts the panel on the page."""
