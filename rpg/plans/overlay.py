"""Pictures for people: small ones enlarged, and a plan drawn over what was made from it."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

from rpg.plans.geometry import Box

if TYPE_CHECKING:
    from rpg.plans.plan import Plan, Region

MAX_SCALE = 64
MAX_SHOWN_SIDE = 8192
_CORRECTIONS = 8
PALETTE = (
    (255, 107, 107), (78, 205, 196), (255, 209, 102), (124, 131, 253), (144, 224, 120),
    (255, 159, 243), (72, 170, 255), (255, 159, 67), (190, 150, 110), (162, 155, 254),
    (0, 206, 161), (232, 67, 147),
)  # fmt: skip
_MAX_SHOWN_CHARS = 400  # more never fits
_INK = (255, 255, 255, 255)
_PLATE = (16, 18, 27, 190)
_WORLD_FONTS = (
    "DejaVuSans.ttf",
    "NotoSansCJK-Regular.ttc",
    "NotoSans-Regular.ttf",
    "Arial Unicode.ttf",
)
_SIZES = (
    2.4,
    2.0,
    1.7,
    1.4,
    1.2,
)  # text heights to try, largest first, in hundredths of the longer side

_Colour = tuple[int, int, int]
_Pixels = tuple[int, int, int, int]
_Floats = tuple[float, float, float, float]
_Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def enlarge(image: Image.Image, scale: int) -> Image.Image:
    """The picture `scale` times as large on both sides, sharp, without steps along slanted edges.

    Lanczos, held between the darkest and the lightest of the pixels around: nearest makes
    staircases of antialiased outlines, and Lanczos alone draws halos along them. The scale is
    lowered where the longer side would pass 8192 pixels.
    """
    factor = max(1, min(scale, MAX_SCALE, MAX_SHOWN_SIDE // max(image.size)))
    if factor == 1:
        return image
    size = (image.width * factor, image.height * factor)
    darkest = image.filter(ImageFilter.MinFilter(3)).resize(size, Image.Resampling.NEAREST)
    lightest = image.filter(ImageFilter.MaxFilter(3)).resize(size, Image.Resampling.NEAREST)
    smooth = image.resize(size, Image.Resampling.LANCZOS)
    return ImageChops.darker(ImageChops.lighter(smooth, darkest), lightest)


def shrink(image: Image.Image, scale: int) -> Image.Image:
    """The picture that `enlarge` made this one of, to within a few greys.

    The mean of every square of pixels, put right by what enlarging it again would be off by.
    Sides that are no multiples of `scale` lose what is over.
    """
    width, height = image.width // scale, image.height // scale
    if scale == 1 or not (width and height):
        return image
    whole = image.convert("RGB").crop((0, 0, width * scale, height * scale))
    small = whole.reduce(scale)
    for _ in range(_CORRECTIONS):
        off = np.asarray(small, np.int16) - np.asarray(enlarge(small, scale).reduce(scale))
        right = np.clip(np.asarray(whole.reduce(scale), np.int16) + off, 0, 255)
        small = Image.fromarray(right.astype(np.uint8))
    return small


def put_into(shown: Image.Image, own: Image.Image, mask: Image.Image) -> Image.Image:
    """An enlarged picture with a part of it drawn anew at the model's own size.

    Args:
        shown: The enlarged picture, in RGB; its sides are multiples of `own`'s, or a little over.
        own: The redrawn picture.
        mask: Of either size, greyscale: where that counts. Where it is black every byte of `shown`
            stays.
    """
    scale = max(shown.width // own.width, 1)
    if mask.size == own.size:
        large = (mask.width * scale, mask.height * scale)
        mask = mask.resize(large, Image.Resampling.NEAREST)
    result = shown.copy()
    result.paste(
        enlarge(own, scale), (0, 0), mask.crop((0, 0, own.width * scale, own.height * scale))
    )
    return result


def draw_plan(image: Image.Image, plan: Plan, *, min_side: int = 1024) -> Image.Image:
    """The picture with the plan's regions and subprompts drawn on it.

    Args:
        image: The picture, of any size and mode.
        plan: What to draw: every layer gets a frame, a number in painting order and its subprompt.
        min_side: Pixels that the longer side is enlarged to, in whole steps, so that text has room.

    Returns:
        An RGB picture; `image` is left as it is.
    """
    shown = enlarge(image.convert("RGB"), -(-min_side // max(image.size)))
    for draw in (_draw_frame, _draw_label):  # words over every frame, whatever lies on top
        for index, region in enumerate(plan.layers()):
            colour = PALETTE[index % len(PALETTE)]
            layer = Image.new("RGBA", shown.size, (*colour, 0))
            draw(layer, region, index, colour)
            shown = Image.alpha_composite(shown.convert("RGBA"), layer).convert("RGB")
    return shown


def _draw_frame(layer: Image.Image, region: Region, _: int, colour: _Colour) -> None:
    """The region's box, and its painted form where it has one."""
    if (mask := region.mask_image()) is not None:
        _outline_mask(layer, mask, colour)
    unit = max(layer.size) / 100
    ImageDraw.Draw(layer).rounded_rectangle(
        _frame(region.box, layer.size),
        radius=unit,
        outline=(*colour, 255),
        width=max(2, round(unit * 0.35)),
    )


