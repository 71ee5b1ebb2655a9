"""Where a thing stands inside a box of a picture, without a model: OpenCV's GrabCut."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rpg.plans.geometry import Box

__all__ = ["GrabCut", "Pixels", "Segmenter"]

Pixels = NDArray[np.bool_]  # (height, width)

_LEAST, _MOST = 0.02, 0.9  # of the box: a thing of less or more is none
_ROUNDS = 5
_MARGIN = 0.15  # of the box's sides: surroundings that GrabCut learns the background from
_INSET = 0.04  # likewise, inside, where the box reaches the picture's edge
_LONGEST = 384  # pixels; GrabCut's time grows with the area, outlines need no more


class Segmenter(Protocol):
    """Finds things in pictures.

    Attributes:
        whole: Whether it looks at the whole picture at once, so that asking for more boxes costs
            nothing and a thing may reach out of its box.
    """

    whole: bool

    def __call__(self, image: Image.Image, boxes: Sequence[Box]) -> list[Pixels | None]:
        """What stands in each box.

        Args:
            image: In RGB.
            boxes: Where to look.

        Returns:
            For each box the pixels of what stands there, over the whole picture; None where
            nothing is found.
        """
        ...


class GrabCut:
    """Cuts the foreground of a box from its surroundings (Rother et al., SIGGRAPH 2004).

    Always the same for the same picture.
    """

    whole = False

    def __call__(self, image: Image.Image, boxes: Sequence[Box]) -> list[Pixels | None]:
        """What stands in each box; see `Segmenter`."""
        pixels = np.asarray(image.convert("RGB"))
        return [_cut(pixels, box.to_pixels(image.width, image.height)) for box in boxes]


def _cut(pixels: NDArray[np.uint8], box: tuple[int, int, int, int]) -> Pixels | None:
    """The foreground of one box in pixels; None where that is nothing, or nearly all of it."""
    left, top, right, bottom = box
    height, width = pixels.shape[:2]
    reach = round(_MARGIN * (right - left)), round(_MARGIN * (bottom - top))
    x0, y0 = max(left - reach[0], 0), max(top - reach[1], 0)
    x1, y1 = min(right + reach[0], width), min(bottom + reach[1], height)
    view, scale = _small(pixels[y0:y1, x0:x1])
    inside = _inset((left - x0, top - y0, right - x0, bottom - y0), (x1 - x0, y1 - y0))
    found = _foreground(view, tuple(round(edge * scale) for edge in inside))
    if found is None:
        return None
    whole = np.zeros((height, width), bool)
    size = (x1 - x0, y1 - y0)
    whole[y0:y1, x0:x1] = cv2.resize(found, size, interpolation=cv2.INTER_NEAREST) > 0
    share = whole.sum() / ((right - left) * (bottom - top))
    return whole if _LEAST <= share <= _MOST else None


def _small(view: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], float]:
    scale = min(1.0, _LONGEST / max(view.shape[:2]))
    if scale == 1.0:
        return np.ascontiguousarray(view), scale
    size = (max(round(view.shape[1] * scale), 1), max(round(view.shape[0] * scale), 1))
    return np.asarray(cv2.resize(view, size, interpolation=cv2.INTER_AREA), np.uint8), scale


def _inset(
    box: tuple[int, int, int, int], size: tuple[int, int]
) -> tuple[float, float, float, float]:
    """The box, drawn in where there are no surroundings: GrabCut needs some on every side."""
    left, top, right, bottom = box
    dx, dy = max(_INSET * (right - left), 1.0), max(_INSET * (bottom - top), 1.0)
    return (
        max(left, dx),
        max(top, dy),
        min(right, size[0] - dx),
        min(bottom, size[1] - dy),
    )


def _foreground(view: NDArray[np.uint8], box: tuple[int, ...]) -> NDArray[np.uint8] | None:
    """1 where the foreground is, in a view of the picture; None where GrabCut cannot say."""
    left, top, right, bottom = box
    if right - left < 2 or bottom - top < 2:
        return None
    if float(view[top:bottom, left:right].reshape(-1, 3).std(axis=0).max()) < 1.0:
        return None  # one flat colour: nothing stands there
    labels = np.zeros(view.shape[:2], np.uint8)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(0)  # it clusters colours at random
    rectangle = (left, top, right - left, bottom - top)
    try:
        cv2.grabCut(view, labels, rectangle, *models, _ROUNDS, cv2.GC_INIT_WITH_RECT)
    except cv2.error:  # too few pixels on one side to learn colours from
        return None
    found = (labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)
    return np.asarray(found, np.uint8)
