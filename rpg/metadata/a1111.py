"""The `parameters` text that AUTOMATIC1111's web UI writes and that most tools read.

a red star at night
Negative prompt: blurry
Steps: 20, Sampler: Euler a, CFG scale: 5.0, Seed: 7, Size: 1024x1024, Model: sdxl
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import NamedTuple

from rpg.settings import Scheduler

SAMPLERS: Mapping[Scheduler, str] = {
    "ddim": "DDIM",
    "ddpm": "DDPM",
    "dpm++2m": "DPM++ 2M",
    "dpm++2m-karras": "DPM++ 2M Karras",
    "euler": "Euler",
    "euler-a": "Euler a",
    "heun": "Heun",
    "lms": "LMS",
    "pndm": "PLMS",
    "unipc": "UniPC",
    "lcm": "LCM",
    "tcd": "TCD",
}
_NEGATIVE = "\nNegative prompt: "
_PAIR = re.compile(r'([A-Z][\w /+-]{0,40}): ("(?:\\.|[^"\\])*"|[^,]*)(?:, |,|$)')
_SETTINGS = re.compile(r"\s*Steps: ?\d")
_NAME = re.compile(r"[A-Z][\w /-]{0,40}(?=:)")
_MAX_LINE = 2**18


class Infotext(NamedTuple):
    """What stands in a text.

    Attributes:
        prompt: May be empty.
        negative: May be empty.
        pairs: Of the line of settings, those that we do not know too.
        extra: Names of lines under it, which extensions write.
    """

    prompt: str
    negative: str
    pairs: dict[str, str]
    extra: list[str]


def write(prompt: str, negative: str, pairs: Mapping[str, object]) -> str:
    """The text for one picture; pairs whose value is None are left out."""
    known = ", ".join(
        f"{key}: {_quoted(value)}" for key, value in pairs.items() if value is not None
    )
    return prompt + (_NEGATIVE + negative if negative else "") + "\n" + known


def read(text: str) -> Infotext:
    """The text taken apart; without a line of settings all of it is prompt and negative prompt."""
    lines = text.strip().split("\n")
    at = next((at for at in reversed(range(len(lines))) if _is_settings(lines[at])), len(lines))
    last, under = "".join(lines[at : at + 1]), lines[at + 1 :]
    prompt, _, negative = ("\n" + "\n".join(lines[:at])).partition(_NEGATIVE)
    pairs = {key: _unquoted(value) for key, value in _PAIR.findall(last)}
    names = [found[0] for line in under if (found := _NAME.match(line))]
    extra = names or (["lines under the settings"] if any(map(str.strip, under)) else [])
    return Infotext(prompt.strip(), negative.strip(), pairs, extra)


def _is_settings(line: str) -> bool:
    return len(line) <= _MAX_LINE and _SETTINGS.match(line) is not None


def _quoted(value: object) -> str:
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if re.search(r'[,:"\n]', text) else text


def _unquoted(text: str) -> str:
    if not text.startswith('"'):
        return text.strip()
    try:
        return str(json.loads(text))
    except json.JSONDecodeError:
        return text
