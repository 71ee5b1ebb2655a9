"""Crops of a picture for a vision model, each with the checks it is asked about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image

from rpg.critique import Check
from rpg.plans.geometry import FULL, Box
from rpg.plans.plan import Plan

_LARGE = 0.6  # of the canvas: a region this large is seen well enough in the whole picture
_LEAST_SIDE = 448  # pixels: what vision models see well; smaller views are enlarged


@dataclass(frozen=True, slots=True)
class ReviewCrop:
    """A part of the picture and the checks that it shows best; the region's id, or "" for all."""

    region: str
    box: Box
    checks: tuple[Check, ...]

    def of(self, image: Image.Image) -> Image.Image:
        """The part, large enough to be seen well."""
        part = image.convert("RGB").crop(self.box.to_pixels(*image.size))
        scale = _LEAST_SIDE / max(part.size)
        if scale <= 1:
            return part
        size = (max(round(part.width * scale), 1), max(round(part.height * scale), 1))
        return part.resize(size, Image.Resampling.LANCZOS)


def review_crops(plan: Plan, checks: Sequence[Check], most: int) -> list[ReviewCrop]:
    """The whole picture, then the `most` smallest regions; every check once.

    What a region shows and how it looks is asked of the region alone; numbers, relations, the scene
    and what has no close-up of its own, of the whole picture.
    """
    boxes = {region.id: region.box for region in plan.layers()}
    close: dict[str, list[Check]] = {}
    for check in checks:
        if check.kind in ("presence", "attribute") and len(check.regions) == 1:
            name = check.regions[0]
            if name in boxes and boxes[name].area <= _LARGE:
                close.setdefault(name, []).append(check)
    chosen = sorted(close, key=lambda name: boxes[name].area)[: max(most, 0)]
    parts = [ReviewCrop(name, boxes[name], tuple(close[name])) for name in close if name in chosen]
    there = {check.id for part in parts for check in part.checks}
    rest = tuple(check for check in checks if check.id not in there)
    return [ReviewCrop("", FULL, rest), *parts]
