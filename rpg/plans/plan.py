"""Plans: which words go where on the canvas. Typed, validated, free of resolution and of torch."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any, Self, TypeVar

from PIL import Image
from pydantic import (
    BeforeValidator,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    field_validator,
    model_serializer,
    model_validator,
)

from rpg._json_size import MAX_VALUES, has_too_many_values
from rpg.errors import PlanError
from rpg.pictures import decoded
from rpg.plans import rpg_text
from rpg.plans.geometry import Box
from rpg.plans.model import MAX_PROMPT_CHARS, Id, Model, Words, explained
from rpg.plans.prompt_weights import clean
from rpg.plans.scene import Scene, joined

__all__ = [
    "MAX_PLAN_BYTES",
    "MAX_PROMPT_CHARS",
    "MAX_REGIONS",
    "VERSION",
    "Plan",
    "Region",
    "decode_mask",
    "encode_mask",
    "every_region",
]

VERSION = 2  # of plans as JSON: 1 had no scene; both are read
MAX_REGIONS = 64
MAX_DEPTH = 8
MAX_PLAN_BYTES = 16 * 2**20  # of a plan as JSON; masks take most of it
MAX_MASK_SIDE = 2048
MAX_MASK_CHARS = 2_000_000
_MAX_REASONING_CHARS = 200_000
_SHORT = 3  # letters of a word such as "in" and "the"

Owner = TypeVar("Owner", "Plan", Scene, "Region")
Ratio = Annotated[float, Field(strict=True, ge=0.0, le=1.0, allow_inf_nan=False)]


def _numbers(box: object) -> object:
    """A box from JSON as it is: "0" and true are no edges, though pydantic would take them."""
    if isinstance(box, dict) and any(isinstance(edge, str | bool) for edge in box.values()):
        raise ValueError("edges must be numbers")
    return box


class Region(Model):
    """A part of the canvas and its subprompt.

    Attributes:
        id: names the region; unique in its plan and stable across edits.
        shows: ids of the things of the scene that it shows.
        prompt: what is particular to it, neither setting nor style; empty only for a container of
            children.
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

    id: Id
    shows: Annotated[tuple[Id, ...], Field(max_length=64)] = ()
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
    """What is drawn where. How its words reach the model: `rpg.plans.wording`.

    Its texts, and the scene's setting and style, may hold weights: `rpg.plans.prompt_weights`.

    Attributes:
        prompt: what the user asked for.
        scene: what the picture holds, as data; empty where nobody said, as in plans of version 1,
            whose texts are drawn as they stand.
        regions: the parts of the canvas; none means the base prompt alone.
        base_prompt: the whole picture in words, drawn under the regions, and between them where
            the scene names neither setting nor style; empty takes `prompt`.
        base_ratio: weight b of the base prompt within regions, 0 to 1 (RPG, eq. 6); None leaves it
            to the composer.
        negative: what should be nowhere.
        aspect: the canvas's width over its height, where the planner chose one; None leaves it to
            the model.
        reasoning: the planner's thoughts, for people to read.
        source: who made the plan: "rules", a model's name, "user"...

    Raises:
        PlanError: a value is out of its range, an id occurs twice or names no thing, or there are
            too many regions.
    """

    prompt: Annotated[str, Field(min_length=1, max_length=MAX_PROMPT_CHARS)]
    scene: Scene = Scene()
    regions: tuple[Region, ...] = ()
    base_prompt: Words = ""
    base_ratio: Ratio | None = None
    negative: Words = ""
    aspect: Annotated[float, Field(ge=0.1, le=10.0, allow_inf_nan=False)] | None = None
    reasoning: Annotated[str, Field(max_length=_MAX_REASONING_CHARS)] = ""
    source: Annotated[str, Field(max_length=200)] = ""

    @model_serializer(mode="wrap")
    def _versioned(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {"version": VERSION, **serialize(self)}

    @model_validator(mode="before")
    @classmethod
    def _of_a_known_version(cls, data: Any) -> Any:
        if not isinstance(data, dict) or "version" not in data:
            return data
        version = data["version"]
        if type(version) is not int or not 1 <= version <= VERSION:
            raise ValueError(
                f"a plan of version {str(version)[:20]}; this program reads 1 to {VERSION}: update "
                "it, or save the plan with the program that made it in an older form"
            )
        return {name: value for name, value in data.items() if name != "version"}

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
        known = {thing.id for thing in self.scene.things}
        for region in _walk(self.regions):
            for name in region.shows:
                if name not in known:
                    raise ValueError(f"region {region.id!r} shows {name!r}, which is no thing")
        return self

    @property
    def effective_base_prompt(self) -> str:
        """The base prompt, or the user's where there is none; with setting and style."""
        text, scene = self.base_prompt or self.prompt, self.scene
        setting = "" if _names_all(text, scene.setting) else scene.setting
        return joined(text, setting, scene.style)

    @property
    def effective_negative(self) -> str:
        """What should be nowhere: the negative, and what the scene says is absent."""
        return joined(self.negative, *self.scene.absent)

    def with_words(
        self,
        *,
        prompt: str | None = None,
        base_prompt: str | None = None,
        negative: str | None = None,
    ) -> Plan:
        """The plan with what a call says in place of its own; None leaves that.

        A negative takes the place of what the scene says is absent as well.

        Raises:
            PlanError: a text is too long, or the prompt is empty.
        """
        said = {"prompt": prompt, "base_prompt": base_prompt, "negative": negative}
        update: dict[str, Any] = {name: text for name, text in said.items() if text is not None}
        if negative is not None:
            update["scene"] = self.scene.model_copy(update={"absent": ()})
        return Plan(**{**dict(self), **update}) if update else self

    def unweighted(self) -> Plan:
        """The plan as planners, critics and people read it: its texts without their weights.

        It is not for drawing: brackets that were escaped would be read as weights.
        """
        return self.with_texts(lambda owner, name: clean(getattr(owner, name)))

    def with_texts(self, change: Callable[[Plan | Scene | Region, str], str]) -> Plan:
        """The plan with other texts; the plan itself where they are the same.

        Args:
            change: given what a text is of, and the name of its field, says the text to be.
        """
        made = _with_texts(self, ("prompt", "base_prompt", "negative"), change).model_copy(
            update={
                "scene": _with_texts(self.scene, ("setting", "style"), change),
                "regions": tuple(_with_inner_texts(one, change) for one in self.regions),
            }
        )
        return self if made == self else made

    @property
    def says_base_ratio(self) -> bool:
        """Whether the plan or one of its regions has a base ratio of its own."""
        own = (region.base_ratio for region in _walk(self.regions))
        return any(ratio is not None for ratio in (self.base_ratio, *own))

    def with_base_ratio(self, ratio: float) -> Plan:
        """The plan with one base ratio everywhere, 0 to 1."""
        regions = tuple(_without_ratio(region) for region in self.regions)
        return self.model_copy(update={"base_ratio": ratio, "regions": regions})

    def with_default_ratio(self, ratio: float) -> Plan:
        """The plan with a base ratio, 0 to 1, where neither it nor its regions have one."""
        return (
            self if self.base_ratio is not None else self.model_copy(update={"base_ratio": ratio})
        )

    def layers(self) -> tuple[Region, ...]:
        """Every region with a subprompt in painting order, the lowest first.

        Siblings go by z, then by their order; children directly over their parent.
        """
        return tuple(region for region in _walk(self.regions) if region.prompt)

    def shown_by(self, thing: str) -> tuple[Region, ...]:
        """The regions that show the thing of that id, in painting order."""
        return tuple(region for region in _walk(self.regions) if thing in region.shows)

    @property
    def shows_alike(self) -> bool:
        """Whether several regions show things of one kind, such as two cats, or two people."""
        kinds = {thing.id: thing.kind for thing in self.scene.things if not thing.owner}
        found = [
            {kinds[name] for name in region.shows if name in kinds} for region in self.layers()
        ]
        return sum(map(len, found)) > len(set().union(*found))

    def to_json(self, *, indent: int | None = None) -> str:
        """The plan as JSON of version 2; what is at its default is left out."""
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
        schema = cls.model_json_schema()
        version = {"type": "integer", "minimum": 1, "maximum": VERSION, "default": 1}
        return {**schema, "properties": {"version": version, **schema["properties"]}}

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

        Setting and style stand in every subprompt; things and relations are not said.

        Raises:
            PlanError: The form has no words for something in the plan.
            LayoutError: The regions do not tile the canvas as rows of columns.
        """
        for region in self.regions:
            _check_sayable(region)
        said = ((one.id, self.scene.added_to(one.prompt), one.box) for one in self.regions)
        return rpg_text.write([rpg_text.RegionText(*one) for one in said])


def _names_all(text: str, setting: str) -> bool:
    """Whether a text has every word of a setting but the short ones, in whatever order."""
    known = set(re.findall(r"\w+", clean(text).lower()))
    words = [word for word in re.findall(r"\w+", clean(setting).lower()) if len(word) > _SHORT]
    return bool(words) and known.issuperset(words)


def _without_ratio(region: Region) -> Region:
    children = tuple(_without_ratio(child) for child in region.children)
    return region.model_copy(update={"base_ratio": None, "children": children})


def _with_texts(
    owner: Owner, names: Sequence[str], change: Callable[[Plan | Scene | Region, str], str]
) -> Owner:
    return owner.model_copy(update={name: change(owner, name) for name in names})


def _with_inner_texts(
    region: Region, change: Callable[[Plan | Scene | Region, str], str]
) -> Region:
    children = tuple(_with_inner_texts(child, change) for child in region.children)
    texts = _with_texts(region, ("prompt", "negative"), change)
    return texts.model_copy(update={"children": children})


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


def every_region(regions: Sequence[Region]) -> Iterator[Region]:
    """Regions and all that is in them, as listed; each before its children."""
    for region in regions:
        yield region
        yield from every_region(region.children)


def _walk(regions: Sequence[Region], depth: int = 1) -> Iterator[Region]:
    if regions and depth > MAX_DEPTH:
        raise ValueError(f"regions are nested deeper than {MAX_DEPTH} levels: flatten some")
    for region in sorted(regions, key=lambda region: region.z):
        yield region
        yield from _walk(region.children, depth + 1)
