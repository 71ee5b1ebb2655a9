"""What suits a model where the user says nothing, as data: by family, or by the model itself.

A model with values of its own has a file `rpg.json` beside `model_index.json`, every key optional::

    {"name": "toybox", "width": 64, "height": 64, "num_inference_steps": 20, "guidance_scale": 5.0,
     "composer": "latent+attention", "base_ratio": 0.2, "share": 0.4, "display_scale": 8,
     "canvas_by_regions": {"5": [96, 64], "7": [96, 96]}}

`canvas_by_regions` reads: from 5 regions on 96 x 64 pixels, from 7 on 96 x 96.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rpg.errors import ModelError
from rpg.settings import Composer, Scheduler, Share, Side, explain

FILE_NAME = "rpg.json"


class ModelDefaults(BaseModel):
    """Values for one model or family of models; fields as in `GenerationSettings`.

    Attributes:
        name: Public name, written into pictures. Empty: the model's own.
        display_scale: Times that a saved picture is enlarged for showing, 1 to 64.
        canvas_by_regions: Canvas (width, height) in pixels from so many regions on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(max_length=200)] = ""
    width: Side = 1024
    height: Side = 1024
    num_inference_steps: Annotated[int, Field(ge=1)] = 30
    guidance_scale: Annotated[float, Field(ge=0.0)] = 5.0
    composer: Composer = "latent+attention"
    base_ratio: Share = 0.2
    share: Share = 0.4
    feather: Annotated[float, Field(ge=0.0, le=0.5)] = 0.0
    scheduler: Scheduler | None = None
    display_scale: Annotated[int, Field(ge=1, le=64)] = 1
    canvas_by_regions: Mapping[int, tuple[Side, Side]] = {}

    def canvas(self, regions: int) -> tuple[int, int]:
        """Width and height in pixels for a plan of so many regions."""
        fitting = [least for least in self.canvas_by_regions if least <= regions]
        return self.canvas_by_regions[max(fitting)] if fitting else (self.width, self.height)

    def words(self) -> dict[str, object]:
        """The values that fill `GenerationSettings`, without the canvas."""
        elsewhere = {"name", "width", "height", "display_scale", "canvas_by_regions"}
        return self.model_dump(exclude=elsewhere, exclude_none=True)


FAMILIES: Mapping[str, ModelDefaults] = {
    "sdxl": ModelDefaults(),
    "sd15": ModelDefaults(width=512, height=512, guidance_scale=7.5),
}


def of_model(folder: Path | None, family: str) -> ModelDefaults:
    """The defaults in the model's folder, else those of its family.

    Raises:
        ModelError: The folder's `rpg.json` cannot be read; says why.
    """
    fallback = FAMILIES.get(family, FAMILIES["sdxl"])
    file = folder / FILE_NAME if folder else None
    if file is None or not file.is_file():
        return fallback
    try:
        given = ModelDefaults.model_validate_json(file.read_bytes())
    except ValidationError as error:
        raise ModelError(f"{file} is not valid: {explain(error)}") from None
    return fallback.model_copy(
        update={name: getattr(given, name) for name in given.model_fields_set}
    )
