"""The canvas of a call, and input pictures brought to it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from PIL import Image, ImageOps

from rpg._call import Inputs
from rpg.diffusion import canvas
from rpg.settings import GenerationSettings


def asked(wishes: GenerationSettings, inputs: Inputs, default: tuple[int, int]) -> tuple[int, int]:
    """Width and height in pixels: as asked for, else of the input picture, else the default."""
    first = inputs.image if inputs.image is not None else inputs.control_image
    if isinstance(first, list) and first:
        first = first[0]
    fallback = first.size if isinstance(first, Image.Image) else default
    return wishes.width or fallback[0], wishes.height or fallback[1]


def snapped(pipe: Any, size: tuple[int, int]) -> tuple[int, int]:
    """The nearest width and height that the pipeline takes."""
    return canvas.snap_size(*size, canvas.size_multiple(pipe))


def fit_images(inputs: Inputs, used: GenerationSettings) -> Inputs:
    """The inputs with every PIL picture upright and of the canvas's size; others stay."""
    size = (used.width or 0, used.height or 0)
    names = ("image", "mask_image", "control_image")
    return replace(inputs, **{name: _fitted(getattr(inputs, name), size) for name in names})


def _fitted(value: Any, size: tuple[int, int]) -> Any:
    if isinstance(value, list):
        return [_fitted(one, size) for one in value]
    if not isinstance(value, Image.Image):
        return value
    upright = ImageOps.exif_transpose(value)
    flat = upright if upright.mode in ("L", "RGB") else upright.convert("RGB")
    return flat if flat.size == size else flat.resize(size, Image.Resampling.LANCZOS)
