"""Plans: which words go where on the canvas. Typed, validated, free of resolution and of torch."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Self

from PIL import Image
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from rpg._json_size import MAX_VALUES, has_too_many_values
from rpg.errors import LayoutError, PlanError
from rpg.pictures import decoded
from rpg.plans import rpg_text
from rpg.plans.geometry import Box

__all__ = [
    "MAX_PLAN_BYTES",
    "MAX_PROMPT_CHARS",
    "MAX_REGIONS",
    "Plan",
    "Region",
    "decode_mask",
    "encode_mask",
]

MAX_REGIONS = 64
MAX_PROMPT_CHARS = 8000
MAX_DEPTH = 8
MAX_PLAN_BYTES = 16 * 2**20  # of a plan as JSON; masks take most of it
MAX_MASK_SIDE = 2048
MAX_MASK_CHARS = 2_000_000
_MAX_REASONING_CHARS = 200_000

Words = Annotated[str, Field(max_length=MAX_PROMPT_CHARS)]
Ratio = Annotated[float, Field(strict=True, ge=0.0, le=1.0, allow_inf_nan=False)]


def _numbers(box: object) -> object:
    """A box from JSON as it is: "0" and true are no edges, though pydantic would take them."""
    if isinstance(box, dict) and any(isinstance(edge, str | bool) for edge in box.values()):
        raise ValueError("edges must be numbers")
    return box


class Model(BaseModel):
    """What plans are made of: frozen, strict about names, in error a `PlanError`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def __init__(self, /, **values: Any) -> None:
        """Validate, in the project's own kind of error."""
        try:
            super().__init__(**values)
        except ValidationError as error:
            name = values.get("id", "")
            what = f"region {str(name)[:100]!r}" if name else type(self).__name__.lower()
            raise PlanError(explained(error, what)) from error


class Region(Model):
    """A part of the canvas and its subprompt.

    Attributes:
        id: names the region; unique in its plan and stable across edits.
        prompt: the subprompt; empty only for a container of children.
        box: fractions of the whole canvas, also for a child.
        negative: what should not be in this region.
        base_ratio: weight of the base prompt here, 0 to 1; None takes the plan's.
        z: painting order; a higher region covers a lower one.
        children: regions painted over this one, in their own z-order.
        mask: base64 of an 8-bit greyscale PNG over the whole canvas at any resolution, white
            inside; it cuts the box down to a painted form. None: the whole box.

    Raises:
        PlanError: a value is out of its range.
    """

    id: Annotated[str, Field(min_length=1, max_length=100)]
    prompt: Words
    box: Annotated[Box, BeforeValidator(_numbers)]
    negative: Words = ""
    base_ratio: Ratio | None = None
    z: Annotated[int, Field(strict=True, ge=-1000, le=1000)] = 0
    children: tuple[Region, ...] = ()
    mask: Annotated[str, Field(max_length=MAX_MASK_CHARS)] | None = None

    @field_validator("prompt", "negative")
    @classmethod
    def _stripped(cls, text: str) -> str:
        return text.strip()

    @field_validator("mask")
    @classmethod
    def _readable(cls, mask: str | None) -> str | None:
        if mask is not None:
            decode_mask(mask)
        return mask

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.prompt and not self.children:
            raise ValueError(f"region {self.id!r} has neither a subprompt nor children")
        return self

    def mask_image(self) -> Image.Image | None:
        """The painted mask, greyscale, or None where the region is its whole box."""
        return decode_mask(self.mask) if self.mask is not None else None


