"""What suits a model where the user says nothing, as data: by family, or by the model itself.

A model with values of its own has a file `rpg.json` beside `model_index.json`, every key optional::

    {"name": "toybox", "width": 64, "height": 64, "num_inference_steps": 20, "guidance_scale": 5.0,
     "guidance_end": 0.5, "composer": "latent+attention", "base_ratio": 0.2, "share": 0.4,
     "display_scale": 8, "region_side": 32, "fast": {"scheduler": "dpm++2m-karras", "steps": 0.5}}
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from rpg.checkpoints import DISTILLATIONS, Recognised
from rpg.errors import ModelError, SettingsError
from rpg.plans.geometry import Box
from rpg.plans.plan import Plan
from rpg.settings import (
    LASTING,
    Composer,
    Feather,
    GenerationSettings,
    Guidance,
    Part,
    Scheduler,
    Share,
    Side,
    Steps,
    Window,
    explain,
)

Preset = Literal["fast"]
PRESETS: tuple[Preset, ...] = get_args(Preset)
PRESET_FIELDS = ("scheduler", "num_inference_steps", "guidance_end")
FILE_NAME = "rpg.json"
MAX_GROWTH = 3
_ROUNDING = 1e-6  # a third, three times, is one
_RESCALE = 0.7  # of guidance, with zero terminal SNR: arXiv 2305.08891, section 3.4

if TYPE_CHECKING:
    _LastingSettings = BaseModel
else:  # every lasting setting, left open
    _LastingSettings = create_model(
        "_LastingSettings",
        **{name: (GenerationSettings.model_fields[name].annotation, None) for name in LASTING},
    )


class Sampling(BaseModel):
    """A way to fewer and cheaper steps, chosen by measuring on Toybox: docs/benchmarks.md.

    Attributes:
        scheduler: As in `GenerationSettings`.
        steps: Share of the steps that the model takes otherwise, above 0, at most 1.
        guidance_end: As in `GenerationSettings`; None: the model's own.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    scheduler: Scheduler = "dpm++2m-karras"
    steps: Part = 0.5
    guidance_end: Part | None = None


class ModelDefaults(_LastingSettings):
    """Values for one model or family of models: of the lasting settings, and the canvas.

    Settings that have no value here are left to the pipeline.

    Attributes:
        name: Public name, written into pictures. Empty: the model's own.
        display_scale: Times that a saved picture is enlarged for showing, 1 to 64.
        sizes: Canvases of other shapes that it draws well, width and height in pixels.
        region_side: Pixels that every region should have across and down. Where the usual canvas
            gives a region less, the canvas grows, to at most `MAX_GROWTH` times as wide and as
            high. 0: it never grows.
        empty_prompt: What is drawn where no region lies and the plan names neither setting nor
            style. Empty: the base prompt, with its things.
        base_ratio_alike: The base ratio of plans in which several regions show things of one kind.
        likes: Whether it was taught with sentences or with lists of tags.
        fast: What the preset of that name says.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(max_length=200)] = ""
    width: Side = 1024
    height: Side = 1024
    num_inference_steps: Steps = 30
    guidance_scale: Guidance = 5.0
    guidance_end: Part | None = None
    composer: Composer = "attention"
    base_ratio: Share = 0.3
    base_ratio_alike: Share = 0.45
    share: Share = 0.1
    window: Window = 768
    feather: Feather = 0.02
    scheduler: Scheduler | None = None
    display_scale: Annotated[int, Field(ge=1, le=64)] = 1
    sizes: tuple[tuple[Side, Side], ...] = ()
    region_side: Annotated[int, Field(ge=0, le=1024)] = 0
    empty_prompt: Annotated[str, Field(max_length=200)] = ""
    likes: Literal["sentences", "tags"] = "sentences"
    fast: Sampling = Sampling()

    def canvas(self, boxes: Iterable[Box], aspect: float | None = None) -> tuple[int, int]:
        """Width and height in pixels.

        Args:
            boxes: Of the regions.
            aspect: Width over height that is wanted; the nearest of `sizes` is taken.
        """
        boxes = tuple(boxes)
        width, height = self._shaped(aspect) if aspect else (self.width, self.height)
        return (
            self._side(width, [box.width for box in boxes]),
            self._side(height, [box.height for box in boxes]),
        )

    def _shaped(self, aspect: float) -> tuple[int, int]:
        known = ((self.width, self.height), *self.sizes)
        return min(known, key=lambda size: abs(math.log(size[0] / size[1] / aspect)))

    def _side(self, usual: int, shares: Sequence[float]) -> int:
        """A side long enough for the smallest share of it, in whole multiples of `region_side`."""
        if not shares:
            return usual
        wanted = self.region_side * math.ceil(1 / min(shares) - _ROUNDING)
        return min(max(usual, wanted), MAX_GROWTH * usual)

    def words(self) -> dict[str, object]:
        """The values that fill `GenerationSettings`, without the canvas."""
        elsewhere = {
            *("name", "width", "height", "sizes", "display_scale", "region_side", "empty_prompt"),
            *("likes", "base_ratio_alike"),
            *PRESETS,
        }
        return self.model_dump(exclude=elsewhere, exclude_none=True)

    def canvas_of(self, plan: Plan) -> tuple[int, int]:
        """Width and height in pixels, for a plan by itself."""
        return self.canvas((region.box for region in plan.layers()), plan.aspect)

    def ratio_for(self, plan: Plan) -> float:
        """The base ratio of a plan that says none, 0 to 1."""
        return self.base_ratio_alike if plan.shows_alike else self.base_ratio

    def preset(self, name: str) -> dict[str, object]:
        """What a preset puts between a call's own words and the model's `words`.

        Raises:
            SettingsError: There is none of that name.
        """
        if name not in PRESETS:
            raise SettingsError(f"preset {name!r:.40}: one of {', '.join(PRESETS)}")
        chosen: Sampling = getattr(self, name)
        steps = max(1, round(chosen.steps * self.num_inference_steps))
        values = (chosen.scheduler, steps, chosen.guidance_end or self.guidance_end)
        return dict(zip(PRESET_FIELDS, values, strict=True))

    def preset_of(self, settings: GenerationSettings) -> str:
        """The preset that says what complete settings say; empty if there is none."""
        never = {"guidance_end": self.guidance_end or 1.0}
        used = settings.filled(never)
        said = {name: GenerationSettings(**self.preset(name)).filled(never) for name in PRESETS}
        return next((name for name in PRESETS if _alike(used, said[name])), "")

    def own(self, family: str) -> dict[str, object]:
        """What a model's `rpg.json` has to say, for `of_model` to give these values again."""
        usual = _usual(self.name, family).model_dump()
        return {name: value for name, value in self.model_dump().items() if value != usual[name]}


