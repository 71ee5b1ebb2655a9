"""Variations: the noise that a picture begins with, mixed from those of two seeds.

As AUTOMATIC1111's web UI does it (`create_random_tensors`): the seed stays, the variation seed
counts up, and the two noises are interpolated along a great circle (Shoemake, SIGGRAPH 1985). That
keeps the length that the sampler expects of noise: of two independent ones the mean is shorter by
30%.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from rpg.diffusion.patches import replaced
from rpg.generation.sampling import Noise, seeded

__all__ = ["slerp", "varied"]

_PARALLEL = 1e-4  # radians: below, great circle and straight line are the same to float32


def varied(noise: Noise, seeds: Sequence[int], share: float) -> Noise:
    """Noise that is mixed with that of variation seeds.

    Whatever the loop draws later, as ancestral schedulers do, stays the generators' own.

    Args:
        noise: Of the pictures' own generators.
        seeds: A variation seed for each picture.
        share: 0 (its own noise) to 1 (the variation seed's).
    """
    return replace(noise, acting=partial(_mixing, seeds=seeds, share=share))


def slerp(one: Tensor, other: Tensor, share: float) -> Tensor:
    """Spherical interpolation from `one` to `other`, picture by picture.

    Args:
        one: (B, ...).
        other: Likewise.
        share: 0 to 1, where the ends are met to the bit.
    """
    first, second = one.flatten(1).float(), other.flatten(1).float()
    cosine = torch.nn.functional.cosine_similarity(first, second)
    angle = torch.acos(cosine.clamp(-1, 1)).clamp(_PARALLEL, math.pi - _PARALLEL)[:, None]
    parts = torch.sin((1 - share) * angle), torch.sin(share * angle)
    weights = [part / torch.sin(angle) for part in parts]
    return (weights[0] * first + weights[1] * second).view_as(one).to(one.dtype)


@contextmanager
def _mixing(pipe: Any, seeds: Sequence[int], share: float) -> Iterator[None]:
    """The latents that a text-to-image loop begins with, mixed; they are noise alone, scaled."""
    prepare = pipe.prepare_latents
    signature = inspect.signature(prepare)

    def mixed(*args: Any, **words: Any) -> Any:
        call = signature.bind(*args, **words)
        own = prepare(*call.args, **call.kwargs)
        call.arguments["generator"] = seeded(seeds).generator
        return slerp(own, prepare(*call.args, **call.kwargs), share)

    with replaced(pipe, "prepare_latents", mixed):
        yield
