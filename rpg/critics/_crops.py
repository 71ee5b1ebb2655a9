"""What a vision model is shown of a picture: all of it, and a sheet of close-ups."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

from rpg.critique import Check
from rpg.plans.geometry import Box
from rpg.plans.plan import Plan

_LARGE = 0.5  # of the canvas: a region this large is seen well enough in the whole picture
_LEAST_SIDE = 448  # pixels: what vision models see well; smaller pictures are enlarged
_TILE = 384  # pixels of a close-up on the sheet
_LABEL = 28  # pixels above it, for its number


@dataclass(frozen=True, slots=True)
class CloseUps:
    """Parts of a picture on one numbered sheet, with the checks that each shows best.

    Attributes:
        boxes: Of the parts, in their numbers' order, from 1.
        checks: What is asked about each.
    """

    boxes: tuple[Box, ...]
    checks: tuple[tuple[Check, ...], ...]

    @property
    def all_checks(self) -> tuple[Check, ...]:
        """Those of all parts, in order."""
        return tuple(check for part in self.checks for check in part)

    def place_of(self, check: Check) -> Box:
        """The part that a check is asked about."""
        return next(box for box, part in zip(self.boxes, self.checks, strict=True) if check in part)

    def sheet(self, image: Image.Image) -> Image.Image:
        """The parts side by side, each with its number above it, RGB."""
        columns = math.ceil(math.sqrt(len(self.boxes)))
        rows = math.ceil(len(self.boxes) / columns)
        sheet = Image.new("RGB", (columns * _TILE, rows * (_TILE + _LABEL)), "white")
        draw = ImageDraw.Draw(sheet)
        for at, box in enumerate(self.boxes):
            left, top = at % columns * _TILE, at // columns * (_TILE + _LABEL)
            draw.text((left + 8, top + 2), str(at + 1), "black", ImageFont.load_default(_LABEL - 8))
            part = image.convert("RGB").crop(box.to_pixels(*image.size))
            sheet.paste(_sized(part, _TILE), (left, top + _LABEL))
        return sheet


def whole(image: Image.Image) -> Image.Image:
    """The picture, large enough to be seen well."""
    shown = image.convert("RGB")
    return _sized(shown, _LEAST_SIDE) if max(shown.size) < _LEAST_SIDE else shown


def _sized(image: Image.Image, side: int) -> Image.Image:
    """Scaled so that the longer side is so long."""
    scale = side / max(image.size)
    size = (max(round(image.width * scale), 1), max(round(image.height * scale), 1))
    return image.resize(size, Image.Resampling.LANCZOS)


def close_ups(plan: Plan, checks: Sequence[Check], most: int) -> CloseUps:
    """The `most` smallest regions with what is asked of how they look.

    What is there, numbers, relations and the scene are asked of the whole picture: a close-up hides
    what stands around.
    """
    boxes = {region.id: region.box for region in plan.layers()}
    close: dict[str, list[Check]] = {}
    for check in checks:
        name = check.regions[0] if len(check.regions) == 1 else ""
        if check.kind == "attribute" and name in boxes and boxes[name].area <= _LARGE:
            close.setdefault(name, []).append(check)
    chosen = sorted(close, key=lambda name: boxes[name].area)[: max(most, 0)]
    names = [name for name in close if name in chosen]
    return CloseUps(
        tuple(boxes[name] for name in names), tuple(tuple(close[name]) for name in names)
    )
