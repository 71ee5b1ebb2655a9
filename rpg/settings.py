"""What a generation may be told, with every range; and the only reader of the environment.

`GenerationSettings` holds wishes: whatever stays None is filled from the model's own defaults (see
`rpg.defaults`) when a picture is made. The same class reads forms, command lines and the metadata
of pictures, so one set of ranges guards them all.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from rpg.errors import SettingsError

Composer = Literal["latent+attention", "latent", "attention"]
Scheduler = Literal[
    "ddim", "ddpm", "dpm++2m", "dpm++2m-karras", "euler", "euler-a", "heun", "lms", "pndm", "unipc"
]
COMPOSERS: tuple[Composer, ...] = get_args(Composer)
SCHEDULERS: tuple[Scheduler, ...] = get_args(Scheduler)

MAX_SEED = 2**63 - 1
MAX_SIDE = 8192
MAX_PIXELS = 4096 * 4096
MAX_STEPS = 1000
MAX_IMAGES = 64
MAX_NEGATIVE_CHARS = 8000
_LASTING = {"composer", "base_ratio", "share", "feather", "guidance_scale", "guidance_end"}
_LASTING |= {"guidance_rescale", "scheduler", "num_inference_steps", "clip_skip"}


def _random_if_minus_one(value: object) -> object:
    """Every web UI writes -1 for "draw a seed"."""
    return None if value == -1 else value


Seed = Annotated[int, Field(ge=0, le=MAX_SEED)]
Side = Annotated[int, Field(ge=8, le=MAX_SIDE)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]


class GenerationSettings(BaseModel):
    """How a plan is drawn. None means: what suits the model.

    Attributes:
        num_inference_steps: Denoising steps, 1 to 1000.
        guidance_scale: Classifier-free guidance, 0 to 100; 1 or less switches it off.
        guidance_end: Share of the steps, above 0, at most 1, after which guidance is switched off,
            so that a step costs half; 1 never.
        guidance_rescale: Rescaling of guided noise (arXiv 2305.08891, section 3.4), 0 to 1.
        seed: 0 to 2**63 - 1. None, or -1, draws one. Image i of a call uses seed + i.
        width: Pixels, 8 to 8192; snapped to what the model can draw. At most 4096 x 4096 pixels in
            all.
        height: Pixels, like `width`.
        num_images_per_prompt: Pictures of each prompt, 1 to 64.
        negative_prompt: What should not be there; takes the place of the plan's own.
        composer: How regions are composed, see `rpg.diffusion.regional`.
        base_ratio: Weight of the base prompt, 0 to 1, where plan and region say nothing.
        start: Share of the steps after which regions begin to act, 0 to 1.
        end: Share of the steps after which regions stop acting, above `start`, at most 1.
        feather: Width of the blend between regions as a share of the canvas's shorter side, 0 to
            0.5.
        share: First share of the steps composed by latents in "latent+attention", 0 to 1.
        scheduler: One of `SCHEDULERS`; None keeps the model's own.
        clip_skip: Text encoder layers left out, 1 to 12.
        strength: How far image-to-image and inpainting may go from the image, above 0, at most 1.

    Raises:
        SettingsError: A word is unknown or out of its range; says which, in one line.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    num_inference_steps: Annotated[int, Field(ge=1, le=MAX_STEPS)] | None = None
    guidance_scale: Annotated[float, Field(ge=0.0, le=100.0)] | None = None
    guidance_end: Annotated[float, Field(gt=0.0, le=1.0)] | None = None
    guidance_rescale: Share | None = None
    seed: Annotated[Seed | None, BeforeValidator(_random_if_minus_one)] = None
    width: Side | None = None
    height: Side | None = None
    num_images_per_prompt: Annotated[int, Field(ge=1, le=MAX_IMAGES)] = 1
    negative_prompt: Annotated[str, Field(max_length=MAX_NEGATIVE_CHARS)] = ""
    composer: Composer | None = None
    base_ratio: Share | None = None
    start: Share = 0.0
    end: Share = 1.0
    feather: Annotated[float, Field(ge=0.0, le=0.5)] | None = None
    share: Share | None = None
    scheduler: Scheduler | None = None
    clip_skip: Annotated[int, Field(ge=1, le=12)] | None = None
    strength: Annotated[float, Field(gt=0.0, le=1.0)] | None = None

    def __init__(self, **values: Any) -> None:
        """Validate, in the project's own kind of error."""
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise SettingsError(explain(error)) from None

    @field_validator("*", mode="before")
    @classmethod
    def _no_boolean(cls, value: object, info: ValidationInfo) -> object:
        """True is a number to Python and to pydantic; no setting is one of the two."""
        if isinstance(value, bool):
            expected = (
                "a seed is a whole number" if info.field_name == "seed" else "must not be a boolean"
            )
            raise ValueError(expected)
        return value

    @model_validator(mode="after")
    def _consistent(self) -> GenerationSettings:
        if self.start >= self.end:
            raise ValueError(f"start {self.start} must be less than end {self.end}")
        if (self.width or 0) * (self.height or 0) > MAX_PIXELS:
            raise ValueError(
                f"{self.width}x{self.height} is over {MAX_PIXELS:,} pixels; ask for less"
            )
        return self

    def updated(self, values: Mapping[str, Any]) -> GenerationSettings:
        """A validated copy with every value of `values` that is not None in place of ours."""
        given = {name: value for name, value in values.items() if value is not None}
        return GenerationSettings(**{**self.model_dump(), **given})

    def filled(self, defaults: Mapping[str, Any]) -> GenerationSettings:
        """A validated copy in which `defaults` stand wherever we have None."""
        missing = {name: value for name, value in defaults.items() if getattr(self, name) is None}
        return self.updated(missing)

    def lasting(self) -> GenerationSettings:
        """What of a picture's settings holds for a change of it: the manner, not noise or size."""
        return GenerationSettings(**self.model_dump(include=_LASTING))


