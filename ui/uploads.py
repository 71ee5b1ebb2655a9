"""Pictures that people bring: judged by their header before a pixel is decoded, then made plain."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image, ImageOps

from rpg.errors import SettingsError
from rpg.settings import MAX_PIXELS

__all__ = ["PictureUpload", "read_picture"]

_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")
_UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError)
_MOST_SIDE = 16384


class PictureUpload(gr.Image):  # type: ignore[misc]
    """A picture field whose value is the path of the file as it was uploaded, undecoded.

    What `gr.Image` does itself fails with an error of its own on what is no picture.
    """

    is_template = True  # to the browser it is an image field

    def __init__(self, **words: Any) -> None:
        """As in `gr.Image`; from a file or the clipboard."""
        words = {"type": "filepath", "sources": ["upload", "clipboard"], **words}
        super().__init__(**words)

    def preprocess(self, payload: Any) -> str | None:
        """The file's path, which is always in the folder of uploads."""
        return None if payload is None else payload.path


def read_picture(path: str | None) -> Image.Image | None:
    """The first frame of a picture file: upright, 8 bits of red, green and blue; None for None.

    What is transparent becomes white.

    Raises:
        SettingsError: It is no picture of a usual format, damaged, or too large.
    """
    if path is None:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it is large: we judge that ourselves
            with Image.open(Path(path), formats=_FORMATS) as image:
                _check_size(image)
                return _plain(image)
    except SettingsError:
        raise
    except _UNREADABLE:
        kinds = ", ".join(_FORMATS)
        raise SettingsError(
            f"the picture cannot be read: it is damaged, or none of {kinds}"
        ) from None


def _check_size(image: Image.Image) -> None:
    width, height = image.size
    if not 0 < width * height <= MAX_PIXELS or max(width, height) > _MOST_SIDE:
        raise SettingsError(
            f"the picture has {width}x{height} pixels; scale it down to {MAX_PIXELS:,} in all"
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
