"""Canvas sizes that a pipeline takes, and pictures brought to a size."""

from __future__ import annotations

import math
from typing import Any

from PIL import Image, ImageOps

from rpg.errors import SettingsError

_PIPELINE_MULTIPLE = 8  # what diffusers' own input check asks of every Stable Diffusion
LARGEST_SIDE = 8192


def size_multiple(pipe: Any) -> int:
    """Pixels that both sides must be a multiple of for `pipe`."""
    return math.lcm(_PIPELINE_MULTIPLE, int(pipe.vae_scale_factor))


def cells_of(pixels: int, pipe: Any) -> int:
    """Latent cells that hold so many pixels in a row."""
    return -(-pixels // int(pipe.vae_scale_factor))


def snap_size(width: int, height: int, multiple: int) -> tuple[int, int]:
    """The nearest size in pixels whose sides are multiples of `multiple`, at least one of them.

    Raises:
        SettingsError: a side is below 1 or above 8192.
    """
    if not (1 <= width <= LARGEST_SIDE and 1 <= height <= LARGEST_SIDE):
        raise SettingsError(
            f"size {width}x{height}: sides must be from {multiple} to {LARGEST_SIDE} pixels"
        )
    return _nearest(width, multiple), _nearest(height, multiple)


def _nearest(side: int, multiple: int) -> int:
    return max(multiple, (side + multiple // 2) // multiple * multiple)


def covering_size(size: tuple[int, int], multiple: int) -> tuple[int, int]:
    """The smallest size in pixels that holds a picture and whose sides are multiples."""
    width, height = (math.ceil(side / multiple) * multiple for side in size)
    return width, height


def fitted(value: Any, size: tuple[int, int]) -> Any:
    """A PIL picture, or each of a list, upright and of that size in pixels; others as they are."""
    if isinstance(value, list):
        return [fitted(one, size) for one in value]
    if not isinstance(value, Image.Image):
        return value
    upright = ImageOps.exif_transpose(value)
    flat = upright if upright.mode in ("L", "RGB") else upright.convert("RGB")
    return flat if flat.size == size else flat.resize(size, Image.Resampling.LANCZOS)