def _draw_label(layer: Image.Image, region: Region, index: int, colour: _Colour) -> None:
    """The region's number on its colour, its subprompt beside that, in the frame's top left."""
    draw, unit = ImageDraw.Draw(layer), max(layer.size) / 100
    frame, number = _frame(region.box, layer.size), str(index + 1)
    font, high = _font(unit * 2.2, number), unit * 3.2
    wide = max(high, font.getlength(number) + unit * 1.6)
    _draw_text(draw, (frame[0] + wide, frame[1], frame[2], frame[3]), region.prompt, unit)
    badge = (frame[0], frame[1], frame[0] + wide, frame[1] + high)
    draw.rounded_rectangle(badge, radius=unit, fill=(*colour, 255))
    centre = (frame[0] + wide / 2, frame[1] + high / 2)
    draw.text(centre, number, font=font, fill=_PLATE[:3], anchor="mm")


def _draw_text(draw: ImageDraw.ImageDraw, room: _Floats, text: str, unit: float) -> None:
    """The subprompt on a dark plate at the top left of `room`, as large as fits, else shortened."""
    left, top, right, bottom = room
    space = (right - left - 2.5 * unit, bottom - top - 2 * unit)
    fitted = _fit(" ".join(text[:_MAX_SHOWN_CHARS].split()), space, unit)
    if fitted is None:
        return
    lines, font, line_height = fitted
    wide = max(font.getlength(line) for line in lines) + 1.5 * unit
    high = max(line_height * len(lines) + 0.4 * unit, 3.2 * unit)
    plate = (left - 2 * unit, top, left + wide, top + high)  # begins beneath the number
    draw.rounded_rectangle(plate, radius=unit, fill=_PLATE)
    first = top + (high - line_height * (len(lines) - 1)) / 2
    for row, line in enumerate(lines):
        at = (left + 0.7 * unit, first + row * line_height)
        draw.text(at, line, font=font, fill=_INK, anchor="lm")


def _frame(box: Box, size: tuple[int, int]) -> _Pixels:
    """The box in pixels, drawn in a little so that neighbours' frames stand side by side."""
    left, top, right, bottom = box.to_pixels(*size)
    inset = round(max(size) * 0.004)
    return (
        left + inset,
        top + inset,
        max(left + inset + 1, right - 1 - inset),
        max(top + inset + 1, bottom - 1 - inset),
    )


def _outline_mask(layer: Image.Image, mask: Image.Image, colour: _Colour) -> None:
    """Tints a painted mask and traces its edge."""
    inside = (
        mask.convert("L")
        .resize(layer.size, Image.Resampling.BILINEAR)
        .point(lambda v: 255 * (v > 127))
    )
    edge = ImageChops.subtract(inside, inside.filter(ImageFilter.MinFilter(5)))
    layer.paste((*colour, 50), mask=inside)
    layer.paste((*colour, 255), mask=edge)


def _fit(
    text: str, room: tuple[float, float], unit: float
) -> tuple[list[str], _Font, float] | None:
    """Lines, font and line height that fit into `room` pixels; None where no line does.

    One line in any readable size is better than several in a larger one.
    """
    most = min(room[1], unit * 22)
    for size, one_line in [*((size, True) for size in _SIZES[:3]), *((s, False) for s in _SIZES)]:
        font, high = _font(unit * size, text), unit * size * 1.3
        rows, lines = int(most // high), list(_wrap(text, font, room[0]))
        if len(lines) <= (min(rows, 1) if one_line else rows):
            if all(font.getlength(line) <= room[0] for line in lines):
                return lines, font, high
    if rows < 1 or room[0] < unit * 6:
        return None
    kept = [_shorten(line, font, room[0]) for line in lines[:rows]]
    if rows < len(lines):
        kept[-1] = _shorten(kept[-1].rstrip("…") + "…", font, room[0])
    return kept, font, high


def _wrap(text: str, font: _Font, width: float) -> Iterator[str]:
    line = ""
    for word in text.split(" "):
        longer = f"{line} {word}".strip()
        if line and font.getlength(longer) > width:
            yield line
            line = word
        else:
            line = longer
    yield line


def _shorten(line: str, font: _Font, width: float) -> str:
    """The line, with an ellipsis in place of what does not fit."""
    if font.getlength(line) <= width:
        return line
    fits = bisect(range(len(line)), width, key=lambda end: font.getlength(line[:end] + "…"))
    return line[: max(fits - 1, 0)].rstrip(" …") + "…"


def _font(size: float, text: str) -> _Font:
    """Pillow's own font, alike everywhere; a system font only for what it cannot write."""
    return _load_font(round(size), all(ord(letter) < 0x180 or letter == "…" for letter in text))


@lru_cache(maxsize=64)
def _load_font(size: int, latin: bool) -> _Font:
    for name in () if latin else _WORLD_FONTS:
        try:
            return ImageFont.truetype(name, size)
        except OSError:
            continue
    return ImageFont.load_default(size)
