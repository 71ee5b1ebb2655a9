"""The `parameters` text that AUTOMATIC1111's web UI writes and that most tools read.

a red star at night
Negative prompt: blurry
Steps: 20, Sampler: Euler a, CFG scale: 5.0, Seed: 7, Size: 1024x1024, Model: sdxl
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

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
_BY_NAME = {name: key for key, name in SAMPLERS.items()}
_NEGATIVE = "\nNegative prompt: "
_PAIR = re.compile(r'([A-Z][\w /+-]{0,40}): ("(?:\\.|[^"\\])*"|[^,]*)(?:, |,|$)')
_MAX_LINE = 4096


def write(prompt: str, negative: str, pairs: Mapping[str, object]) -> str:
    """The text for one picture; pairs whose value is None are left out."""
    known = ", ".join(
        f"{key}: {_quoted(value)}" for key, value in pairs.items() if value is not None
    )
    return prompt + (_NEGATIVE + negative if negative else "") + "\n" + known


def read(text: str) -> tuple[str, str, dict[str, str]]:
    """Prompt, negative prompt and the pairs of the last line; pairs it does not know are kept."""
    head, _, last = text.strip().rpartition("\n")
    if not last.startswith("Steps: ") or len(last) > _MAX_LINE:
        head, last = text, ""
    prompt, _, negative = ("\n" + head).partition(_NEGATIVE)
    return (
        prompt.strip(),
        negative.strip(),
        {key: _unquoted(value) for key, value in _PAIR.findall(last)},
    )


def settings(pairs: Mapping[str, str]) -> dict[str, object]:
    """The pairs as words of `GenerationSettings`, unvalidated; the rest is left out."""
    width, _, height = pairs.get("Size", "").partition("x")
    words: dict[str, object] = {
        "num_inference_steps": pairs.get("Steps"),
        "guidance_scale": pairs.get("CFG scale"),
        "seed": pairs.get("Seed"),
        "width": width,
        "height": height,
        "clip_skip": pairs.get("Clip skip"),
        "strength": pairs.get("Denoising strength"),
        "scheduler": _BY_NAME.get(pairs.get("Sampler", "")),
    }
    return {word: value for word, value in words.items() if value}


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
