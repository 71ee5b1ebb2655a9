"""Pictures that people bring: judged by their header before a pixel is decoded, then made plain."""

from __future__ import annotations

import html
from typing import Any

import gradio as gr
from PIL import Image, ImageOps

from rpg.errors import SettingsError
from rpg.pictures import decoded
from rpg.settings import MAX_PIXELS
from ui.references import picture_path
from ui.words import sentence

__all__ = ["picture_field", "read_picture", "watch_uploads"]

_MOST_SIDE = 16384


def picture_field(label: str, name: str) -> gr.Image:
    """A field for a picture, not yet on the page; its value is the path of a file."""
    return gr.Image(
        label=label,
        type="filepath",
        image_mode=None,
        format="png",
        sources=["upload", "clipboard"],
        buttons=[],
        height=220,
        elem_id=name,
        render=False,
    )


def watch_uploads(field: gr.Image) -> None:
    """What is brought to the field becomes plain at once, or goes away again and is told why.

    Unprocessed, since gradio fails in words of its own on what is no picture.
    """

    def taken(brought: dict[str, Any] | None) -> Image.Image | None:
        try:
            return read_picture(picture_path(brought)) if brought else None
        except SettingsError as error:
            gr.Warning(html.escape(sentence(str(error))), title="Not taken")
            return None

    field.upload(
        taken, field, field, preprocess=False, api_visibility="private", show_progress="minimal"
    )


def read_picture(path: str | None) -> Image.Image | None:
    """The first frame of a picture file: upright, 8 bits of red, green and blue; None for None.

    What is transparent becomes white.

    Raises:
        SettingsError: It is no picture of a usual format, damaged, or too large.
    """
    if path is None:
        return None
    return decoded(
        path,
        lambda reason: SettingsError(f"the picture cannot be read: {reason}"),
        most_pixels=MAX_PIXELS,
        most_side=_MOST_SIDE,
        finish=_plain,
    )


def _plain(image: Image.Image) -> Image.Image:
    upright = ImageOps.exif_transpose(image)
    if upright.mode in ("I", "F") or upright.mode.startswith("I;16"):
        return _in_8_bits(upright)
    if upright.has_transparency_data:
        seen = upright.convert("RGBA")
        ground = Image.new("RGBA", seen.size, "white")
        return Image.alpha_composite(ground, seen).convert("RGB")
    return upright.convert("RGB")


def _in_8_bits(image: Image.Image) -> Image.Image:
    """Greys of 16 bits or more; what Pillow itself would do is cut them off at 255."""
    values = image.convert("F")
    low, high = values.getextrema()
    assert isinstance(low, float) and isinstance(high, float)
    scale = 255 / 65535 if high > 255 else 1.0
    return values.point(lambda value: value * scale).convert("L").convert("RGB")