class Plan(Model):
    """What is drawn where.

    Attributes:
        prompt: what the user asked for.
        regions: the parts of the canvas; none means the base prompt alone.
        base_prompt: drawn under and between the regions; empty takes `prompt`.
        base_ratio: weight b of the base prompt within regions, 0 to 1 (RPG, eq. 6); None leaves it
            to the composer.
        negative: what should be nowhere.
        reasoning: the planner's thoughts, for people to read.
        source: who made the plan: "rules", a model's name, "user"...

    Raises:
        PlanError: a value is out of its range, an id occurs twice, or there are too many regions.
    """

    prompt: Annotated[str, Field(min_length=1, max_length=MAX_PROMPT_CHARS)]
    regions: tuple[Region, ...] = ()
    base_prompt: Words = ""
    base_ratio: Ratio | None = None
    negative: Words = ""
    reasoning: Annotated[str, Field(max_length=_MAX_REASONING_CHARS)] = ""
    source: Annotated[str, Field(max_length=200)] = ""

    @model_validator(mode="before")
    @classmethod
    def _not_too_many(cls, data: Any) -> Any:
        """Counted before any of them is validated, which costs a thousand times as much."""
        count = _count(data.get("regions")) if isinstance(data, dict) else 0
        if count > MAX_REGIONS:
            raise ValueError(f"{count} regions; at most {MAX_REGIONS} are drawn: merge some")
        return data

    @field_validator("prompt", "base_prompt", "negative", mode="before")
    @classmethod
    def _stripped(cls, text: Any) -> Any:
        return text.strip() if isinstance(text, str) else text

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        ids = [region.id for region in _walk(self.regions)]
        twice = next((name for name in ids if ids.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"two regions have the id {twice!r}: every region needs its own")
        return self

    @property
    def effective_base_prompt(self) -> str:
        """The base prompt, or the user's where there is none."""
        return self.base_prompt or self.prompt

    def layers(self) -> tuple[Region, ...]:
        """Every region with a subprompt in painting order, the lowest first.

        Siblings go by z, then by their order; children directly over their parent.
        """
        return tuple(region for region in _walk(self.regions) if region.prompt)

    def to_json(self, *, indent: int | None = None) -> str:
        """The plan as JSON; what is at its default is left out."""
        return self.model_dump_json(indent=indent, exclude_defaults=True)

    @classmethod
    def from_json(cls, text: str | bytes) -> Plan:
        """Read a plan written by `to_json`, or by hand: at most `MAX_PLAN_BYTES` of JSON.

        Raises:
            PlanError: the text is no JSON, or not that of a plan; says where.
        """
        data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
        if len(data) > MAX_PLAN_BYTES:
            raise PlanError(f"a plan of {len(data):,} bytes; at most {MAX_PLAN_BYTES:,} are read")
        if has_too_many_values(data):
            raise PlanError(f"a plan of over {MAX_VALUES:,} values; no plan holds as many")
        try:
            return cls.model_validate_json(data)
        except ValidationError as error:
            raise PlanError(explained(error, "plan")) from error

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """The JSON schema of a plan."""
        return cls.model_json_schema()

    @classmethod
    def from_rpg_text(cls, text: str, *, prompt: str, base_prompt: str = "") -> Plan:
        """Read a language model's answer in the official text form; see `rpg.plans.rpg_text`.

        Args:
            text: The answer; what stands before the two values becomes the plan's reasoning.
            prompt: What the user asked for.
            base_prompt: Drawn under the regions; empty takes `prompt`.

        Returns:
            A plan with the regions r1, r2... in reading order.

        Raises:
            PlanError: A marker or a subprompt is missing, or their numbers differ; `position` is
                the place in `text`.
            LayoutError: The split ratio cannot be read; likewise.
        """
        read = rpg_text.read(text)
        regions = tuple(Region(**region._asdict()) for region in read.regions)
        return cls(
            prompt=prompt, base_prompt=base_prompt, regions=regions, reasoning=read.reasoning
        )

    def to_rpg_text(self) -> str:
        """Write the regions in the official text form, in reading order, one line a value.

        Raises:
            PlanError: The form has no words for something in the plan.
            LayoutError: The regions do not tile the canvas as rows of columns.
        """
        for region in self.regions:
            _check_sayable(region)
        return rpg_text.write(
            [rpg_text.RegionText(region.id, region.prompt, region.box) for region in self.regions]
        )


def _check_sayable(region: Region) -> None:
    """Refuse what boxes and words alone cannot say."""
    unsayable = {
        "children": bool(region.children),
        "a painted mask": region.mask is not None,
        "a negative prompt": bool(region.negative),
        "a base ratio of its own": region.base_ratio is not None,
        "the word BREAK in its subprompt": rpg_text.has_break(region.prompt),
    }
    for what, has in unsayable.items():
        if has:
            raise PlanError(
                f"region {region.id!r} has {what}, which the official text form cannot say; save "
                "the plan as JSON"
            )


def encode_mask(mask: Image.Image) -> str:
    """A painted mask as text for `Region.mask`.

    White means inside; where any of the picture is transparent, what is opaque does, whatever its
    colour.

    Raises:
        PlanError: a side is over 2,048 pixels, or there are none.
    """
    if not 0 < min(mask.size) <= max(mask.size) <= MAX_MASK_SIDE:
        raise PlanError(f"mask of {mask.size}: needs 1 to {MAX_MASK_SIDE} pixels a side; scale it")
    buffer = io.BytesIO()
    _inside(mask).save(buffer, "PNG", optimize=True)
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def decode_mask(text: str) -> Image.Image:
    """The greyscale picture in `Region.mask`; its size is judged before it is decoded.

    Raises:
        PlanError: the text is no base64 of a PNG, or the picture is too large.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise PlanError("mask: expected base64 of a greyscale PNG") from error
    return decoded(
        data,
        lambda reason: PlanError(f"mask: expected base64 of a greyscale PNG, but {reason}"),
        most_pixels=MAX_MASK_SIDE**2,
        most_side=MAX_MASK_SIDE,
        formats=("PNG",),
        finish=_grey,
    )


def _grey(image: Image.Image) -> Image.Image:
    return image.convert("L")


def _inside(mask: Image.Image) -> Image.Image:
    """Greyscale, white inside."""
    if mask.has_transparency_data:
        opacity = mask.convert("RGBA").getchannel("A")
        if opacity.histogram()[255] < opacity.width * opacity.height:
            return opacity
    return mask.convert("L")


def _count(regions: Any) -> int:
    """How many regions there are in what may become regions, children included."""
    waiting, count = [regions], 0
    while waiting:
        listed = waiting.pop()
        if isinstance(listed, list | tuple):
            count += len(listed)
            waiting += [
                one.get("children") if isinstance(one, dict) else getattr(one, "children", None)
                for one in listed
            ]
    return count


def _walk(regions: Sequence[Region], depth: int = 1) -> Iterator[Region]:
    if regions and depth > MAX_DEPTH:
        raise ValueError(f"regions are nested deeper than {MAX_DEPTH} levels: flatten some")
    for region in sorted(regions, key=lambda region: region.z):
        yield region
        yield from _walk(region.children, depth + 1)


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