def guided_steps(steps: int, end: float | None) -> int:
    """How many of `steps`, at least the first, are guided until the share `end` of them."""
    return steps if end is None else max(round(end * steps), 1)


class Environment(BaseModel):
    """What the environment says: what is used where a call names nothing else.

    Attributes:
        model: `RPG_MODEL`, a folder, a single-file checkpoint or a hub id. None: the bundled
            Toybox.
        device: `RPG_DEVICE`, such as "cuda", "cuda:1", "mps" or "cpu". None: the best there is.
        dtype: `RPG_DTYPE`, one of "float32", "float16", "bfloat16". None: what suits the device.
        sessions: `RPG_SESSIONS`, the folder of edit sessions. None: in the user's data folder.
        openai_api_key: `OPENAI_API_KEY`, the key of the endpoint that chat models are asked at. It
            never shows in a log, an error or a representation.
        openai_base_url: `OPENAI_BASE_URL`, that endpoint's address. None: OpenAI's own.
        auth: `RPG_AUTH`, "user:password" that the web UI asks for. None: nobody is asked.
        mcp_token: `RPG_MCP_TOKEN`, the token that MCP clients of the web UI send.
    """

    model_config = ConfigDict(frozen=True)

    model: str | None = None
    device: str | None = None
    dtype: Literal["float32", "float16", "bfloat16"] | None = None
    sessions: str | None = None
    openai_api_key: SecretStr | None = None
    openai_base_url: str | None = None
    auth: SecretStr | None = None
    mcp_token: SecretStr | None = None


def environment(variables: Mapping[str, str] | None = None) -> Environment:
    """Reads the variables that `Environment` names; blank counts as unset.

    Raises:
        SettingsError: A variable holds what it may not.
    """
    source = os.environ if variables is None else variables
    found = {name: source.get(_variable(name), "").strip() for name in Environment.model_fields}
    try:
        return Environment.model_validate({name: text for name, text in found.items() if text})
    except ValidationError as error:
        raise SettingsError(f"environment: RPG_{explain(error).upper()}") from None


def endpoint_key(name: str, variables: Mapping[str, str] | None = None) -> SecretStr | None:
    """The key of an endpoint that the operator listed by name; None where there is none."""
    source = os.environ if variables is None else variables
    found = source.get(endpoint_variable(name), "").strip()
    return SecretStr(found) if found else None


def endpoint_variable(name: str) -> str:
    """The variable that holds the key of a listed endpoint: RPG_KEY_MY_LAB for "my-lab"."""
    return f"RPG_KEY_{re.sub('[^A-Z0-9]', '_', name.upper())}"


def _variable(name: str) -> str:
    """The environment's word for a field; chat models keep the one that every tool reads."""
    return name.upper() if name.startswith("openai_") else f"RPG_{name.upper()}"


def explain(error: ValidationError) -> str:
    """The first fault that pydantic found, in one line: "seed: should be ..., not -2"."""
    fault = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in fault["loc"] if part not in ("int", "float"))
    message = fault["msg"].removeprefix("Value error, ").removeprefix("Input ")
    value = f", not {fault['input']!r:.60}" if where and fault["type"] != "extra_forbidden" else ""
    if fault["type"] == "extra_forbidden":
        message = "is not a setting"
    return f"{where}: {message}{value}" if where else message
