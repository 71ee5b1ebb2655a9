"""The high-resolution pass: a picture enlarged, then drawn over under the same regions.

As in AUTOMATIC1111's "hires. fix" and diffusers' image-to-image guides: enlarged in pixels by
Lanczos, noised by a part of the schedule, denoised at the new size. Boxes are fractions of the
canvas, so the plan is drawn as it is. What is larger than the model takes is drawn in overlapping
tiles (`rpg.generation.tiles`), each an image-to-image call under the plan cut to it, and blended in
pixels. All start from the same enlarged picture with their parts of one canvas's noise, so that
neighbours agree where they overlap, and their order does not matter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
from rpg.generation.tiles import Tile, cut, tiled
from rpg.plans.geometry import FULL
from rpg.plans.plan import Plan
from rpg.settings import GenerationSettings

__all__ = ["KEPT", "TILE", "Upscaler", "of_tile"]

TILE = 2.0  # of the model's usual side: what is there already holds the picture together so far
KEPT = ("cross_attention_kwargs", "eta", "ip_adapter_image", "ip_adapter_image_embeds")


@dataclass(frozen=True)
class Upscaler:
    """The pass over the pictures of one call.

    Attributes:
        pipe: The image-to-image pipeline.
        used: Complete settings of the call; width and height are those before the pass.
        extra: What of the call's words goes to the pipeline here too.
        empty: What is told of canvas that is left over; see `rpg.diffusion.regional`.
        size: Width and height of the enlarged picture in pixels.
        regions: What single regions are given, by their ids.
    """

    pipe: Any
    used: GenerationSettings
    extra: dict[str, Any]
    empty: str
    size: tuple[int, int]
    regions: Inputs = Inputs()

    @classmethod
    def of(cls, pipe: Any, used: GenerationSettings, inputs: Inputs, empty: str) -> Upscaler:
        """What a call's complete settings ask for.

        Raises:
            ModelError: The family has no image-to-image pipeline.
        """
        assert used.size is not None  # complete
        size = canvas.snap_size(*used.size, canvas.size_multiple(pipe))
        extra = {name: inputs.extra[name] for name in KEPT if name in inputs.extra}
        return cls(sibling(pipe, "img2img"), used, extra, empty, size, inputs.regions_alone)

    def tiles(self, plan: Plan) -> list[Tile]:
        """Those of a picture of the plan."""
        most = self.used.upscale_tile or max(self.size)
        return tiled(plan, self.size, most, canvas.size_multiple(self.pipe))

    def in_pieces(self, plan: Plan) -> list[str]:
        """Ids of regions that no tile holds, but for those of the whole canvas."""
        tiles, found = self.tiles(plan), []
        for region in plan.layers():
            left, top, right, bottom = region.box.to_pixels(*self.size)
            whole = any(tile.holds((left, right), (top, bottom)) for tile in tiles)
            if not whole and region.box != FULL:
                found.append(region.id)
        return found

    def steps(self, scheduler: Any) -> int:
        """Calls of the model for a tile.

        Args:
            scheduler: With the timesteps of all steps of the call, whatever its strength.
        """
        steps = self.used.num_inference_steps or 0
        skipped = steps - int(steps * self.used.upscale_strength)
        return int(len(scheduler.timesteps) - skipped * scheduler.order)

    def drawn(
        self, image: Image.Image, plan: Plan, seed: int, seen: Callable[[int, int], None]
    ) -> Image.Image:
        """The picture at its new size.

        Args:
            image: As it was drawn.
            plan: What it shows, with its base ratios.
            seed: Of the canvas's noise.
            seen: Called after each step with its number in the tile, from 1, and how many a tile
                has.

        Raises:
            GenerationError: The latents are not numbers, or memory ran out.
        """
        large = image.convert("RGB").resize(self.size, Image.Resampling.LANCZOS)
        whole: NDArray[np.float32] = np.zeros((*self.size[::-1], 3), np.float32)
        for tile in self.tiles(plan):
            drawn = np.asarray(self._tile(large, plan, tile, seed, seen).convert("RGB"))
            whole[slice(*tile.rows), slice(*tile.columns)] += drawn * tile.share[..., None]
        return Image.fromarray(whole.round().clip(0, 255).astype(np.uint8))

    def _tile(
        self,
        large: Image.Image,
        plan: Plan,
        tile: Tile,
        seed: int,
        seen: Callable[[int, int], None],
    ) -> Image.Image:
        """One tile of the enlarged picture, drawn over."""
        (left, right), (top, bottom) = tile.columns, tile.rows
        own = of_tile(self.used, self.size, (right - left, bottom - top))
        acting = partial(_cutting, seed=seed, size=self.size, corner=(left, top))
        noise = replace(sampling.seeded([seed]), acting=acting)
        shown = [cut(plan, tile.box(self.size), self.empty)]
        inputs = replace(
            self.regions.within(shown[0]),
            image=large.crop((left, top, right, bottom)),
            extra=self.extra,
        )

        def step(i: int, n: int, *_: Any) -> None:
            seen(i, n)

        images = sampling.render(self.pipe, shown, own, noise, inputs, step, empty=self.empty)
        drawn: Image.Image = images[0]
        return drawn


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
