"""A look at pictures after a few steps, to go on with the most promising seed alone."""

from __future__ import annotations

from typing import Any

from PIL.Image import Image

from rpg._preview import clean_pictures
from rpg.errors import Cancelled

__all__ = ["Enough", "Glance"]


class Enough(Cancelled):  # noqa: N818 - nothing is wrong
    """The look is taken; the rest of the steps is not needed."""


class Glance:
    """A step callback that ends a call early and keeps what its pictures were heading for.

    Args:
        steps: After which step, from 2.

    Attributes:
        images: One for each seed, once `Enough` was raised.
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
            raise Enough("seen enough")
        self._before = latents
        return values
