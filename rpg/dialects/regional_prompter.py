"""Plans as prompts of Regional Prompter, the extension of AUTOMATIC1111's web UI, and back.

Its regions are rows of columns. ADDROW and ADDCOL stand between their prompts, or BREAK does;
ADDBASE ends the base prompt, and ADDCOMM a text that every region has in front of its own. Shares
and base ratios are settings, which the web UI reads out of pasted generation data, and so they
stand here (github.com/hako-mikan/sd-webui-regional-prompter: README, `scripts/regions.py`)::

    two animals ADDBASE
    a fox ADDCOL
    an owl
    Negative prompt: blurry
    Steps: 30, ..., RP Active: True, ..., RP Ratios: "1,2", RP Base Ratios: "0.3,0.3", ...
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise

from rpg.defaults import FAMILIES
from rpg.dialects._texts import (
    SQUARE,
    aspect_of,
    base_ratios,
    check_words,
    losses,
    one_line,
    placed,
    taken,
    written,
)
from rpg.errors import LayoutError, PlanError
from rpg.metadata import a1111
from rpg.plans.exports import Exported
from rpg.plans.geometry import Box, grid, rows_of
from rpg.plans.plan import MAX_REGIONS, Plan
from rpg.plans.split_ratio import format_split_ratio, parse_split_ratio
from rpg.plans.wording import worded

__all__ = ["is_prompt", "read", "write"]

# As it searches for them: in capitals, and within words too; AND is the web UI's own.
_OBEYED = re.compile(r"ADD(?:ROW|COL|BASE|COMM|P)|BREAK|\bAND\b|^Negative prompt:")
_KNOWN = re.compile(r"\bADD(?:ROW|COL|BASE|COMM)\b|\bRP Active: True\b")
_BETWEEN = re.compile(r"\s*\b(ADDROW|ADDCOL)\b\s*")
_BREAK = re.compile(r"\s*\bBREAK\b\s*")
_AND = re.compile(r"\s*\b(?:BREAK|AND)\b\s*")
_CHANGED = str.maketrans(",;", ";,")
_PAINTED = ("Mask", "Prompt")  # modes of regions that are painted, or found by words
_ROWS = ("Vertical", "Rows")  # the mode in which columns are made first


def write(plan: Plan) -> Exported:
    """The plan as text to paste into the web UI's prompt, for its arrow button to take apart.

    Raises:
        PlanError: there are no regions, or a text has a word that the extension would obey.
    """
    layers, ratios = plan.layers(), base_ratios(plan)
    if not layers:
        raise PlanError("the plan has no regions: there is nothing for Regional Prompter to do")
    rows = _rows([one.box for one in layers])
    boxes = _tiles([[layers[at].box for at in row] for row in rows])
    words = worded(plan)
    texts = [
        one_line(written(text, SQUARE)) for text in (plan.effective_base_prompt, *words.regions)
    ]
    check_words(plan, texts, _OBEYED, "Regional Prompter")
    said = " ADDROW\n".join(" ADDCOL\n".join(texts[at + 1] for at in row) for row in rows)
    usual = FAMILIES["sdxl"]
    width, height = usual.canvas([one.box for one in layers], plan.aspect)
    settings = {
        "Steps": usual.num_inference_steps,
        "Sampler": "Euler",
        "CFG scale": usual.guidance_scale,
        "Size": f"{width}x{height}",
        "RP Active": True,
        "RP Divide mode": "Matrix",
        "RP Matrix submode": "Columns",
        "RP Calc Mode": "Attention",
        "RP Ratios": format_split_ratio(boxes),
        "RP Base Ratios": ";".join(",".join(f"{ratios[at]:g}" for at in row) for row in rows),
        "RP Use Base": True,
        "RP Use Common": False,
        "RP Use Ncommon": False,
        "RP Change AND": False,
    }
    negative = one_line(written(plan.effective_negative, SQUARE))
    text = a1111.write(f"{texts[0]} ADDBASE\n{said}", negative, settings)
    return Exported(text, losses(plan) + _moved([one.box for one in layers], words.leftover))


def is_prompt(text: str) -> bool:
    """Whether a text has the extension's words or settings in it."""
    return _KNOWN.search(text) is not None


def read(text: str) -> Plan:
    """The plan in a prompt with the extension's words, or in generation data with its settings.

    Without settings, ratios are equal and the base ratio is 0.2 where there is a base prompt, as
    the extension has them. What shares do not fit the regions are equal likewise.

    Raises:
        PlanError: a region is empty, there are too many, or they are painted.
    """
    prompt, negative, pairs, _ = a1111.read(text)
    mode = pairs.get("RP Divide mode", "Matrix")
    if mode in _PAINTED:
        raise PlanError(f"Regional Prompter's mode {mode} has no shares: its regions are not read")
    common, prompt = _headed(prompt, "ADDCOMM")
    base, prompt = _headed(prompt, "ADDBASE")
    flipped = pairs.get("RP Matrix submode", "Columns") in _ROWS
    ratios = pairs.get("RP Ratios", "")
    if pairs.get("RP Flip") == "True":
        ratios = ratios.translate(_CHANGED)
    if flipped and ";" in ratios:  # the signs between columns and within them change places too
        ratios = ratios.translate(_CHANGED)
    if _BETWEEN.search(prompt):
        rows = _split(prompt, flipped)
    else:
        parts = (_AND if _changes_and(pairs) else _BREAK).split(prompt)
        if pairs.get("RP Use Common") == "True" and not common and len(parts) > 1:
            common = parts.pop(0)
        if pairs.get("RP Use Base") == "True" and not base and len(parts) > 1:
            base = parts.pop(0)
        rows = _broken(parts, ratios)
    cells = [cell for row in rows for cell in row]
    if len(cells) > MAX_REGIONS:
        raise PlanError(f"{len(cells)} regions; at most {MAX_REGIONS} are drawn: merge some")
    prompts = [
        taken(", ".join(filter(None, (common, _BREAK.sub(", ", cell).strip()))), SQUARE)
        for cell in cells
    ]
    shares = (
        _numbers(pairs.get("RP Base Ratios", "0.2"), len(cells)) if base else [0.0] * len(cells)
    )
    whole = taken(_BREAK.sub(", ", base or common), SQUARE)
    return Plan(
        prompt=whole or ", ".join(prompts),
        negative=taken(_BREAK.sub(", ", negative), SQUARE),
        aspect=aspect_of(pairs.get("Size", "")),
        source="regional-prompter",
        regions=placed(
            [""] * len(cells),
            prompts,
            _boxes([len(row) for row in rows], ratios, flipped),
            shares,
        ),
    )


