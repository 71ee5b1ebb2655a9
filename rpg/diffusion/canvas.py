"""Canvas sizes that a pipeline takes."""

from __future__ import annotations

import math
from typing import Any

from rpg.errors import SettingsError

_PIPELINE_MULTIPLE = 8  # what diffusers' own input check asks of every Stable Diffusion
LARGEST_SIDE = 8192


def size_multiple(pipe: Any) -> int:
    """Pixels that both sides must be a multiple of for `pipe`."""
    return math.lcm(_PIPELINE_MULTIPLE, int(pipe.vae_scale_factor))


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
