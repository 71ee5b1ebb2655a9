"""Sheets of pictures for people to judge: a row for each prompt, a column for each variant."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from benchmarks.suite.sheet import Sheet

__all__ = ["grid", "grids"]

_CELL, _GAP, _LINE = 192, 12, 20  # pixels: a picture's longer side, between, a line of words
_SURE = 0.95  # for lines whose letters are wider than the text's are in the mean
_INK, _PAPER, _EDGE = (20, 20, 20), (255, 255, 255), (190, 190, 190)


def grids(sheet: Sheet, pictures: Path, folder: Path, *, rows: int = 10) -> list[Path]:
    """One sheet for every category, of its first prompts; says which files were written.

    Args:
        sheet: What was drawn.
        pictures: The folder that the rows' files lie in.
        folder: Where the sheets go.
        rows: The most prompts of one sheet.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for category in dict.fromkeys(item.category for item in sheet.items):
        lines = [i for i, item in enumerate(sheet.items) if item.category == category][:rows]
        path = folder / f"{category}.png"
        grid(sheet, lines, pictures).save(path, optimize=True)
        written.append(path)
    return written


def grid(sheet: Sheet, lines: Sequence[int], pictures: Path) -> Image.Image:
    """Some lines of a sheet: above every row its prompt, above every column its variant."""
    variants, font = list(sheet.pictures), ImageFont.load_default(15)
    step, width = _CELL + _GAP, _GAP + len(variants) * (_CELL + _GAP)
    prompts = [_wrapped(sheet.items[line].prompt, width - 2 * _GAP, font) for line in lines]
    words = _LINE * max(prompt.count("\n") + 1 for prompt in prompts)
    height = _GAP + words + _CELL
    paper = Image.new("RGB", (width, _GAP + _LINE + len(lines) * height), _PAPER)
    pen = ImageDraw.Draw(paper)
    for column, variant in enumerate(variants):
        pen.text((_GAP + column * step, _GAP // 2), variant, _INK, font)
    for row, (line, prompt) in enumerate(zip(lines, prompts, strict=True)):
        top = _GAP + _LINE + row * height
        pen.text((_GAP, top), prompt, _INK, font)
        for column, variant in enumerate(variants):
            file = pictures / sheet.pictures[variant][line][0].file
            _put(paper, file, (_GAP + column * step, top + words))
    return paper


def _put(paper: Image.Image, file: Path, place: tuple[int, int]) -> None:
    """A picture with a thin edge; where it is enlarged its pixels stay squares."""
    with Image.open(file) as picture:
        scale = _CELL / max(picture.size)
        size = (round(picture.width * scale), round(picture.height * scale))
        way = Image.Resampling.NEAREST if scale > 1 else Image.Resampling.LANCZOS
        shown = picture.convert("RGB").resize(size, way)
    paper.paste(shown, place)
    right, bottom = place[0] + size[0] - 1, place[1] + size[1] - 1
    ImageDraw.Draw(paper).rectangle((*place, right, bottom), outline=_EDGE)


def _wrapped(text: str, width: int, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    """In lines of at most so many pixels, by the text's own mean width of a letter."""
    letters = int(len(text) * width / max(font.getlength(text), 1) * _SURE)
    return textwrap.fill(text, max(letters, 1))
