"""Pictures as data URLs."""

from __future__ import annotations

import base64
import io

from PIL import Image

_LONGEST = 1536  # pixels: what vision models scale down to anyway
_FAITHFUL = 512 * 512  # pixels up to which a picture goes without loss


def data_url(image: Image.Image) -> str:
    """A picture for a vision model: at most 1536 pixels wide or high, without its metadata."""
    flat = _flat(image)
    flat.thumbnail((_LONGEST, _LONGEST))
    buffer = io.BytesIO()
    if flat.width * flat.height <= _FAITHFUL:
        kind = "png"
        flat.save(buffer, "PNG")
    else:
        kind = "jpeg"
        flat.save(buffer, "JPEG", quality=92)
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"


def _flat(image: Image.Image) -> Image.Image:
    """A copy in RGB, on white where the picture is transparent, with no metadata."""
    clear = image.convert("RGBA")
    flat = Image.new("RGB", image.size, "white")
    flat.paste(clear, mask=clear.getchannel("A"))
    return flat
