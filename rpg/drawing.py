"""Pictures for people: small ones enlarged, and a plan drawn over what was made from it."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

from rpg.geometry import Box

if TYPE_CHECKING:
    from rpg.plan import Plan, Region

MAX_SCALE = 64
MAX_SHOWN_SIDE = 8192
PALETTE = (
    (255, 107, 107), (78, 205, 196), (255, 209, 102), (124, 131, 253), (144, 224, 120), (255, 159, 243),
    (72, 170, 255), (255, 159, 67), (190, 150, 110), (162, 155, 254), (0, 206, 161), (232, 67, 147),
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
    """The region's number and its subprompt."""
    draw, unit = ImageDraw.Draw(layer), max(layer.size) / 100
    frame = _frame(region.box, layer.size)
    _draw_text(draw, frame, region.prompt, unit)
    _draw_badge(draw, frame, str(index + 1), colour, unit)


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


def _draw_badge(
    draw: ImageDraw.ImageDraw, frame: _Pixels, number: str, colour: _Colour, unit: float
) -> None:
    """The region's number on a plate of its colour, in the frame's top left corner."""
    font = _font(unit * 2.2, number)
    high = unit * 3.2
    wide = max(high, font.getlength(number) + unit * 1.6)
    plate = (frame[0], frame[1], frame[0] + wide, frame[1] + high)
    draw.rounded_rectangle(plate, radius=unit, fill=(*colour, 255))
    centre = (frame[0] + wide / 2, frame[1] + high / 2)
    draw.text(centre, number, font=font, fill=_PLATE[:3], anchor="mm")


def _draw_text(draw: ImageDraw.ImageDraw, frame: _Pixels, text: str, unit: float) -> None:
    """The subprompt on a dark plate along the frame's foot, as large as fits, shortened where nothing fits."""
    pad = unit * 0.9
    room = (frame[2] - frame[0] - 4 * pad, frame[3] - frame[1] - unit * 3.2 - 4 * pad)
    fitted = _fit(" ".join(text[:_MAX_SHOWN_CHARS].split()), room, unit)
    if fitted is None:
        return
    lines, font, line_height = fitted
    wide = max(font.getlength(line) for line in lines) / 2 + 1.5 * pad
    high = line_height * len(lines) + pad
    middle, foot = (frame[0] + frame[2]) / 2, frame[3] - pad
    plate = (middle - wide, foot - high, middle + wide, foot)
    draw.rounded_rectangle(plate, radius=unit * 0.8, fill=_PLATE)
    for row, line in enumerate(lines):
        at = (middle, plate[1] + pad / 2 + (row + 0.5) * line_height)
        draw.text(at, line, font=font, fill=_INK, anchor="mm")


def _fit(
    text: str, room: tuple[float, float], unit: float
) -> tuple[list[str], _Font, float] | None:
    """Lines, font and line height that fit into `room` pixels; None where not one short line does."""
    for size in _SIZES:
        font, line_height = _font(unit * size, text), unit * size * 1.3
        rows = int(min(room[1], unit * 22) // line_height)
        lines = list(_wrap(text, font, room[0]))
        if rows and len(lines) <= rows and all(font.getlength(line) <= room[0] for line in lines):
            return lines, font, line_height
    if rows < 1 or room[0] < unit * 6:
        return None
    kept = [_shorten(line, font, room[0]) for line in lines[:rows]]
    if rows < len(lines):
        kept[-1] = _shorten(kept[-1].rstrip("…") + "…", font, room[0])
    return kept, font, line_height


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
    """Pillow's own font, so that pictures are alike everywhere; a system font only for what it cannot write."""
    return _load_font(round(size), all(ord(letter) < 0x180 or letter == "…" for letter in text))


@lru_cache(maxsize=64)
def _load_font(size: int, latin: bool) -> _Font:
    for name in () if latin else _WORLD_FONTS:
        try:
            return ImageFont.truetype(name, size)
        except OSError:
            continue
    return ImageFont.load_default(size)