def _changes_and(pairs: Mapping[str, str]) -> bool:
    """Whether AND is a BREAK, by the setting of older and of newer versions."""
    if "RP Options" in pairs:
        return "AND" not in pairs["RP Options"]  # the option is to leave AND alone
    return pairs.get("RP Change AND") == "True"


def _rows(boxes: Sequence[Box]) -> list[list[int]]:
    """The boxes as rows of columns, by number; those beside one another share a row."""
    rows: list[list[int]] = []
    for at in sorted(range(len(boxes)), key=lambda at: boxes[at].center[1]):
        if rows and _beside(boxes[rows[-1][0]], boxes[at]):
            rows[-1].append(at)
        else:
            rows.append([at])
    return [sorted(row, key=lambda at: boxes[at].center[0]) for row in rows]


def _beside(one: Box, other: Box) -> bool:
    """Whether more than half of the lower one is at the height of the other."""
    common = min(one.y1, other.y1) - max(one.y0, other.y0)
    return common > min(one.height, other.height) / 2


def _tiles(rows: Sequence[Sequence[Box]]) -> list[Box]:
    """Boxes that fill the canvas as rows of columns, as high and wide to each other as those."""
    heights = _spans([sum(box.height for box in row) / len(row) for row in rows])
    return [
        Box(x0, y0, x1, y1)
        for row, (y0, y1) in zip(rows, heights, strict=True)
        for x0, x1 in _spans([box.width for box in row])
    ]


def _spans(sizes: Sequence[float]) -> list[tuple[float, float]]:
    total = sum(sizes)
    return list(pairwise([0.0, *(edge / total for edge in accumulate(sizes[:-1])), 1.0]))


def _moved(boxes: Sequence[Box], leftover: str) -> tuple[str, ...]:
    """What rows of columns do not say of these boxes."""
    try:
        rows_of(boxes)
    except LayoutError:
        between = f', and "{leftover}" is drawn nowhere by itself' if leftover else ""
        return (
            f"regions are rows of columns that fill the canvas there: some have moved{between}",
        )
    return ()


def _headed(prompt: str, word: str) -> tuple[str, str]:
    """What stands in front of a word, and behind it."""
    head, found, rest = prompt.partition(word)
    return (head.strip(" ,\n"), rest) if found else ("", prompt)


def _split(prompt: str, flipped: bool) -> list[list[str]]:
    """Prompts by row; by column, where columns are made first."""
    outer = "ADDCOL" if flipped else "ADDROW"
    first, *rest = _BETWEEN.split(prompt)
    rows = [[first]]
    for word, cell in zip(rest[::2], rest[1::2], strict=True):
        if word == outer:
            rows.append([cell])
        else:
            rows[-1].append(cell)
    return rows


def _broken(parts: Sequence[str], ratios: str) -> list[list[str]]:
    """Prompts that BREAK stands between, by row as the shares have it."""
    counts = [max(len(row.split(",")) - 1, 1) for row in ratios.split(";")]
    if ";" not in ratios or sum(counts) != len(parts):
        return [list(parts)]
    left = iter(parts)
    return [[next(left) for _ in range(count)] for count in counts]


def _boxes(counts: Sequence[int], ratios: str, flipped: bool) -> list[Box]:
    """A box for each prompt.

    Args:
        counts: prompts of each row, or column where these are made first.
        ratios: the shares; what cannot be read, or does not fit, is equal.
        flipped: whether columns are made first.
    """
    try:
        boxes = list(parse_split_ratio(ratios))
        found = [len(row) for row in rows_of(boxes)]
    except LayoutError:
        boxes, found = [], []
    if found == [len(counts)] and set(counts) == {1}:  # "1,2" with ADDROW alone: of rows
        boxes, found = [_turned(box) for box in boxes], list(counts)
    if found != list(counts):
        boxes = [
            Box(box.x0, row.y0, box.x1, row.y1)
            for count, row in zip(counts, grid(len(counts), 1), strict=True)
            for box in grid(1, count)
        ]
    return [_turned(box) for box in boxes] if flipped else boxes


def _turned(box: Box) -> Box:
    return Box(box.y0, box.x0, box.y1, box.x1)


def _numbers(text: str, count: int) -> list[float]:
    """Base ratios, one for each region; the last for all that have none."""
    found = [_share(part) for part in re.split("[,;]", text)][:count]
    return found + found[-1:] * (count - len(found))


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        return 0.0
    return min(max(share, 0.0), 1.0) if share == share else 0.0
