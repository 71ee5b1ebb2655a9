"""Pictures from files and from strangers: the one place where they are decoded.

A picture's size is judged by its header before a pixel is decoded, and whatever Pillow fails with
becomes an error of the caller's own kind. Pillow promises no list of exceptions: `struct.error`,
`zlib.error`, `IndexError`, `OverflowError` and `MemoryError` have all been seen.
"""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from PIL import Image, UnidentifiedImageError

from rpg.errors import RPGError

__all__ = ["FORMATS", "MAX_PICTURE_BYTES", "decoded", "loaded", "png_size"]

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")
MAX_PICTURE_BYTES = 256 * 2**20
_PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"  # how every PNG begins; width and height follow

Refusal = Callable[[str], RPGError]


class _Unfit(Exception):
    """A picture that is not to be decoded; says why."""


def png_size(data: bytes) -> tuple[int, int] | None:
    """Width and height, as the beginning of a PNG file says; None for what is none."""
    size = data[len(_PNG) : len(_PNG) + 8]
    if not data.startswith(_PNG) or len(size) < 8:
        return None
    width, height = struct.unpack(">II", size)
    return width, height


def decoded(
    source: bytes | str | os.PathLike[str],
    refuse: Refusal,
    *,
    most_pixels: int,
    most_side: int | None = None,
    formats: Sequence[str] = FORMATS,
    finish: Callable[[Image.Image], Image.Image] = Image.Image.copy,
) -> Image.Image:
    """The first frame of a picture, every pixel of it read.

    Args:
        source: The file's content, or where it is.
        refuse: Makes the error from the reason, which goes on from "... cannot be read: ".
        most_pixels: In all.
        most_side: Of width and height.
        formats: Pillow's names.
        finish: What is done with the opened picture; its failures are refusals, too.

    Raises:
        RPGError: What `refuse` makes, for whatever is wrong with file or picture.
    """
    with _refusing(refuse):
        data = source if isinstance(source, bytes) else _content(source)
        if (said := png_size(data)) is not None:
            _check_size(said, most_pixels, most_side)
        with _opened(data, formats) as image:
            _check_size(image.size, most_pixels, most_side)
            if said is not None and image.size != said:
                raise _Unfit("it says two sizes")
            image.load()
            return finish(image)


def loaded(image: Image.Image, refuse: Refusal) -> None:
    """Reads the pixels of a picture that somebody opened and Pillow may not have read yet.

    Raises:
        RPGError: What `refuse` makes, where that fails.
    """
    with _refusing(refuse):
        image.load()


@contextmanager
def _refusing(refuse: Refusal) -> Iterator[None]:
    try:
        yield
    except RPGError:
        raise
    except _Unfit as error:
        raise refuse(str(error)) from None
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise refuse("it has far too many pixels; scale it down") from error
    except Exception as error:
        raise refuse("it is damaged or cut short") from error


def _content(path: str | os.PathLike[str]) -> bytes:
    try:
        with open(path, "rb") as stream:
            data = stream.read(MAX_PICTURE_BYTES + 1)
    except OSError as error:
        raise _Unfit(error.strerror or "it cannot be opened") from error
    if len(data) > MAX_PICTURE_BYTES:
        raise _Unfit(f"it is over {MAX_PICTURE_BYTES:,} bytes")
    return data


def _opened(data: bytes, formats: Sequence[str]) -> Image.Image:
    try:
        return Image.open(io.BytesIO(data), formats=tuple(formats))
    except UnidentifiedImageError:
        if data.startswith(_PNG) and "PNG" in formats:
            raise
        known = f"no {formats[0]} file" if len(formats) == 1 else f"none of {', '.join(formats)}"
        raise _Unfit(f"it is {known}") from None


def _check_size(size: tuple[int, int], most_pixels: int, most_side: int | None) -> None:
    width, height = size
    if most_side is not None and max(size) > most_side:
        raise _Unfit(f"{width}x{height}: at most {most_side} pixels a side; scale it down")
    if not 0 < width * height <= most_pixels:
        raise _Unfit(f"{width}x{height}: at most {most_pixels:,} pixels in all; scale it down")
