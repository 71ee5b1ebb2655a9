"""Masks to paint on: between `gr.ImageEditor` and the pictures that the workshop takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gradio as gr
from gradio.components.base import server
from gradio.components.image_editor import AcceptBlobs
from PIL import Image, ImageChops

from rpg.errors import SettingsError
from rpg.pictures import decoded

__all__ = ["ONE_LAYER", "editor", "painted"]

# The editor may load its layer twice; what lies below could not be rubbed out.
ONE_LAYER = """async () => {
    for (let tries = 0; tries < 40; tries++) {
        await new Promise((done) => setTimeout(done, 100));
        const layers = window.editor?.layer_manager;
        layers?.get_layers().slice(1).forEach((one) => layers.delete_layer(one.id));
    }
}"""

_COLOUR = (255, 64, 129)
_OPACITY = 0.6
_MOST_STROKES = 4  # that wait for the page to ask for their outcome
_LEAST = 40  # of 255: what is painted more thinly than this is no more than a brush's soft edge


def editor(shown: Image.Image, mask: Image.Image, name: str) -> gr.ImageEditor:
    """A picture, and over it a mask that can be painted on: one layer, one colour, an eraser.

    It is to be made anew for every mask: one that is on the page shows old layers beside new ones.

    Args:
        shown: The picture, enlarged for showing.
        mask: Greyscale, white where to draw; of any size.
        name: Of this editor alone.
    """
    grey = mask.convert("L").resize(shown.size, Image.Resampling.NEAREST)
    layer = Image.new("RGBA", shown.size, (*_COLOUR, 0))
    layer.putalpha(grey.point(lambda value: round(value * _OPACITY)))
    made = gr.ImageEditor(
        {"background": shown.convert("RGB"), "layers": [layer], "composite": None},
        label="Mask",
        type="pil",
        format="png",
        canvas_size=shown.size,  # a layer on a larger canvas would lie beside the picture
        sources=(),
        transforms=(),
        layers=gr.LayerOptions(allow_additional_layers=False, layers=["Mask"]),
        brush=gr.Brush(colors=[(f"rgb{_COLOUR}", _OPACITY)], color_mode="fixed"),
        interactive=True,
        key=name,
        preserved_by_key=None,
        elem_id="mask-editor",
    )
    _bound(made, shown.width * shown.height)
    return made


def _bound(made: gr.ImageEditor, most_pixels: int) -> None:
    """Bounds what a browser hands over while somebody paints; Gradio keeps all that comes."""
    take = made.accept_blobs

    def accept_blobs(data: AcceptBlobs) -> None:
        if str(data.data.get("index") or "0") not in ("null", "0", "1"):
            raise SettingsError("the mask has one layer")
        decoded(
            data.files[0][1],
            lambda reason: SettingsError(f"the mask cannot be read: {reason}"),
            most_pixels=most_pixels,
        )
        while len(made.blob_storage) >= _MOST_STROKES:
            made.blob_storage.pop(next(iter(made.blob_storage)))
        take(data)

    # Not by a subclass: beside the module of one Gradio writes a file.
    made.accept_blobs = server(accept_blobs)  # type: ignore[no-untyped-call]


def painted(value: Mapping[str, Any] | None, size: tuple[int, int]) -> Image.Image:
    """The mask that was painted, greyscale: white where to draw, black all over where nothing is.

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
    return whole