def _both(*sizes: tuple[int, int]) -> tuple[tuple[int, int], ...]:
    """Sizes, wide and upright."""
    return tuple(one for wide, high in sizes for one in ((wide, high), (high, wide)))


FAMILIES: Mapping[str, ModelDefaults] = {
    # The sizes of SDXL's training (arXiv 2307.01952, appendix I) that people use.
    "sdxl": ModelDefaults(sizes=_both((1152, 896), (1216, 832), (1344, 768), (1536, 640))),
    "sd15": ModelDefaults(
        width=512,
        height=512,
        guidance_scale=7.5,
        window=512,
        sizes=_both((640, 512), (768, 512)),
    ),
}
# Of models by name, chosen by measuring; here and not in the model's folder, whose digest stands
# for its weights wherever figures are kept.
_KNOWN: Mapping[str, Mapping[str, Any]] = {
    "toybox": {
        "fast": Sampling(scheduler="euler-a", steps=0.6),
        "sizes": _both((256, 192), (256, 128)),
        "empty_prompt": "on a plain background",
        # It was taught on canvases of many sizes, so that a region's box alone suits it best.
        "window": 0,
        "feather": 0.0,
        "share": 0.4,
        "base_ratio_alike": 0.0,
    }
}


def _alike(one: GenerationSettings, other: GenerationSettings) -> bool:
    return all(getattr(one, name) == getattr(other, name) for name in PRESET_FIELDS)


def of_model(folder: Path | None, family: str, known: Recognised | None = None) -> ModelDefaults:
    """The defaults in the model's folder, else those of what it is, else those of its family.

    Args:
        folder: The model's; None for what is in no folder.
        family: Key of its family.
        known: What it was recognised as; None where nobody has looked.

    Raises:
        ModelError: The folder's `rpg.json` cannot be read; says why.
    """
    file = folder / FILE_NAME if folder else None
    if file is None or not file.is_file():
        return _usual("", family, known)
    try:
        given = ModelDefaults.model_validate_json(file.read_bytes())
    except ValidationError as error:
        raise ModelError(f"{file} is not valid: {explain(error)}") from None
    said = {name: getattr(given, name) for name in given.model_fields_set}
    return _usual(given.name, family, known).model_copy(update=said)


def _usual(name: str, family: str, known: Recognised | None = None) -> ModelDefaults:
    """What a model of that name and family does where its own file says nothing."""
    usual = FAMILIES.get(family, FAMILIES["sdxl"])
    recognised = {} if known is None else _recognised(known)
    return usual.model_copy(update={**recognised, **_KNOWN.get(name, {})})


def _recognised(known: Recognised) -> dict[str, Any]:
    """What differs from the family's values in a model that was recognised."""
    values: dict[str, Any] = {}
    if known.likes != "sentences":
        values["likes"] = known.likes
    if known.side:
        values |= {"width": known.side, "height": known.side, "window": known.side, "sizes": ()}
    if known.zero_terminal_snr:
        values |= {"guidance_rescale": _RESCALE, "fast": Sampling(scheduler="euler")}
    if known.distillation:
        row = DISTILLATIONS[known.distillation]
        values |= {"num_inference_steps": known.steps, "guidance_scale": row.guidance_scale}
        values |= {"fast": Sampling(scheduler=row.scheduler, steps=1.0)}
        if not known.own_scheduler:
            values["scheduler"] = row.scheduler
    return values
