"""Masks to paint on: between `gr.ImageEditor` and the pictures that the workshop takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gradio as gr
from PIL import Image, ImageChops

__all__ = ["MaskEditor", "editor_value", "painted"]

_COLOUR = (255, 64, 129)
_OPACITY = 0.6
_LEAST = 40  # of 255: what is painted more thinly than this is no more than a brush's soft edge


def MaskEditor(**words: Any) -> gr.ImageEditor:  # noqa: N802 - makes a component
    """An editor with one layer, a brush of one colour and an eraser."""
    colour = f"rgb{_COLOUR}"
    return gr.ImageEditor(
        type="pil",
        format="png",
        sources=(),
        transforms=(),
        layers=gr.LayerOptions(allow_additional_layers=False, layers=["Mask"]),
        brush=gr.Brush(colors=[(colour, _OPACITY)], color_mode="fixed"),
        interactive=True,
        **words,
    )


def editor_value(shown: Image.Image, mask: Image.Image) -> dict[str, Any]:
    """What the editor shows: a picture, and over it a mask that can be painted on.

    Args:
        shown: The picture, enlarged for showing.
        mask: Greyscale, white where to draw; of any size.
    """
    grey = mask.convert("L").resize(shown.size, Image.Resampling.NEAREST)
    layer = Image.new("RGBA", shown.size, (*_COLOUR, 0))
    layer.putalpha(grey.point(lambda value: round(value * _OPACITY)))
    composite = Image.alpha_composite(shown.convert("RGBA"), layer)
    return {"background": shown.convert("RGB"), "layers": [layer], "composite": composite}


def painted(value: Mapping[str, Any] | None, size: tuple[int, int]) -> Image.Image | None:
    """The mask that was painted: white where to draw; None where nothing is painted.

    Args:
        value: The editor's.
        size: Of the mask to make: the picture's own. Every pixel that the brush touched counts.
    """
    whole = Image.new("L", size)
    for layer in (value or {}).get("layers") or ():
        alpha = layer.convert("RGBA").getchannel("A")
        strong = alpha.point(lambda level: 255 * (level > _LEAST))
        small = strong.resize(size, Image.Resampling.BOX)
        whole = ImageChops.lighter(whole, small.point(lambda level: 255 * (level > 0)))
    return whole if whole.getbbox() is not None else None
