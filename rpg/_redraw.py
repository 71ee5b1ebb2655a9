"""The part of a call that redraws within a mask: what goes in, and what is put back after."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from PIL import Image

from rpg import _sizes
from rpg._call import Inputs
from rpg.diffusion import canvas, inpaint
from rpg.plan import Plan
from rpg.scene import scene_of
from rpg.settings import GenerationSettings


def whole_cells(pipe: Any, image: Any) -> tuple[int, int] | None:
    """The canvas that holds a picture without scaling it; None for what is no PIL picture."""
    if isinstance(image, list) and image:
        image = image[0]
    if not isinstance(image, Image.Image):
        return None
    multiple = canvas.size_multiple(pipe)
    width, height = (math.ceil(side / multiple) * multiple for side in image.size)
    return width, height


@dataclass(frozen=True)
class Redraw:
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
        cls, pipe: Any, plan: Plan, inputs: Inputs, used: GenerationSettings, ground: float
    ) -> Redraw | None:
        """None where nothing is masked, or diffusers is to see to the rest of the picture.

        Args:
            pipe: The inpainting pipeline.
            plan: What the picture is to show.
            inputs: Of one prompt.
            used: Complete settings.
            ground: Strength, 0 to 1, with which freed places are gone over.
        """
        pair = inputs.image, inputs.mask_image
        if not all(isinstance(one, Image.Image) for one in pair):
            return None
        if inputs.extra.get("padding_mask_crop") is not None:
            return None
        size, cell = (used.width or 0, used.height or 0), int(pipe.vae_scale_factor)
        if whole_cells(pipe, inputs.image) != size:  # another size was asked for
            fitted = _sizes.fit_images(inputs, used)
            pair = fitted.image, fitted.mask_image
        frame = inpaint.Frame.of(*pair)
        padded = frame.padded(size, cell)
        place = inpaint.freed(plan, padded.mask)
        return cls(
            frame=frame,
            plan=inpaint.with_ground(plan, place, scene_of(plan)),
            image=inpaint.grown_over(padded.image, place, inpaint.bare(plan, size)),
            mask=inpaint.eased(padded.mask, place, ground),
            cell=cell,
            held=inpaint.keeps_surroundings(pipe),
        )

    @property
    def soft(self) -> inpaint.SoftMask | None:
        """The mask over the steps, where the UNet does not see it."""
        return inpaint.SoftMask(self.mask, self.cell) if self.held else None

    def inputs(self, inputs: Inputs, count: int) -> Inputs:
        """The inputs as the pipeline takes them: the mask of its first step, or all that is white.

        diffusers makes masks black and white at a half. Of `count` pictures each has a copy of the
        old one, encoded with its own generator, so that it is the same alone.
        """
        first = (
            self.soft.at_first() if self.soft else self.mask.point(lambda grey: 255 * (grey > 0))
        )
        mask = first.resize(self.mask.size, Image.Resampling.NEAREST)
        return replace(inputs, image=[self.image] * count, mask_image=mask)

    def counts(self, used: GenerationSettings) -> Image.Image | None:
        """Where predictions count; None for everywhere."""
        whole = not self.held or used.guidance_rescale  # which looks at the whole prediction
        return None if whole else self.mask

    def put_back(self, images: Sequence[Any]) -> Any:
        """Pictures with every byte outside the mask as before; arrays and tensors as they are."""
        if not isinstance(images, list):
            return images
        return [self.frame.put_back(image) for image in images]
