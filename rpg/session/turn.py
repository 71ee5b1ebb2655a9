"""One turn of a session: a picture, and how it was made."""

from __future__ import annotations

import re
import secrets
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from rpg.critique import Critique
from rpg.errors import SessionError
from rpg.metadata import Record
from rpg.plans.edits import Edit
from rpg.plans.model import Words
from rpg.plans.plan import Plan
from rpg.session.tree import MAX_LABEL_CHARS
from rpg.settings import MAX_IMAGES, GenerationSettings, explain

__all__ = [
    "MAX_TITLE_CHARS",
    "Digest",
    "Making",
    "SessionId",
    "Title",
    "Turn",
    "new_id",
    "valid_id",
]

MAX_TITLE_CHARS = 200
_ID = r"[0-9a-f]{12}"  # hexadecimal: never a path, a device's name or another way to write itself
_MAX_EDITS = 1000

SessionId = Annotated[str, Field(pattern=f"^{_ID}$")]
Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Number = Annotated[int, Field(ge=1, lt=2**53)]
Title = Annotated[str, Field(max_length=MAX_TITLE_CHARS, pattern=r"^[^\x00-\x1f\x7f]*$")]


class Making(BaseModel):
    """How a picture came about; with the parent's picture and the turn's mask all of it.

    Attributes:
        record: Plan, settings, model and kind of call. For "inpaint" the parent's picture was drawn
            over where the turn's mask is white.
        edits: What the plan differs by from the parent's.
        instruction: The user's words that the edits were made of, if any.
        index: Place of the picture in its batch, from 0: picture i had seed + i.
        of: How many pictures the batch had. A batch gives other roundings than a single picture,
            so that it is drawn as a whole again.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    record: Record
    edits: Annotated[tuple[Edit, ...], Field(max_length=_MAX_EDITS)] = ()
    instruction: Words = ""
    index: Annotated[int, Field(ge=0, lt=MAX_IMAGES)] = 0
    of: Annotated[int, Field(ge=1, le=MAX_IMAGES)] = 1


class Turn(BaseModel):
    """A picture in the tree.

    Attributes:
        id: Its number in the session, from 1.
        parent: The turn it came of; None if it was drawn from nothing.
        made: How.
        image: SHA-256 of its PNG file, which names the file.
        mask: Likewise of the mask that was drawn in: greyscale, white where the parent's picture
            was drawn anew. None where there was none.
        critique: What a critic said of it, if one was asked.
        label: The user's name for it; empty for none.
        created: Seconds since 1970, UTC.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Number
    parent: Number | None = None
    made: Making
    image: Digest
    mask: Digest | None = None
    critique: Critique | None = None
    label: Annotated[str, Field(max_length=MAX_LABEL_CHARS)] = ""
    created: Annotated[float, Field(ge=0, lt=1e12, allow_inf_nan=False)] = 0.0

    @model_validator(mode="after")
    def _drawn_over_something(self) -> Self:
        if self.mask is not None and self.parent is None:
            raise ValueError(f"turn {self.id} has a mask and no parent")
        return self

    @property
    def plan(self) -> Plan:
        """What was drawn."""
        return self.made.record.plan

    @property
    def settings(self) -> GenerationSettings:
        """Everything that was settled, the seed included."""
        return self.made.record.settings

    @property
    def edits(self) -> tuple[Edit, ...]:
        """What the plan differs by from the parent's."""
        return self.made.edits

    @property
    def score(self) -> float | None:
        """The critic's, 0 to 1; None where none was asked."""
        return self.critique.score if self.critique is not None else None

    @classmethod
    def from_json(cls, text: str | bytes) -> Turn:
        """Reads a turn that was stored or sent.

        Raises:
            SessionError: It is none, or a value is out of its range; says which.
        """
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise SessionError(f"the session's record is damaged: {explain(error)}") from None


def new_id() -> str:
    """An id that no session has: twelve hexadecimal digits."""
    return secrets.token_hex(6)


def valid_id(text: str) -> str:
    """The id itself.

    Raises:
        SessionError: It cannot be one.
    """
    if not re.fullmatch(_ID, text):
        raise SessionError(f"{text!r:.60} is no session: ids are twelve digits and letters a to f")
    return text
