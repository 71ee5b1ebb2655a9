"""Plans as prompts of Forge Couple, the extension of Forge, and back.

Its regions are lines of the prompt. In its advanced mode a table has a row for each line: x from
and to, y from and to, and a weight; where lines lie over each other, weights share the place. The
first line is the base prompt over the whole canvas. The web UI reads table and mode out of pasted
generation data, and so they stand here (github.com/Haoming02/sd-forge-couple: README,
`scripts/forge_couple.py`, `lib_couple/mapping.py`)::

    two animals
    a fox
    an owl
    Negative prompt: blurry
    Steps: 30, ..., forge_couple: True, forge_couple_mode: Advanced,
    forge_couple_mapping: "[[0.0, 1.0, 0.0, 1.0, 0.3], [0.0, 0.5, 0.0, 1.0, 0.7], ...]"
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from itertools import combinations
from typing import Any

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
from rpg.errors import PlanError
from rpg.metadata import a1111
from rpg.plans.exports import Exported
from rpg.plans.geometry import FULL, Box, grid
from rpg.plans.plan import Plan
from rpg.plans.wording import worded

__all__ = ["is_prompt", "read", "write"]

_OBEYED = re.compile(r"\bAND\b|^Negative prompt:")  # by the web UI
_LEAST = 0.05  # of the base prompt, since the extension wants a weight in every place
_PLACES = 4  # decimals of edges: a tenth of a pixel
_PAIR = re.compile(r'\b(forge_couple\w*): ("(?:\\.|[^"\\])*"|[^,\n]*)')
_TILE, _GLOBAL = 1.0, 0.5  # weights in the basic mode: of a tile, and of the line under all


def write(plan: Plan) -> Exported:
    """The plan as text to paste into the web UI's prompt, for its arrow button to take apart.

    Raises:
        PlanError: there are no regions, or a text has a word that the web UI would obey.
    """
    layers, words, lost = plan.layers(), worded(plan), losses(plan)
    if not layers:
        raise PlanError("the plan has no regions: there is nothing for Forge Couple to do")
    texts = [
        one_line(written(text, SQUARE)) for text in (plan.effective_base_prompt, *words.regions)
    ]
    check_words(plan, texts, _OBEYED, "the web UI")
    ratios = [max(ratio, _LEAST) for ratio in base_ratios(plan)]
    if ratios != base_ratios(plan):
        lost += (f"a base ratio under {_LEAST} is {_LEAST} there: it fills what no region covers",)
    if any(one.box.intersection(other.box) for one, other in combinations(layers, 2)):
        lost += ("where regions overlap, none is above: their prompts are mixed there",)
    if words.leftover:
        lost += (f'the base prompt is drawn between the regions there, not "{words.leftover}"',)
    base = max(ratios)
    rows = [[0.0, 1.0, 0.0, 1.0, base]]
    for region, ratio in zip(layers, ratios, strict=True):
        box = region.box
        edges = [round(edge, _PLACES) for edge in (box.x0, box.x1, box.y0, box.y1)]
        rows.append([*edges, round(base * (1 - ratio) / ratio, 6)])
    usual = FAMILIES["sdxl"]
    width, height = usual.canvas([one.box for one in layers], plan.aspect)
    settings = {
        "Steps": usual.num_inference_steps,
        "Sampler": "Euler",
        "CFG scale": usual.guidance_scale,
        "Size": f"{width}x{height}",
        "forge_couple": True,
        "forge_couple_mode": "Advanced",
        "forge_couple_separator": "\\n",
        "forge_couple_mapping": json.dumps(rows),
    }
    negative = one_line(written(plan.effective_negative, SQUARE))
    return Exported(a1111.write("\n".join(texts), negative, settings), lost)


def is_prompt(text: str) -> bool:
    """Whether a text has the extension's settings in it."""
    return _PAIR.search(text) is not None


def read(text: str) -> Plan:
    """The plan in lines of a prompt, with the extension's settings if it has them.

    Without settings, lines are columns of one width, as in the extension.

    Raises:
        PlanError: lines and table do not fit each other, the table is none, or regions are painted.
    """
    prompt, negative, pairs, _ = a1111.read(text)
    settings = {name: value.strip('"') for name, value in _PAIR.findall(text)}
    mode = settings.get("forge_couple_mode", "Basic")
    separator = settings.get("forge_couple_separator", "").replace("\\n", "\n").strip(" ") or "\n"
    lines = [line.strip() for line in prompt.split(separator) if line.strip()]
    if mode == "Advanced":
        base, lines, boxes, ratios = _mapped(lines, settings.get("forge_couple_mapping", ""))
    elif mode == "Basic":
        base, lines, boxes, ratios = _tiled(lines, settings)
    else:
        raise PlanError(f"Forge Couple's mode {mode[:20]!r} has painted regions; they are not read")
    prompts = [taken(one_line(line), SQUARE) for line in lines]
    return Plan(
        prompt=taken(one_line(base), SQUARE) or ", ".join(prompts),
        negative=taken(negative, SQUARE),
        aspect=aspect_of(pairs.get("Size", "")),
        source="forge-couple",
        regions=placed([""] * len(lines), prompts, boxes, ratios),
    )


_Lines = tuple[str, list[str], list[Box], list[float]]  # base prompt; text, box, ratio of regions


def _mapped(lines: list[str], table: str) -> _Lines:
    """The advanced mode: a row of the table for each line."""
    rows = _table(table)
    if len(rows) != len(lines):
        raise PlanError(
            f"Forge Couple's table has {len(rows)} rows for {len(lines)} lines: it needs one each"
        )
    boxes = [Box.clamped(x0, y0, x1, y1) for x0, x1, y0, y1, _ in rows]
    weights = [row[4] for row in rows]
    if len(rows) < 2 or boxes[0] != FULL:
        return "", lines, boxes, [0.0] * len(rows)
    ratios = [_ratio(weights[0], weight) for weight in weights[1:]]
    return lines[0], lines[1:], boxes[1:], ratios


def _table(text: str) -> list[list[float]]:
    try:
        rows: Any = json.loads(text)
    except (ValueError, RecursionError):
        rows = None
    if not isinstance(rows, list) or not all(_is_row(row) for row in rows):
        raise PlanError(
            "Forge Couple's table is none: each row needs x from, x to, y from, y to, w"
        )
    return rows


def _is_row(row: object) -> bool:
    return (
        isinstance(row, list)
        and len(row) == 5
        and all(isinstance(one, int | float) and abs(one) <= 100 for one in row)
        and row[4] >= 0
    )


def _tiled(lines: list[str], settings: Mapping[str, str]) -> _Lines:
    """The basic mode: tiles of one size, and perhaps a line under all of them."""
    under = settings.get("forge_couple_background", "None")
    base, weight = "", 0.0
    if under != "None" and len(lines) > 1:
        base = lines.pop(0 if under == "First Line" else -1)
        weight = _GLOBAL
        with suppress(ValueError):
            weight = min(
                max(float(settings.get("forge_couple_background_weight", _GLOBAL)), 0.0), 1.0
            )
    if not lines:
        raise PlanError("there are no lines for Forge Couple to make regions of")
    across = settings.get("forge_couple_direction", "Horizontal") == "Horizontal"
    boxes = grid(1, len(lines)) if across else grid(len(lines), 1)
    return base, lines, list(boxes), [_ratio(weight, _TILE)] * len(lines)


def _ratio(base: float, weight: float) -> float:
    return round(base / (base + weight), 6) if base > 0 else 0.0
