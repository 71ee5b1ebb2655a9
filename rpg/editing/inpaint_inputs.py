"""What an inpainting call is sampled from, and the bytes that are put back after it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image

from rpg.diffusion import canvas
from rpg.editing import inpaint
from rpg.plans.plan import Plan
from rpg.plans.prose import scene_of

__all__ = ["InpaintInputs", "covering_canvas"]


def covering_canvas(pipe: Any, image: Any) -> tuple[int, int] | None:
    """The canvas that holds a picture without scaling it; None for what is no PIL picture."""
    if isinstance(image, list) and image:
        image = image[0]
    if not isinstance(image, Image.Image):
        return None
    return canvas.covering_size(image.size, canvas.size_multiple(pipe))


@dataclass(frozen=True)
class InpaintInputs:
    """One prompt's pictures within one mask.

    Attributes:
        frame: The picture and its mask as they came.
        plan: What is drawn; where the mask frees a place, the scene shows.
        image: What sampling starts from: the picture on the canvas, freed places grown over.
        mask: Likewise the mask; grey is a lesser strength.
        cell: Pixels of a latent cell.
        held: Whether the pipeline itself keeps what is outside the mask.
    """

    frame: inpaint.Frame
    plan: Plan
    image: Image.Image
    mask: Image.Image
    cell: int
    held: bool

    @classmethod
    def of(
        cls, pipe: Any, plan: Plan, image: Any, mask: Any, size: tuple[int, int], ground: float
    ) -> InpaintInputs | None:
        """None where nothing is masked, or no PIL pictures say what.

        Args:
            pipe: The inpainting pipeline.
            plan: What the picture is to show.
            image: The picture.
            mask: White where it is drawn anew.
            size: Of the canvas, in pixels.
            ground: Strength, 0 to 1, with which freed places are gone over.
        """
        pair = image, mask
        if not all(isinstance(one, Image.Image) for one in pair):
            return None
        cell = int(pipe.vae_scale_factor)
        if covering_canvas(pipe, image) != size:  # another size was asked for
            pair = canvas.fitted(image, size), canvas.fitted(mask, size)
        frame = inpaint.Frame.of(*pair)
        padded = frame.padded(size, cell)
        place = inpaint.freed(plan, padded.mask)
        return cls(
            frame=frame,
            plan=inpaint.with_ground(plan, place, _ground(plan)),
            image=inpaint.grown_over(padded.image, place, inpaint.bare(plan, size)),
            mask=inpaint.eased(padded.mask, place, ground),
            cell=cell,
            held=inpaint.keeps_surroundings(pipe),
        )

    @property
    def soft(self) -> inpaint.SoftMask | None:
        """The mask over the steps, where the UNet does not see it."""
        return inpaint.SoftMask(self.mask, self.cell) if self.held else None

    def sampled(self, count: int) -> tuple[list[Image.Image], Image.Image]:
        """Pictures and mask as the pipeline takes them: the mask of its first step, or all of it.

        diffusers makes masks black and white at a half. Of `count` pictures each has a copy of the
        old one, encoded with its own generator, so that it is the same alone.
        """
        first = (
            self.soft.at_first() if self.soft else self.mask.point(lambda grey: 255 * (grey > 0))
        )
        mask = first.resize(self.mask.size, Image.Resampling.NEAREST)
        return [self.image] * count, mask

    def counting(self, rescaled: bool) -> Image.Image | None:
        """Where predictions count; None for everywhere.

        Args:
            rescaled: Whether guidance is rescaled, which looks at the whole prediction.
        """
        return None if not self.held or rescaled else self.mask

    def put_back(self, images: Sequence[Any]) -> Any:
        """Pictures with every byte outside the mask as before; arrays and tensors as they are."""
        if not isinstance(images, list):
            return images
        return [self.frame.put_back(image) for image in images]


def _ground(plan: Plan) -> str:
    """What a freed place shows; empty where the scene tells it: see `rpg.plans.wording`."""
    scene = plan.scene
    return "" if scene.things or scene.setting or scene.style else scene_of(plan)
