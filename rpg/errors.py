"""Every error this project raises on purpose.

::

    RPGError
    ├── PromptError (ValueError)      a prompt that is empty or too long
    ├── PlanError (ValueError)        a plan that cannot be drawn, or could not be made
    │   └── LayoutError               a box or a split ratio that makes no sense
    ├── ChatError                     a language model that gave no answer: network, server, time
    │   ├── ChatAccessError           the key, the address or the model's name is wrong
    │   ├── ChatRefusal               the model or its content filter will not answer
    │   ├── ChatLengthError           the answer did not fit into the room there was
    │   └── ChatImageError            the model cannot look at pictures
    ├── SettingsError (ValueError)    a size, seed, ratio or other setting out of its range
    ├── MetadataError (ValueError)    a picture whose metadata cannot be read or trusted
    ├── ModelError                    a model that cannot be loaded or is of the wrong family
    ├── GenerationError               sampling that failed: not a number, out of memory
    ├── SessionError                  a session that is not there, or a change of it that cannot be
    │   └── StoreError                its folder cannot be read or written: full, read-only, damaged
    └── Cancelled                     work that its owner stopped
"""

from __future__ import annotations

__all__ = [
    "Cancelled",
    "ChatAccessError",
    "ChatError",
    "ChatImageError",
    "ChatLengthError",
    "ChatRefusal",
    "GenerationError",
    "LayoutError",
    "MetadataError",
    "ModelError",
    "PlanError",
    "PromptError",
    "RPGError",
    "SessionError",
    "SettingsError",
    "StoreError",
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
        answer: what a language model said that no plan could be made of; None where none was asked.
    """

    def __init__(
        self, message: str, position: int | None = None, *, answer: str | None = None
    ) -> None:
        """Keep `position` and `answer` beside the message."""
        super().__init__(message)
        self.position = position
        self.answer = answer


class LayoutError(PlanError):
    """A box or a split ratio that makes no sense."""


class ChatError(RPGError):
    """A language model that gave no answer: it could not be reached, failed, or took too long."""


class ChatAccessError(ChatError):
    """The key, the address or the model's name is wrong: asking again will not help."""


class ChatRefusal(ChatError):  # noqa: N818 - what it is called everywhere
    """The model, or a content filter before or after it, will not answer this."""


class ChatLengthError(ChatError):
    """The answer did not fit into the tokens there were, also after a try with more."""


class ChatImageError(ChatError):
    """The model cannot look at pictures."""


class SettingsError(RPGError, ValueError):
    """A setting out of its range."""


class MetadataError(RPGError, ValueError):
    """A picture whose metadata cannot be read or trusted."""


class ModelError(RPGError):
    """A model that cannot be loaded, or is of a family that regions do not work with."""


class GenerationError(RPGError):
    """Sampling that failed after it had begun."""


class SessionError(RPGError):
    """An edit session that is not there, or a change of it that cannot be made."""


class StoreError(SessionError):
    """The folder of sessions cannot be read or written; what was stored before is whole."""


class Cancelled(RPGError):  # noqa: N818 - what it is called everywhere
    """Work that its owner stopped; nothing is wrong."""
