"""Every error this project raises on purpose.

::

    RPGError
    ├── PromptError (ValueError)      a prompt that is empty or too long
    ├── PlanError (ValueError)        a plan that cannot be drawn, or could not be made
    │   └── LayoutError               a box or a split ratio that makes no sense
    ├── SettingsError (ValueError)    a size, seed, ratio or other setting out of its range
    ├── MetadataError (ValueError)    a picture whose metadata cannot be read or trusted
    ├── ModelError                    a model that cannot be loaded or is of the wrong family
    ├── GenerationError               sampling that failed: not a number, out of memory
    └── Cancelled                     work that its owner stopped
"""

from __future__ import annotations

__all__ = [
    "Cancelled",
    "GenerationError",
    "LayoutError",
    "MetadataError",
    "ModelError",
    "PlanError",
    "PromptError",
    "RPGError",
    "SettingsError",
]


class RPGError(Exception):
    """The root: catch this to catch them all. The message says what to do."""


class PromptError(RPGError, ValueError):
    """A prompt that is empty or too long."""


class PlanError(RPGError, ValueError):
    """A plan that cannot be drawn, or that a planner could not make.

    Attributes:
        position: index of the offending character in the text that was read, from 0; None where
            there was no text.
    """

    def __init__(self, message: str, position: int | None = None) -> None:
        """Keep `position` beside the message."""
        super().__init__(message)
        self.position = position


class LayoutError(PlanError):
    """A box or a split ratio that makes no sense."""


class SettingsError(RPGError, ValueError):
    """A setting out of its range."""


class MetadataError(RPGError, ValueError):
    """A picture whose metadata cannot be read or trusted."""


class ModelError(RPGError):
    """A model that cannot be loaded, or is of a family that regions do not work with."""


class GenerationError(RPGError):
    """Sampling that failed after it had begun."""


class Cancelled(RPGError):  # noqa: N818 - what it is called everywhere
    """Work that its owner stopped; nothing is wrong."""
