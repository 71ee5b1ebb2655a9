"""Where things stand in Toybox's pictures: what the detector outlines."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rpg.plans.geometry import Box
from rpg.toybox.detector import Detection, detect

__all__ = ["ToyboxContours"]


class ToyboxContours:
    """Finds the things whose middle lies in a box; see `rpg.editing.segmentation.Segmenter`."""

    whole = True

    def __call__(self, image: Image.Image, boxes: Sequence[Box]) -> list[NDArray[np.bool_] | None]:
        """The pixels of the things in each box, None where there are none."""
        found = detect(image)
        return [_drawn(_inside(found, box, image.size), image.size) for box in boxes]


def _inside(found: Sequence[Detection], box: Box, size: tuple[int, int]) -> list[Detection]:
    width, height = size
    return [one for one in found if box.contains(one.centre[0] / width, one.centre[1] / height)]


def _drawn(things: Sequence[Detection], size: tuple[int, int]) -> NDArray[np.bool_] | None:
    """What the outlines hold, and a pixel around: the edge has half of the thing's colour."""
    if not things:
        return None
    canvas = np.zeros((size[1], size[0]), np.uint8)
    cv2.fillPoly(canvas, [one.contour for one in things], 1)
    return np.asarray(cv2.dilate(canvas, np.ones((3, 3), np.uint8)), bool)
