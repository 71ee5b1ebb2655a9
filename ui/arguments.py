"""What the endpoints take, of programs and of MCP clients alike: strictly typed, told in words."""

from __future__ import annotations

import json
from typing import Annotated, Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, WithJsonSchema

from rpg.defaults import PRESETS
from rpg.errors import SettingsError
from rpg.plans.plan import Plan
from rpg.settings import MAX_SEED, SETTINGS, GenerationSettings, explain

__all__ = [
    "ENDPOINTS",
    "Arguments",
    "EditArguments",
    "GenerateArguments",
    "PlanArguments",
    "RefineArguments",
    "ReviewArguments",
    "read_plan",
    "read_settings",
]

Seed = Annotated[
    int,
    Field(
        ge=-1, le=MAX_SEED, description="The same seed draws the same picture; -1 draws a new one."
    ),
]
Picture = Annotated[  # judged by `ui.references`
    Any,
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "object"}]}),
    Field(
        description="A PNG that generate, edit or refine made: what they returned, an upload, the "
        "address of a file of this app, or a data URL."
    ),
]


class Arguments(BaseModel):
    """What an endpoint takes. No value is converted: 1.5 is no seed, true no number.

    Raises:
        SettingsError: A value is missing, unknown, of another type or out of its range.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)

    endpoint: ClassVar[str]
    description: ClassVar[str]

    @classmethod
    def read(cls, values: dict[str, Any]) -> Self:
        """The arguments in what a client sent; null counts as left out where there is a default."""
        optional = {name for name, one in cls.model_fields.items() if not one.is_required()}
        given = {
            name: value
            for name, value in values.items()
            if not (value is None and name in optional)
        }
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            raise SettingsError(explain(error)) from None

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """The JSON schema of the arguments, for MCP clients."""
        return {**cls.model_json_schema(), "title": cls.endpoint}


def _settings_schema() -> dict[str, Any]:
    """The JSON schema of what `read_settings` is for; the seed is an argument of its own."""
    known = GenerationSettings.model_json_schema()["properties"]
    settings = {
        name: {**known[name], "title": one.label, "description": one.sentence}
        for name, one in SETTINGS.items()
        if one.group not in ("noise", "count", "image")
    }
    preset = {"anyOf": [{"enum": list(PRESETS), "type": "string"}, {"type": "null"}]}
    return {"type": "object", "properties": settings | {"preset": preset}}


class PlanArguments(Arguments):
    """`/plan`."""

    endpoint = "plan"
    description = (
        "Plan a picture: which thing goes where, each with its own subprompt. Draws nothing. "
        "Returns the plan as JSON; `regions` hold subprompts and boxes in fractions of the canvas."
    )

    prompt: Annotated[
        str, Field(description="What should be in the picture, in plain words: 1 to 8,000 letters.")
    ]


class GenerateArguments(Arguments):
    """`/generate`."""

    endpoint = "generate"
    description = (
        "Draw a picture of a prompt, every thing in its own place. Returns the picture, as PNG "
        "with its plan and settings in it."
    )

    prompt: Annotated[str, Field(description="What should be in the picture, in plain words.")]
    plan: Annotated[
        dict[str, Any] | None,
        Field(description="A plan as `plan` gives it; leave out to have it made."),
    ] = None
    seed: Seed = -1
    settings: Annotated[
        dict[str, Any] | None,
        WithJsonSchema({"anyOf": [_settings_schema(), {"type": "null"}]}),
        Field(description="More settings by name, and a preset for what these leave open."),
    ] = None


class EditArguments(Arguments):
    """`/edit`."""

    endpoint = "edit"
    description = (
        "Change a part of a picture in words; all that the change leaves keeps its pixels. Returns "
        "the changed picture, as PNG with its plan and settings in it."
    )

    picture: Picture
    instruction: Annotated[
        str,
        Field(
            description='Such as "make the star green", "add a moon top right", "remove the heart".'
        ),
    ]
    seed: Seed = -1


class RefineArguments(Arguments):
    """`/refine`."""

    endpoint = "refine"
    description = (
        "Look at a picture, draw again what is wrong, and keep what is better, in rounds. Returns "
        "the best picture, as PNG with its plan and settings in it; the same if nothing is wrong."
    )

    picture: Picture
    rounds: Annotated[int, Field(ge=0, le=100, description="At most so many.")] = 4
    seconds: Annotated[
        float, Field(ge=0, le=1e6, description="Stop after so long; 0 for no bound.")
    ] = 0.0


class ReviewArguments(Arguments):
    """`/review`."""

    endpoint = "review"
    description = (
        "Say what of a picture is as planned and what is not. Draws nothing. Returns `score`, 0 to "
        "1, and `findings`: what should be true, whether it is, and what was seen."
    )

    picture: Picture


ENDPOINTS: tuple[type[Arguments], ...] = (
    PlanArguments,
    GenerateArguments,
    EditArguments,
    RefineArguments,
    ReviewArguments,
)


class _Strict(GenerationSettings):
    """Settings of which no value is converted: 20.0 and "20" are no numbers of steps."""

    model_config = ConfigDict(strict=True)


def read_plan(value: dict[str, Any]) -> Plan:
    """A plan as a client sent it.

    Raises:
        PlanError: It is none.
    """
    return Plan.from_json(json.dumps(value))


def read_settings(given: dict[str, Any], seed: int) -> tuple[GenerationSettings, Any]:
    """Settings as a client sent them, and the preset that is to fill them.

    Raises:
        SettingsError: One is unknown, of another type, out of its range, or at odds with another.
    """
    if given.get("num_images_per_prompt", 1) != 1:
        raise SettingsError("num_images_per_prompt: a call makes one; call again for another")
    own = _Strict(**{name: value for name, value in given.items() if name != "preset"})
    if seed != -1 and own.seed not in (None, seed):
        raise SettingsError(f"seed: {seed} is given, and another one among the settings")
    used = GenerationSettings(**own.model_dump())
    return used if seed == -1 else used.updated({"seed": seed}), given.get("preset")
