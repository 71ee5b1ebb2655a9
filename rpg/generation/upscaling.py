"""The high-resolution pass: a picture enlarged, then drawn over under the same regions.

As in AUTOMATIC1111's "hires. fix" and diffusers' image-to-image guides: enlarged in pixels by
Lanczos, noised by a part of the schedule, denoised at the new size. Boxes are fractions of the
canvas, so the plan is drawn as it is. What is larger than the model takes is drawn in overlapping
tiles, each an image-to-image call under the plan cut to it, and blended in pixels. All tiles start
from the same enlarged picture with their parts of one canvas's noise, as in MultiDiffusion (arXiv
2302.08113), so neighbours agree where they overlap, and their order does not matter.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from rpg.diffusion import canvas
from rpg.diffusion.backbones import sibling
from rpg.diffusion.patches import replaced
from rpg.generation import sampling
from rpg.generation.request import Inputs
from rpg.plans.geometry import FULL, Box
from rpg.plans.plan import Plan, Region, encode_mask
from rpg.plans.scene import joined
from rpg.plans.tree import carried
from rpg.plans.wording import worded
from rpg.settings import GenerationSettings

__all__ = ["TILE", "Upscaler", "cut", "of_tile", "ramps", "spans"]

TILE = 1.25  # of the model's usual side: twice that side is then two tiles, not three
_OVERLAP = 0.125  # of a tile's side, at least
_KEPT = ("cross_attention_kwargs", "eta", "ip_adapter_image", "ip_adapter_image_embeds")

Span = tuple[int, int]


@dataclass(frozen=True)
class Upscaler:
    """The pass over the pictures of one call.

    Attributes:
        pipe: The image-to-image pipeline.
        used: Complete settings of the call; width and height are those before the pass.
        extra: What of the call's words goes to the pipeline here too.
        empty: What is told of canvas that is left over; see `rpg.diffusion.regional`.
        size: Width and height of the enlarged picture in pixels.
        columns: Left and right edges of tiles in pixels, from left to right.
        rows: Top and bottom edges likewise.
    """

    pipe: Any
    used: GenerationSettings
    extra: dict[str, Any]
    empty: str
    size: tuple[int, int]
    columns: tuple[Span, ...]
    rows: tuple[Span, ...]

    @classmethod
    def of(cls, pipe: Any, used: GenerationSettings, inputs: Inputs, empty: str) -> Upscaler:
        """What a call's complete settings ask for.

        Raises:
            ModelError: The family has no image-to-image pipeline.
        """
        assert used.size is not None  # complete
        multiple = canvas.size_multiple(pipe)
        size = canvas.snap_size(*used.size, multiple)
        columns, rows = (spans(side, used.upscale_tile or side, multiple) for side in size)
        extra = {name: inputs.extra[name] for name in _KEPT if name in inputs.extra}
        return cls(sibling(pipe, "img2img"), used, extra, empty, size, columns, rows)

    @property
    def tiles(self) -> int:
        """How many there are of a picture."""
        return len(self.columns) * len(self.rows)

    def steps(self, scheduler: Any) -> int:
        """Calls of the model for a picture.

        Args:
            scheduler: With the timesteps of all steps of the call, whatever its strength.
        """
        steps = self.used.num_inference_steps or 0
        skipped = steps - int(steps * self.used.upscale_strength)
        return self.tiles * int(len(scheduler.timesteps) - skipped * scheduler.order)

    def drawn(
        self, image: Image.Image, plan: Plan, seed: int, seen: Callable[[int, int], None]
    ) -> Image.Image:
        """The picture at its new size.

        Args:
            image: As it was drawn.
            plan: What it shows, with its base ratios.
            seed: Of the canvas's noise.
            seen: Called after each step with its number from 1 and how many there are.

        Raises:
            GenerationError: The latents are not numbers, or memory ran out.
        """
        large = image.convert("RGB").resize(self.size, Image.Resampling.LANCZOS)
        whole: NDArray[np.float32] = np.zeros((*self.size[::-1], 3), np.float32)
        across, down = ramps(self.columns, self.size[0]), ramps(self.rows, self.size[1])
        places = [(x, y) for y in range(len(self.rows)) for x in range(len(self.columns))]
        for number, (x, y) in enumerate(places):
            (left, right), (top, bottom) = self.columns[x], self.rows[y]

            def step(i: int, n: int, *_: Any, before: int = number) -> None:
                seen(before * n + i, len(places) * n)

            tile = self._tile(large, plan, (left, top, right, bottom), seed, step)
            weight = np.outer(down[y][top:bottom], across[x][left:right])[..., None]
            whole[top:bottom, left:right] += np.asarray(tile.convert("RGB")) * weight
        return Image.fromarray(whole.round().clip(0, 255).astype(np.uint8))

    def _tile(
        self,
        large: Image.Image,
        plan: Plan,
        place: tuple[int, int, int, int],
        seed: int,
        seen: sampling.StepSeen,
    ) -> Image.Image:
        """One tile of the enlarged picture, drawn over."""
        left, top, right, bottom = place
        (wide, high), sides = self.size, (right - left, bottom - top)
        box = Box(left / wide, top / high, right / wide, bottom / high)
        own = of_tile(self.used, self.size, sides)
        acting = partial(_cutting, seed=seed, size=self.size, corner=(left, top))
        noise = replace(sampling.seeded([seed]), acting=acting)
        inputs = Inputs(image=large.crop(place), extra=self.extra)
        shown = [cut(plan, box, self.empty)]
        images = sampling.render(self.pipe, shown, own, noise, inputs, seen, empty=self.empty)
        tile: Image.Image = images[0]
        return tile


def of_tile(
    used: GenerationSettings, size: tuple[int, int], sides: tuple[int, int]
) -> GenerationSettings:
    """The settings of a tile's call.

    Args:
        used: Of the whole call.
        size: Width and height of the enlarged picture in pixels.
        sides: Of the tile.
    """
    feather = (used.feather or 0.0) * min(size) / min(sides)  # as wide in pixels
    own = {
        "width": sides[0],
        "height": sides[1],
        "strength": used.upscale_strength,
        "feather": min(feather, 0.5),
        "num_images_per_prompt": 1,
    }
    return used.model_copy(update=own)


def spans(length: int, most: int, multiple: int) -> tuple[Span, ...]:
    """Equal overlapping parts of a side, as few as can be.

    Args:
        length: Of the side in pixels, a multiple of `multiple`.
        most: Pixels of a part, at most; but two multiples in any case.
        multiple: What all edges are a multiple of.

    Returns:
        Start and end of each; each overlaps the next by an eighth of `most`, less one multiple for
        rounding, but by one at least.
    """
    most = max(most // multiple, 2) * multiple
    if length <= most:
        return ((0, length),)
    overlap = max(round(most * _OVERLAP / multiple), 1) * multiple
    count = math.ceil((length - overlap) / (most - overlap))
    side = math.ceil((length + (count - 1) * overlap) / count / multiple) * multiple
    room = (length - side) // multiple
    starts = (round(room * i / (count - 1)) * multiple for i in range(count))
    return tuple((start, start + side) for start in starts)


def ramps(parts: Sequence[Span], length: int) -> NDArray[np.float32]:
    """The share of each part in each pixel of a side, (parts, length), summing to one.

    It rises over the overlap with the part before and falls over that with the next, smoothly.
    """
    pixels = np.arange(length) + 0.5
    shares = np.zeros((len(parts), length))
    for index, (start, end) in enumerate(parts):
        share = ((pixels > start) & (pixels < end)).astype(float)
        if index:
            share *= _rising((pixels - start) / (parts[index - 1][1] - start))
        if index + 1 < len(parts):
            share *= _rising((end - pixels) / (end - parts[index + 1][0]))
        shares[index] = share
    return np.asarray(shares / shares.sum(axis=0), np.float32)


def _rising(way: NDArray[np.float64]) -> NDArray[np.float64]:
    """From 0 to 1 with level ends; together with its mirror image it is 1."""
    held = way.clip(0, 1)
    found: NDArray[np.float64] = held * held * (3 - 2 * held)
    return found


def cut(plan: Plan, tile: Box, empty: str = "") -> Plan:
    """The plan of a tile: what lies in it of each region, as fractions of the tile.

    Its base prompt names no thing that is elsewhere, which the model would draw once more: it is
    that of the regions in it, or without regions what leftover canvas is told (see
    `rpg.plans.wording`).

    Args:
        plan: Of the whole canvas.
        tile: Fractions of it.
        empty: As in `worded`.
    """
    if tile == FULL:
        return plan
    regions, layers = tuple(_parts(plan, tile)), plan.layers()
    base = plan.base_prompt
    if not regions:
        base = worded(plan, empty=empty).leftover or base
    elif len(regions) < len(layers):
        base = joined("", *(region.prompt for region in regions))
    return plan.model_copy(update={"regions": regions, "base_prompt": base})


def _parts(plan: Plan, tile: Box) -> Iterator[Region]:
    """Layers in painting order, without parents: each is painted by its own box and mask alone."""
    for order, layer in enumerate(plan.layers()):
        common = layer.box.intersection(tile)
        if common is None:
            continue
        update: dict[str, Any] = {"box": carried(common, tile, FULL), "z": order, "children": ()}
        if (mask := layer.mask_image()) is not None:
            update["mask"] = encode_mask(_masked(mask, tile))
        yield layer.model_copy(update=update)


def _masked(mask: Image.Image, tile: Box) -> Image.Image:
    """The tile's part of a painted mask, at the mask's own resolution."""
    wide, high = mask.size
    size = max(round(tile.width * wide), 1), max(round(tile.height * high), 1)
    edges = (tile.x0 * wide, tile.y0 * high, tile.x1 * wide, tile.y1 * high)
    return mask.resize(size, Image.Resampling.BILINEAR, box=edges)


@contextmanager
def _cutting(
    pipe: Any, seed: int, size: tuple[int, int], corner: tuple[int, int]
) -> Iterator[None]:
    """The noise of an image-to-image loop, cut from that of the whole canvas.

    It is what the loop would draw for the canvas itself: the second draw of the seed's generator,
    after the autoencoder's.
    """
    cell = int(pipe.vae_scale_factor)
    left, top = (edge // cell for edge in corner)
    wide, high = (side // cell for side in size)
    add_noise = pipe.scheduler.add_noise

    def added(original: Tensor, noise: Tensor, timesteps: Any) -> Tensor:
        generator = torch.Generator("cpu").manual_seed(seed)
        shape = (1, noise.shape[1], high, wide)
        _encoder, whole = (
            torch.randn(shape, generator=generator, dtype=noise.dtype) for _ in range(2)
        )
        part = whole[..., top : top + noise.shape[2], left : left + noise.shape[3]].to(noise)
        noised: Tensor = add_noise(original, part.expand_as(noise), timesteps)
        return noised

    with replaced(pipe.scheduler, "add_noise", added):
        yield
