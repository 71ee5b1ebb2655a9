r"""Prompts as other tools write them: their brackets, on one line, without words that they obey.

A1111 and Forge read "(a:1.2)", "(a)" and "[a]" as weights, ComfyUI all but the last; Compel's
signs, as in "red++", are text to them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from rpg.defaults import FAMILIES
from rpg.errors import PlanError
from rpg.plans.geometry import Box
from rpg.plans.plan import Plan, Region
from rpg.plans.prompt_weights import read

ROUND, SQUARE = "()", "()[]\\"
_SIGNS = re.compile(r"(?<=[\w)])(?:\++\+|--+|(?<=\))[+-])(?![\w+-])")
_FREE_SQUARE = re.compile(r"(?<!\\)[\[\]]")


def written(text: str, brackets: str) -> str:
    """A text of a plan as a tool reads it.

    Args:
        text: weights as `rpg.plans.prompt_weights` reads them.
        brackets: what is escaped where it is text: `ROUND` for ComfyUI, `SQUARE` for A1111.
    """
    escapes = str.maketrans({sign: f"\\{sign}" for sign in brackets})
    parts = []
    for run, weight in read(text).runs:
        core = run.strip()
        if weight == 1 or not core:
            parts.append(run.translate(escapes))
        else:
            lead, _, trail = run.partition(core)
            parts.append(f"{lead}({core.translate(escapes)}:{round(weight, 4)}){trail}")
    return "".join(parts)


def taken(text: str, brackets: str) -> str:
    """A tool's text as plans write it; the inverse of `written`."""
    text = _SIGNS.sub(r"\\\g<0>", text)
    if "[" not in brackets:
        text = _FREE_SQUARE.sub(r"\\\g<0>", text)
    return read(text).text.strip()


def one_line(text: str) -> str:
    """The text with every run of white space as one space."""
    return " ".join(text.split())


def check_words(plan: Plan, texts: Iterable[str], obeyed: re.Pattern[str], tool: str) -> None:
    """Refuses texts that hold a word which the tool would obey.

    Args:
        plan: what the texts are of, the base prompt first and then its layers.
        texts: what is written.
        obeyed: such words.
        tool: its name, for the message.

    Raises:
        PlanError: there is one; says where.
    """
    owners = ["the base prompt", *(f"region {one.id!r}" for one in plan.layers())]
    for owner, text in zip(owners, texts, strict=True):
        if found := obeyed.search(text):
            raise PlanError(
                f"{owner} has the word {found[0]}, which {tool} would obey; write it in small "
                "letters, or save the plan as JSON"
            )


def base_ratios(plan: Plan) -> list[float]:
    """The base ratio of every layer; SDXL's usual one where the plan says none."""
    usual = FAMILIES["sdxl"].ratio_for(plan) if plan.base_ratio is None else plan.base_ratio
    return [usual if one.base_ratio is None else one.base_ratio for one in plan.layers()]


def placed(
    ids: Sequence[str], prompts: Sequence[str], boxes: Sequence[Box], ratios: Sequence[float]
) -> tuple[Region, ...]:
    """Regions from what a tool says of them; r1, r2... where their ids are none."""
    names = [name if 0 < len(name) <= 100 and ids.count(name) == 1 else "" for name in ids]
    if not all(names):
        names = [f"r{at}" for at in range(1, len(prompts) + 1)]
    return tuple(
        Region(id=name, prompt=prompt, box=box, base_ratio=ratio)
        for name, prompt, box, ratio in zip(names, prompts, boxes, ratios, strict=True)
    )


def aspect_of(size: str) -> float | None:
    """The shape of a size such as "1024x768"; None for a square, and what is no size."""
    match = re.fullmatch(r"([1-9]\d{1,3})x([1-9]\d{1,3})", size)
    if match is None or match[1] == match[2]:
        return None
    return min(max(int(match[1]) / int(match[2]), 0.1), 10.0)


def losses(plan: Plan) -> tuple[str, ...]:
    """What none of the tools is told of the regions, a sentence each."""
    said = []
    for region in plan.layers():
        if region.mask is not None:
            said.append(f"region {region.id!r} is its box there, without the painted form")
        if region.negative:
            said.append(f"region {region.id!r} has no negative prompt of its own there")
    return tuple(said)
