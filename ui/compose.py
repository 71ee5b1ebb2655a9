"""The compose panel: a prompt becomes a plan that can be moved about."""

from __future__ import annotations

from ui.shared import Shared

__all__ = ["build"]


def build(shared: Shared) -> None:
    """Puts the panel on the page."""
    shared.prompt.render()
