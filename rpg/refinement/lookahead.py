"""Pictures judged after a few steps, so that only the most promising seed is finished."""

from __future__ import annotations

from typing import Any

from PIL.Image import Image

from rpg.errors import Cancelled
from rpg.generation.latent_preview import clean_pictures

__all__ = ["Lookahead", "LookaheadDone"]


class LookaheadDone(Cancelled):  # noqa: N818 - nothing is wrong
    """The rest of the steps is not needed."""


class Lookahead:
    """A step callback that ends a call early and keeps what its pictures were heading for.

    Args:
        steps: After which step, from 2.

    Attributes:
        images: One for each seed, once `LookaheadDone` was raised.
    """

    tensor_inputs = ["latents"]

    def __init__(self, steps: int) -> None:
        self.steps = max(steps, 2)
        self.images: list[Image] = []
        self._before: Any = None  # latents (B, C, h, w), once there are some

    def __call__(self, pipe: Any, i: int, timestep: Any, values: dict[str, Any]) -> dict[str, Any]:
        """See diffusers' `callback_on_step_end`.

        Raises:
            Enough: After the last step that is asked for, and at the latest after the call's own.
        """
        latents = values["latents"]
        if i + 1 >= min(self.steps, pipe.num_timesteps) and self._before is not None:
            self.images = clean_pictures(pipe, self._before, latents, timestep)
            raise LookaheadDone("the pictures have been looked at")
        self._before = latents
        return values
