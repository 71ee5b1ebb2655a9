"""The table of settings, from which every face of the product is made.

`GenerationSettings` holds wishes: whatever stays None is filled from the model's own defaults (see
`rpg.defaults`) when a picture is made. The same class reads forms, command lines and the metadata
of pictures, so one set of ranges guards them all.

Each of its fields is a row of the table: type, range and default as pydantic has them, and a
`Setting` with all the rest. From `SETTINGS` are made the flags of the commands, the fields of batch
rows and of `rpg.json`, the form of the page, the endpoints for programs, and `docs/settings.md`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal, TypedDict, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from rpg.errors import SettingsError

Composer = Literal["latent+attention", "latent", "attention"]
Scheduler = Literal[
    "ddim",
    "ddpm",
    "dpm++2m",
    "dpm++2m-karras",
    "euler",
    "euler-a",
    "heun",
    "lcm",
    "lms",
    "pndm",
    "tcd",
    "unipc",
]
COMPOSERS: tuple[Composer, ...] = get_args(Composer)
SCHEDULERS: tuple[Scheduler, ...] = get_args(Scheduler)

MAX_SEED = 2**63 - 1
MAX_SIDE = 8192
MAX_PIXELS = 4096 * 4096
MAX_STEPS = 1000
MAX_IMAGES = 64
MAX_NEGATIVE_CHARS = 8000

Everyday = Literal["sampling", "noise", "count", "text"]
Advanced = Literal[
    "canvas", "method", "regions", "interval", "conditioning", "variation", "upscaling"
]
Group = Everyday | Advanced | Literal["image"]
ADVANCED: tuple[Advanced, ...] = get_args(Advanced)
_KINDS: Mapping[str, type[int | float | str]] = {"integer": int, "number": float, "string": str}


@dataclass(frozen=True)
class Setting:
    """A row of the table.

    Attributes:
        label: Its name on forms.
        help: What it says, without a full stop and without the range, which is `range`.
        group: What it belongs to. Forms show everyday groups at once and each advanced one as a
            line of its own; those of "image" need a picture to start from.
        passed_to: What takes it under the same name: the call of the diffusers pipeline, or
            `rpg.diffusion.regional`. None: neither, we see to it ourselves.
        lasting: Whether it is a manner of drawing: a change of a picture keeps it, and a model may
            have a value of its own in its `rpg.json`.
        short: Its name where there is little space, if not the field's.
        flags: Of the command line; `--short` if empty. Settings of one flag share it.
        unset: As forms show it, what holds where neither call nor model has a value.
        choice_labels: Choices in words, where their names say too little.
        name: The field's name.
        default: The field's default; None is filled when a picture is made.
        schema: JSON schema of its values other than None.
    """

    label: str
    help: str
    group: Group
    passed_to: Literal["pipeline", "regional"] | None = None
    lasting: bool = False
    short: str = ""
    flags: tuple[str, ...] = ()
    unset: str = ""
    choice_labels: Mapping[str, str] = field(default_factory=dict)
    name: str = ""
    default: Any = None
    schema: Mapping[str, Any] = field(default_factory=dict)

    @property
    def kind(self) -> type[int | float | str]:
        """The type of its values, of choices too."""
        return _KINDS[self.schema["type"]]

    @property
    def choices(self) -> tuple[str, ...]:
        """The values there are; empty where they are no list."""
        return tuple(self.schema.get("enum", ()))

    @property
    def range(self) -> str:
        """The least and the greatest value, such as "0 to 1"; empty for words."""
        if self.kind is str:
            return ""
        above = "exclusiveMinimum" in self.schema
        least = self.schema["exclusiveMinimum" if above else "minimum"]
        most = self.schema["maximum"]
        shown = "2**63 - 1" if most == MAX_SEED else f"{most:g}"
        return f"{'above ' if above else ''}{least:g} to {shown}"

    @property
    def sentence(self) -> str:
        """What it says with its range, without a full stop."""
        return f"{self.help} ({self.range})" if self.range else self.help

    @property
    def id(self) -> str:
        """Its name in flags and among the elements of a page."""
        return (self.short or self.name).replace("_", "-")


def _random_if_minus_one(value: object) -> object:
    """Every web UI writes -1 for "draw a seed"."""
    return None if value == -1 else value


Seed = Annotated[int, Field(ge=0, le=MAX_SEED)]
Side = Annotated[int, Field(ge=8, le=MAX_SIDE)]
Steps = Annotated[int, Field(ge=1, le=MAX_STEPS)]
Guidance = Annotated[float, Field(ge=0.0, le=100.0)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Factor = Annotated[float, Field(ge=1.0, le=4.0)]
Part = Annotated[float, Field(gt=0.0, le=1.0)]
Feather = Annotated[float, Field(ge=0.0, le=0.5)]
Window = Annotated[int, Field(ge=0, le=MAX_SIDE)]


class GenerationSettings(BaseModel):
    """How a plan is drawn. None means: what suits the model.

    What the fields mean stands beside them; `docs/settings.md` lists them. Width and height are
    snapped to what the model can draw and are at most 4096 x 4096 pixels in all; `start` must be
    less than `end`.

    Raises:
        SettingsError: A word is unknown or out of its range; says which, in one line.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    num_inference_steps: Annotated[
        Steps | None,
        Setting("Steps", "Denoising steps", "sampling", "pipeline", lasting=True, short="steps"),
    ] = None
    guidance_scale: Annotated[
        Guidance | None,
        Setting(
            "Guidance",
            "Classifier-free guidance; 1 or less switches it off",
            "sampling",
            "pipeline",
            lasting=True,
        ),
    ] = None
    guidance_end: Annotated[
        Part | None,
        Setting(
            "Guidance until",
            "Share of the steps after which guidance is off and a step costs half",
            "conditioning",
            lasting=True,
            unset="1",
        ),
    ] = None
    guidance_rescale: Annotated[
        Share | None,
        Setting(  # arXiv 2305.08891, section 3.4
            "Guidance rescale",
            "Rescaling of guided noise against glaring colours",
            "conditioning",
            "pipeline",
            lasting=True,
            unset="0",
        ),
    ] = None
    seed: Annotated[
        Seed | None,
        BeforeValidator(_random_if_minus_one),
        Setting("Seed", "Picture i uses seed + i; -1 draws one", "noise"),
    ] = None
    width: Annotated[
        Side | None,
        Setting("Width", "Pixels", "canvas", "pipeline", flags=("--size",)),
    ] = None
    height: Annotated[
        Side | None,
        Setting("Height", "Pixels", "canvas", "pipeline", flags=("--size",)),
    ] = None
    num_images_per_prompt: Annotated[
        int,
        Field(ge=1, le=MAX_IMAGES),
        Setting(
            "Pictures",
            "Pictures of each prompt",
            "count",
            "pipeline",
            short="count",
            flags=("--num-images", "-n"),
        ),
    ] = 1
    negative_prompt: Annotated[
        str,
        Field(max_length=MAX_NEGATIVE_CHARS),
        Setting("Negative prompt", "What should not be there", "text"),
    ] = ""
    composer: Annotated[
        Composer | None,
        Setting(
            "Composer",
            "How regions are composed",
            "method",
            "regional",
            lasting=True,
            choice_labels={
                "latent+attention": "Latents first, then attention",
                "latent": "Latents: every region on its own",
                "attention": "Attention: all regions at once",
            },
        ),
    ] = None
    base_ratio: Annotated[
        Share | None,
        Setting(
            "Base ratio",
            "Weight of the prompt for the whole within regions",
            "regions",
            "regional",
            lasting=True,
        ),
    ] = None
    start: Annotated[
        Share,
        Setting("Regions from", "Share of the steps before regions act", "interval", "regional"),
    ] = 0.0
    end: Annotated[
        Share,
        Setting(
            "Regions until", "Share of the steps after which they rest", "interval", "regional"
        ),
    ] = 1.0
    feather: Annotated[
        Feather | None,
        Setting(
            "Feather",
            "Width of the blend between regions as a share of the shorter side",
            "regions",
            "regional",
            lasting=True,
        ),
    ] = None
    share: Annotated[
        Share | None,
        Setting(
            "Share of latents",
            "First share of the steps that draws regions apart",
            "regions",
            "regional",
            lasting=True,
        ),
    ] = None
    window: Annotated[
        Window | None,
        Setting(
            "Latent window",
            "Pixels across and down in which a region is drawn apart, at least, with what is around"
            " it; 0 is its box alone",
            "regions",
            "regional",
            lasting=True,
        ),
    ] = None
    scheduler: Annotated[
        Scheduler | None,
        Setting("Scheduler", "Scheduler of the steps", "method", lasting=True),
    ] = None
    clip_skip: Annotated[
        Annotated[int, Field(ge=1, le=12)] | None,
        Setting(
            "Clip skip",
            "Last layers of the text encoder left out",
            "conditioning",
            "pipeline",
            lasting=True,
            unset="none",
        ),
    ] = None
    variation_strength: Annotated[
        Share,
        Setting(
            "Variation strength",
            "How far the first noise goes from the seed's to the variation seed's",
            "variation",
        ),
    ] = 0.0
    variation_seed: Annotated[
        Seed | None,
        BeforeValidator(_random_if_minus_one),
        Setting(
            "Variation seed",
            "Where noise varies, picture i uses this + i and all the same seed; -1 draws one",
            "variation",
            unset="A new one each time",
        ),
    ] = None
    upscale: Annotated[
        Factor,
        Setting(
            "Upscale",
            "Times that both sides of the picture are enlarged, to be drawn over; 1 leaves it",
            "upscaling",
        ),
    ] = 1.0
    upscale_strength: Annotated[
        Part,
        Setting("Upscale strength", "How far to go from the enlarged picture", "upscaling"),
    ] = 0.3
    upscale_tile: Annotated[
        Side | None,
        Setting(
            "Upscale tile",
            "Pixels of a side above which the enlarged picture is drawn over in tiles",
            "upscaling",
            unset="twice the model's side",
        ),
    ] = None
    strength: Annotated[
        Part | None,
        Setting(
            "Strength",
            "How far to go from the picture given; an edit takes 1, or 0.9 for looks alone",
            "image",
            "pipeline",
        ),
    ] = None

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
        pixels = (self.width or 0) * (self.height or 0)
        if pixels * self.upscale**2 > MAX_PIXELS:
            times = f", upscaled {self.upscale:g} times," if pixels <= MAX_PIXELS else ""
            raise ValueError(
                f"{self.width}x{self.height}{times} is over {MAX_PIXELS:,} pixels; ask for less"
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

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height of the picture in pixels, of an upscaled one to eights; None if open."""
        if self.width is None or self.height is None:
            return None
        if self.upscale == 1:
            return self.width, self.height
        width, height = (round(side * self.upscale / 8) * 8 for side in (self.width, self.height))
        return width, height

    def of_group(self, group: Group) -> dict[str, Any]:
        """The settings of a group, by their names."""
        return {name: getattr(self, name) for name, one in SETTINGS.items() if one.group == group}

    def reset(self, *groups: Group) -> GenerationSettings:
        """A copy in which the settings of these groups are at their defaults."""
        own = {name: one.default for name, one in SETTINGS.items() if one.group in groups}
        return self.model_copy(update=own)

    def at_full_size(self) -> GenerationSettings:
        """A copy that draws as large as the upscaled picture is, in one pass."""
        size = dict(zip(("width", "height"), self.size or (None, None), strict=True))
        return self.reset("upscaling").updated(size)

    def numbered(self, number: int) -> GenerationSettings:
        """A copy for the call whose first picture is picture `number` of this one's.

        With a variation strength the variation seed counts, else the seed; both wrap at 2**63.
        """
        name = "variation_seed" if self.variation_strength else "seed"
        first = getattr(self, name)
        seed = None if first is None else (first + number) % (MAX_SEED + 1)
        return self.model_copy(update={name: seed})

    def lasting(self) -> GenerationSettings:
        """What of a picture's settings holds for a change of it: the manner, not noise or size."""
        return GenerationSettings(**self.model_dump(include=set(LASTING)))


def _table() -> Mapping[str, Setting]:
    """The rows, completed with what pydantic knows of the fields."""
    schemas = GenerationSettings.model_json_schema()["properties"]
    rows = {}
    for name, one in GenerationSettings.model_fields.items():
        (row,) = (said for said in one.metadata if isinstance(said, Setting))
        schema = schemas[name].get("anyOf", [schemas[name]])[0]  # the other is null
        rows[name] = replace(row, name=name, default=one.default, schema=schema)
    return rows


SETTINGS = _table()
LASTING = tuple(name for name, one in SETTINGS.items() if one.lasting)
TO_PIPELINE = tuple(name for name, one in SETTINGS.items() if one.passed_to == "pipeline")
TO_REGIONAL = tuple(name for name, one in SETTINGS.items() if one.passed_to == "regional")


class SettingKwargs(TypedDict, total=False):
    """The settings as words of a call: the table once more, which type checkers cannot read."""

    num_inference_steps: int | None
    guidance_scale: float | None
    guidance_end: float | None
    guidance_rescale: float | None
    seed: int | None
    width: int | None
    height: int | None
    num_images_per_prompt: int | None
    negative_prompt: str | Sequence[str] | None
    composer: str | None
    base_ratio: float | None
    start: float | None
    end: float | None
    feather: float | None
    share: float | None
    window: int | None
    scheduler: str | None
    clip_skip: int | None
    variation_strength: float | None
    variation_seed: int | None
    upscale: float | None
    upscale_strength: float | None
    upscale_tile: int | None
    strength: float | None


def guided_steps(steps: int, end: float | None) -> int:
    """How many of `steps`, at least the first, are guided until the share `end` of them."""
    return steps if end is None else max(round(end * steps), 1)


def explain(error: ValidationError) -> str:
    """The first fault that pydantic found, in one line: "seed: should be ..., not -2"."""
    fault = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in fault["loc"] if part not in ("int", "float"))
    message = fault["msg"].removeprefix("Value error, ").removeprefix("Input ")
    value = f", not {fault['input']!r:.60}" if where and fault["type"] != "extra_forbidden" else ""
    if fault["type"] == "extra_forbidden":
        message = "is not a setting"
    return f"{where}: {message}{value}" if where else message
