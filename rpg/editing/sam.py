"""Where a thing stands inside a box, asked of SAM 2 (arXiv 2408.00714) through transformers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch.nn import functional as F

from rpg._loading import loading
from rpg.editing.segmentation import Pixels
from rpg.plans.geometry import Box

__all__ = ["Sam2"]

_MEAN, _SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet's


class Sam2:
    """Segments with a SAM 2 checkpoint; loaded when first used.

    Args:
        checkpoint: A folder or hub id, such as "facebook/sam2.1-hiera-tiny".
        device: Where it runs; None is the CPU.
    """

    whole = False

    def __init__(
        self, checkpoint: str | os.PathLike[str], *, device: torch.device | str | None = None
    ) -> None:
        """Keep the names; nothing is loaded."""
        self.checkpoint, self.device = os.fspath(checkpoint), device or "cpu"

    def __call__(self, image: Image.Image, boxes: Sequence[Box]) -> list[Pixels | None]:
        """What stands in each box; see `Segmenter`.

        Raises:
            ModelError: The checkpoint cannot be loaded.
        """
        if not boxes:
            return []
        model = self._model
        side = int(model.config.prompt_encoder_config.image_size)
        edges = torch.tensor([[box.x0, box.y0, box.x1, box.y1] for box in boxes]) * side
        with torch.inference_mode():
            said = model(
                pixel_values=_pixels(image, side).to(self.device),
                input_boxes=edges[None].to(self.device),
                multimask_output=False,
            )
        size = (image.height, image.width)
        masks = F.interpolate(said.pred_masks[0].float().cpu(), size, mode="bilinear")
        found: Pixels = (masks[:, 0] > 0).numpy()
        return [mask if mask.any() else None for mask in found]

    @cached_property
    def _model(self) -> Any:
        from transformers import Sam2Model

        with loading(f"SAM 2 from {self.checkpoint}"):
            model: Any = Sam2Model.from_pretrained(self.checkpoint, use_safetensors=True)
            return model.to(self.device).eval()


def _pixels(image: Image.Image, side: int) -> torch.Tensor:
    """(1, 3, side, side), normalised as SAM 2 was trained; its own processor needs torchvision."""
    square = image.convert("RGB").resize((side, side), Image.Resampling.BILINEAR)
    values = np.asarray(square, np.float32) / 255
    normal = (values - np.array(_MEAN, np.float32)) / np.array(_SPREAD, np.float32)
    return torch.from_numpy(normal).permute(2, 0, 1)[None]
