"""What plans, scenes and edits are made of: frozen, strict, in error a `PlanError`."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rpg.errors import LayoutError, PlanError

__all__ = ["MAX_PROMPT_CHARS", "Id", "Model", "Words", "explained"]

MAX_PROMPT_CHARS = 8000

Words = Annotated[str, Field(max_length=MAX_PROMPT_CHARS)]
Id = Annotated[str, Field(min_length=1, max_length=100)]


class Model(BaseModel):
    """What plans are made of: frozen, strict about names, in error a `PlanError`."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    noun: ClassVar[str] = ""

    def __init__(self, /, **values: Any) -> None:
        """Validate, in the project's own kind of error."""
        try:
            super().__init__(**values)
        except ValidationError as error:
            name, noun = values.get("id", ""), self.noun or type(self).__name__.lower()
            what = f"{self.noun or 'region'} {str(name)[:100]!r}" if name else noun
            raise PlanError(explained(error, what)) from error


def explained(error: ValidationError, what: str) -> str:
    """The first complaint with the place it is about, in one line."""
    first = error.errors(include_url=False)[0]
    inner = first.get("ctx", {}).get("error")
    if isinstance(inner, PlanError) and not isinstance(inner, LayoutError):
        return str(inner)  # a region has said already which one it is
    place = ".".join(str(step) for step in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return f"{what}{' at ' + place if place else ''}: {message}{more}"
