"""Classifier-free guidance that ends before the last step: the unguided half is computed no more.

As diffusers' guide to dynamic guidance does it: the step callback sets the scale to one and hands
back the guided halves of what the loop holds twice. (diffusers' own cut-offs keep one row, which
is wrong for several pictures.)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch

from rpg.diffusion.backbones import FAMILIES, family
from rpg.diffusion.patches import replaced
from rpg.settings import guided_steps

__all__ = ["GuidanceInterval", "unreachable"]

_EMBEDS = "prepare_ip_adapter_image_embeds"
_UNREACHABLE = "guidance_end does not work with {}: it is drawn with guidance to the end"


def unreachable(pipe: Any) -> str | None:
    """Why guidance cannot end early in this pipeline; None where it can.

    It can in the loops of `backbones.FAMILIES`, which are known to hold nothing twice that is out
    of reach.
    """
    known = (loop for one in FAMILIES.values() for loop in one.pipelines.values())
    if any(type(pipe).__call__ is loop.__call__ for loop in known):
        return None
    return _UNREACHABLE.format(type(pipe).__name__)


class GuidanceInterval:
    """The end of guidance in one call of a pipeline.

    Args:
        pipe: One that guidance can end early in; see `unreachable`.
        share: Of the steps that the call does, above 0, after which it ends; None or 1 never.

    Attributes:
        tensor_inputs: What the step callback must be given of the loop's tensors.
    """

    def __init__(self, pipe: Any, share: float | None) -> None:
        self._share = 1.0 if share is None else share
        self._images: list[torch.Tensor] = []
        reachable = pipe._callback_tensor_inputs if self._share < 1 else ()
        self.tensor_inputs = tuple(name for name in family(pipe).doubled if name in reachable)

    @contextmanager
    def watching(self, pipe: Any) -> Iterator[None]:
        """Takes note of an IP-Adapter's embeddings, a list that no callback is given."""
        if self._share >= 1:
            yield
            return
        prepare = getattr(pipe, _EMBEDS)

        def prepared(*args: Any, **words: Any) -> Any:
            self._images = prepare(*args, **words)
            return self._images

        try:
            with replaced(pipe, _EMBEDS, prepared):
                yield
        finally:
            self._images = []

    def after(self, pipe: Any, done: int, values: Mapping[str, Any]) -> dict[str, Any]:
        """What the callback hands back after so many steps: guided halves, once guidance ends.

        Args:
            pipe: In the midst of its loop.
            done: Steps done, from 1; of a scheduler with several evaluations a step, evaluations.
            values: The loop's tensors by name, `latents` among them.
        """
        if not self._ends(pipe, done):
            return dict(values)
        pipe._guidance_scale = 1.0
        rows = len(values["latents"])
        self._images[:] = [_guided(one, rows) for one in self._images]
        halves = {name: _guided(values[name], rows) for name in self.tensor_inputs}
        return {**values, **halves}

    def _ends(self, pipe: Any, done: int) -> bool:
        if self._share >= 1:
            return False
        steps = pipe.num_timesteps
        if not guided_steps(steps, self._share) <= done < steps:
            return False
        between = not getattr(pipe.scheduler, "state_in_first_order", True)
        return bool(pipe.do_classifier_free_guidance) and not between


def _guided(value: Any, rows: int) -> Any:
    """The second half of what has two for `rows` pictures; several ControlNets' images each."""
    if isinstance(value, list):
        return [_guided(one, rows) for one in value]
    if isinstance(value, torch.Tensor) and len(value) == 2 * rows:
        return value[rows:]
    return value
