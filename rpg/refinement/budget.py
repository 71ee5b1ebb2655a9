"""How much a loop may cost."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rpg.errors import SettingsError
from rpg.settings import MAX_IMAGES, explain

__all__ = ["Budget"]


class Budget(BaseModel):
    """How much a loop may cost.

    Attributes:
        rounds: Of drawing again, after the first picture; 0 to 100.
        seconds: From the start; the first picture is finished in any case. None: no bound.
        calls: Of the critic and the planner together; looking ahead leaves one for the finished
            picture. None: no bound.
        candidates: Pictures of each round, from as many seeds; the best is looked at further.
        look_ahead: Steps after which only the best of the candidates goes on; 0: all are finished.

    Raises:
        SettingsError: A number is out of its range.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    rounds: Annotated[int, Field(ge=0, le=100)] = 4
    seconds: Annotated[float, Field(gt=0)] | None = None
    calls: Annotated[int, Field(ge=1)] | None = None
    candidates: Annotated[int, Field(ge=1, le=MAX_IMAGES)] = 1
    look_ahead: Annotated[int, Field(ge=0, le=1000)] = 0

    def __init__(self, **values: object) -> None:
        """Validate, in the project's own kind of error."""
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise SettingsError(explain(error)) from None
