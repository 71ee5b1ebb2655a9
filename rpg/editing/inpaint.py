"""Redrawing a part of a picture and leaving every other byte as it was.

Sampling is diffusers' inpainting under `regional`; what stands here is what happens before and
after it: the canvas padded to the model's grid, soft masks brought to the latents, the ground that
shows where nothing is, and the untouched pixels put back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps

from rpg.diffusion.backbones import family
from rpg.diffusion.masks import region_weights
from rpg.editing.mask_view import MaskShape, softened
from rpg.editing.segmentation import Pixels
from rpg.plans.geometry import Box
from rpg.plans.plan import Plan, Region

__all__ = [
    "GROUND_STRENGTH",
    "Frame",
    "SoftMask",
    "bare",
    "eased",
    "flattened",
    "freed",
    "grown_over",
    "keeps_surroundings",
    "with_ground",
]

GROUND_STRENGTH = 0.6


@dataclass(frozen=True)
class Frame:
    """A picture, and where in it is drawn anew.

    Attributes:
        image: In RGB, upright.
        mask: Greyscale, of the picture's size; black stays.
    """

    image: Image.Image
    mask: Image.Image

    @classmethod
    def of(cls, image: Image.Image, mask: Image.Image) -> Frame:
        """A picture and a mask of whatever kind and size."""
        flat = flattened(image)
        grey = ImageOps.exif_transpose(mask).convert("L")
        if grey.size != flat.size:
            grey = grey.resize(flat.size, Image.Resampling.BOX)
        return cls(flat, grey)

    def padded(self, size: tuple[int, int], cell: int) -> Frame:
        """On a canvas that is no smaller, the edge repeated; a mask of whole latent cells.

        Args:
            size: Width and height in pixels, multiples of `cell`.
            cell: Pixels of a latent cell. Each takes its lightest pixel, so that small masks stay.
        """
        more = (0, size[1] - self.image.height), (0, size[0] - self.image.width)
        image = np.pad(np.asarray(self.image), (*more, (0, 0)), "edge")
        mask = np.pad(np.asarray(self.mask), more, "edge")
        cells = mask.reshape(size[1] // cell, cell, size[0] // cell, cell).max(axis=(1, 3))
        grid = np.repeat(np.repeat(cells, cell, axis=0), cell, axis=1)
        return Frame(Image.fromarray(image), Image.fromarray(grid))

    def put_back(self, drawn: Image.Image) -> Image.Image:
        """What was drawn, on the padded canvas, with all that the mask leaves as it was.

        Grey is a matter of steps, and drawn already: only along the mask's edge do pictures blend.
        """
        new = np.asarray(drawn.convert("RGB").crop((0, 0, *self.image.size)), np.uint16)
        old = np.asarray(self.image, np.uint16)
        grey = np.asarray(self.mask)
        edge = softened(grey > 0, round(MaskShape().feather * min(self.image.size)))
        alpha = np.maximum(grey, np.asarray(edge)).astype(np.uint16)[..., None]
        mixed: NDArray[Any] = (new * alpha + old * (255 - alpha) + 127) // 255
        return Image.fromarray(mixed.astype(np.uint8))


def flattened(image: Image.Image) -> Image.Image:
    """A picture upright and in RGB, on white where it is transparent."""
    upright = ImageOps.exif_transpose(image)
    if upright.has_transparency_data:
        clear = upright.convert("RGBA")
        flat = Image.new("RGB", clear.size, "white")
        flat.paste(clear, mask=clear.getchannel("A"))
        return flat
    if upright.mode.startswith("I;16") or upright.mode in ("I", "F"):
        wide = np.asarray(upright, np.float64)
        top = 255.0 if wide.max(initial=0) <= 255 else 65535.0
        upright = Image.fromarray((wide.clip(0, top) * (255 / top)).round().astype(np.uint8))
    return upright if upright.mode == "RGB" else upright.convert("RGB")


def keeps_surroundings(pipe: Any) -> bool:
    """Whether the pipeline holds what the mask leaves to the old latents in every step.

    It does with ordinary UNets; one of nine channels, made for inpainting, sees the surroundings
    as an input and draws them along.
    """
    model: Any = family(pipe).model(pipe)
    return int(model.config.in_channels) == int(pipe.vae.config.latent_channels)


def freed(plan: Plan, mask: Image.Image) -> Pixels:
    """Where the mask is white and no region of the plan is: the ground shows there."""
    return bare(plan, mask.size) & (np.asarray(mask) > 0)


def bare(plan: Plan, size: tuple[int, int]) -> Pixels:
    """Where no region of a plan is, in a picture so many pixels wide and high; nowhere without."""
    layers = plan.layers()
    if not layers:
        return np.zeros(size[::-1], bool)
    left: NDArray[Any] = region_weights(layers, size[1], size[0], 0.0)[-1].numpy()
    return np.asarray(left > 0.5)


def grown_over(image: Image.Image, place: Pixels, ground: Pixels | None = None) -> Image.Image:
    """The picture with its surroundings grown over a place (Telea, J. Graphics Tools 2004).

    Args:
        image: The picture.
        place: What is grown over.
        ground: Where nothing else stands: where there is any around the place, only it grows.
    """
    if not place.any() or place.all():
        return image
    radius = max(3.0, min(image.size) / 64)
    rows, columns = _spanned(place, 2 * round(radius)), _spanned(place.T, 2 * round(radius))
    pixels, hole = np.array(image.convert("RGB")), place[rows, columns]
    unknown = hole if ground is None else _unsure(hole, ~ground[rows, columns], round(radius))
    view = np.ascontiguousarray(pixels[rows, columns])
    filled = cv2.inpaint(view, unknown.astype(np.uint8), radius, cv2.INPAINT_TELEA)
    pixels[rows, columns] = np.where(hole[..., None], filled, view)
    return Image.fromarray(pixels)


def _unsure(hole: Pixels, taken: Pixels, margin: int) -> Pixels:
    """What must not grow into a hole: other regions, and what reaches out of them, if they can."""
    side = np.ones((2 * margin + 1, 2 * margin + 1), np.uint8)
    around = np.asarray(cv2.dilate(taken.astype(np.uint8), side), bool)
    return next((hole | away for away in (around, taken) if not (hole | away).all()), hole)


def _spanned(place: Pixels, margin: int) -> slice:
    """The rows that a place spans, with a margin."""
    rows = np.flatnonzero(place.any(axis=1))
    return slice(max(int(rows[0]) - margin, 0), int(rows[-1]) + margin + 1)


def eased(mask: Image.Image, place: Pixels, strength: float = GROUND_STRENGTH) -> Image.Image:
    """The mask, with no more than `strength`, 0 to 1, in a place: it is only to be gone over."""
    most = np.where(place, round(strength * 255), 255).astype(np.uint8)
    return Image.fromarray(np.minimum(np.asarray(mask), most))


def with_ground(plan: Plan, place: Pixels, scene: str) -> Plan:
    """The plan, with a lowest region that shows the scene in a place that no region covers.

    Without it the base prompt would be drawn there, which names every thing of the picture.

    Args:
        plan: What is drawn.
        place: Where.
        scene: What the picture shows apart from its things; empty leaves the plan as it is.
    """
    if not scene or not place.any():
        return plan
    height, width = place.shape
    rows, columns = np.flatnonzero(place.any(axis=1)), np.flatnonzero(place.any(axis=0))
    box = Box(
        float(columns[0] / width),
        float(rows[0] / height),
        float((columns[-1] + 1) / width),
        float((rows[-1] + 1) / height),
    )
    lowest = min(region.z for region in plan.regions)
    ground = Region(id=_free_id(plan), prompt=scene, box=box, base_ratio=0.0, z=lowest)
    return Plan(**{**dict(plan), "regions": (ground, *plan.regions)})


def _free_id(plan: Plan) -> str:
    taken = {region.id for region in plan.layers()}
    return next(name for i in range(len(taken) + 1) if (name := f"ground-{i}") not in taken)


class SoftMask:
    """A mask of greys over the steps of a call: a cell of grey m is drawn in the last m of them.

    Before that it is held to the old picture, noised; so grey is a strength of its own for every
    cell (differential diffusion, arXiv 2306.00950), and edges grow into what is around them.

    Args:
        mask: Greyscale, of whole latent cells.
        cell: Pixels of a cell.
    """

    def __init__(self, mask: Image.Image, cell: int) -> None:
        size = (mask.width // cell, mask.height // cell)
        grey = mask.convert("L").resize(size, Image.Resampling.NEAREST)
        self._shares = torch.from_numpy(np.asarray(grey, np.float32) / 255)

    def at_first(self) -> Image.Image:
        """The mask, black and white, of the first step, at one pixel a cell."""
        return Image.fromarray((self._shares.numpy() >= 1.0).astype(np.uint8) * 255)

    def at(self, step: int, steps: int, like: torch.Tensor) -> torch.Tensor:
        """The mask after a step.

        Args:
            step: From 0.
            steps: How many there are.
            like: The mask in use, (B, 1, h, w).
        """
        open_ = self._shares * steps >= steps - step - 1e-3  # the last step opens all that is grey
        if step == steps - 1:
            open_ = self._shares > 0
        return open_.to(like).expand_as(like).clone()
