"""What another tool's picture says, on its way into our own settings.

Readers of single tools (`rpg.metadata.dialects`) put what they find into a `Foreign`, with every
value in our own meaning. What cannot be taken is named in `lost`: nothing goes missing unsaid, and
a number out of range costs that number alone.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rpg._json_size import has_too_many_values
from rpg.errors import SettingsError
from rpg.plans.model import MAX_PROMPT_CHARS
from rpg.plans.prompt_weights import MAX_WEIGHT, WeightedText
from rpg.settings import MAX_SEED, SETTINGS, GenerationSettings, Scheduler

_MAX_DIGITS = 20
_NUMBER = re.compile(rf"[+-]?\d{{1,{_MAX_DIGITS}}}(\.\d{{0,{_MAX_DIGITS}}})?")
_UNSHOWN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_NO_PROMPT = frozenset({"none", "null", "nan", "undefined"})
_NETWORK = re.compile(
    r"\s?<(lora|lyco|hypernet):([^<>:]{1,200})(?::([^<>]{0,60}))?>", re.IGNORECASE
)
# What weights a text with us and not in most tools: signs behind words, numbers behind brackets.
_SIGNS = re.compile(r"(?<=\w)(?:\+\++|--+)(?![\w+-])|(?<=\))[+-]+(?![\w+-])")
_BEHIND = re.compile(r"(?<!\\)\)(?=\.?\d)")
_MAX_NAMED = 12
_MAX_SHOWN = 60

# As every tool's names of samplers read without case, spaces and signs.
_SAMPLERS: Mapping[str, Scheduler] = {
    "ddim": "ddim",
    "ddpm": "ddpm",
    "dpmpp2m": "dpm++2m",
    "euler": "euler",
    "eulera": "euler-a",
    "eulerancestral": "euler-a",
    "heun": "heun",
    "lcm": "lcm",
    "lms": "lms",
    "plms": "pndm",
    "pndm": "pndm",
    "tcd": "tcd",
    "unipc": "unipc",
}
# Schedules that are a sampler's own.
_PLAIN = frozenset({"", "automatic", "normal", "native", "uniform"})


@dataclass
class Foreign:
    """What one picture of another tool says, translated.

    Attributes:
        prompt: For the whole picture, with weights as we write them.
        negative: Likewise; may be empty.
        model: As the tool names it.
        settings: Words of `GenerationSettings`, not validated.
        lost: What cannot be taken, a line each.
        unread: Names of values that mean something we have no word for.
    """

    prompt: str = ""
    negative: str = ""
    model: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)

    def take(self, **words: Any) -> None:
        """Adds settings; those that are None or empty are not said."""
        for name, value in words.items():
            if value is not None and value != "":
                self.settings[name] = number(value)

    def sample(self, sampler: object, schedule: object = "") -> None:
        """Takes a sampler and the schedule of its steps by the tool's names."""
        plain = re.sub(r"[^a-z0-9]", "", re.sub(r"\+\+", "pp", str(sampler or "")).lower())
        plain = re.sub(r"^(?:sample|k)(?=[a-z])", "", plain) if "_" in str(sampler) else plain
        steps = re.sub(r"[^a-z0-9]", "", str(schedule or "").lower())
        if plain not in _SAMPLERS and plain.endswith(("karras", "k")):
            plain, steps = plain.removesuffix("karras").removesuffix("k"), "karras"
        if not sampler:
            return
        known = _SAMPLERS.get(plain)
        if known is None:
            self.lost.append(f"sampler {shown(sampler)} is none of ours: the model's own is used")
        elif known == "dpm++2m" and steps == "karras":
            known = "dpm++2m-karras"
        elif steps not in _PLAIN:
            self.lost.append(f"schedule {shown(schedule or 'Karras')} is not taken")
        self.take(scheduler=known)

    def skip_layers(
        self, counted: object, *, from_one: bool = True, xl: bool | None = None
    ) -> None:
        """Takes a clip skip, which most tools count from 1 for none; ours is of layers left out.

        Args:
            counted: The tool's number.
            from_one: Whether 1 leaves out none in a model that takes the last layer, as in
                AUTOMATIC1111's web UI; else 0 does, as in diffusers.
            xl: Whether the model is an SDXL, which takes the last but one; None if unknown.
        """
        value = number(counted)
        if not isinstance(value, int):
            if value not in (None, ""):
                self.lost.append(f"clip skip {shown(counted)} is no number")
            return
        left_out = value - (2 if xl else 1) if from_one else value
        if left_out < 0 and xl:
            self.lost.append(f"clip skip {value} is not taken: SDXL models leave out one layer")
        elif left_out > 0:
            self.take(clip_skip=left_out)
            if from_one and xl is None:
                self.lost.append(
                    f"clip skip {value} is taken as {left_out}, as SD 1.5 counts; "
                    "with an SDXL model clear it"
                )

    def draw_over(self, factor: object, strength: object) -> None:
        """Takes a second pass over the enlarged picture."""
        self.take(upscale=factor, upscale_strength=strength)

    def from_picture(self, strength: object) -> None:
        """Says that the picture was drawn from another, which no text holds."""
        self.lost.append(
            f"it was drawn from another picture (strength {shown(strength)}), which the file does "
            "not hold: give it with the strength"
        )

    def without_networks(self, spoken: Callable[[str], str] = str) -> None:
        """Takes LoRA tags out of the texts and names them.

        Args:
            spoken: Makes the tool's weights in a text ours.
        """
        for name in ("prompt", "negative"):
            text = getattr(self, name)
            for kind, network, weight in _NETWORK.findall(text):
                self.network(kind, network, weight)
            setattr(self, name, spoken(_NETWORK.sub("", text).strip(" \t\r\n,")))

    def network(self, kind: str, name: object, weight: object = "") -> None:
        """Names a LoRA or the like, without its folder."""
        stem = re.split(r"[\\/]", str(name))[-1].removesuffix(".safetensors")
        called = {"lora": "LoRA", "lyco": "LyCORIS", "hypernet": "hypernetwork"}[kind.lower()]
        strength = f" ({shown(weight)})" if weight not in (None, "") else ""
        line = f"{called} {shown(stem)}{strength} is not loaded: load it yourself"
        if line not in self.lost:
            self.lost.append(line)

    def losses(self) -> list[str]:
        """All that is lost; what goes by one first word stands together."""
        unread = [name for name in self.unread if name.strip()]
        if not unread:
            return self.lost
        count = Counter(name.split()[0] for name in unread)
        named = dict.fromkeys(
            f"{first} ({count[first]} values)" if count[first := name.split()[0]] > 2 else name
            for name in unread
        )
        more = f" and {len(named) - _MAX_NAMED} more" if len(named) > _MAX_NAMED else ""
        return [*self.lost, f"not read: {', '.join(map(shown, [*named][:_MAX_NAMED]))}{more}"]


def usable(words: Mapping[str, Any]) -> tuple[GenerationSettings, list[str]]:
    """Settings of what is within its range, and a line for each word that is not."""
    good: dict[str, Any] = {}
    lost: list[str] = []
    for name, value in words.items():
        told = value
        if name in ("seed", "variation_seed") and isinstance(value, int):
            if MAX_SEED < value < 2**64:
                told = value & MAX_SEED  # the generator of noise looks at the last 32 bits alone
                lost.append(f"seed {value} is written as {told}, which draws the same noise")
        try:
            GenerationSettings(**{name: told})
        except SettingsError:
            row = SETTINGS[name]
            lost.append(f"{row.label.lower()} {shown(value)} is not taken: it can be {row.range}")
        else:
            good[name] = told
    try:
        return GenerationSettings(**good), lost
    except SettingsError as error:
        less = {name: good[name] for name in good.keys() - {"width", "height", "upscale"}}
        return GenerationSettings(**less), [*lost, f"the size is not taken: {error}"]


def number(value: Any) -> Any:
    """A number in words as a number; anything else as it is."""
    if not isinstance(value, str) or not (found := _NUMBER.fullmatch(value.strip())):
        return value
    return float(found[0]) if found[1] else int(found[0])


def shown(value: object) -> str:
    """A stranger's text as it can stand in a line."""
    text = _UNSHOWN.sub(" ", whole(str(value)[: 4 * _MAX_SHOWN])).strip()
    return text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 1] + "…"


def whole(text: str) -> str:
    """A text as UTF-8 can write it: JSON may hold halves of letters."""
    return text.encode("utf-8", "replace").decode()


def is_prompt(text: str) -> bool:
    """Whether a text says something to draw: not empty, no "None", no JSON."""
    text = text.strip()
    if not text or text.lower() in _NO_PROMPT:
        return False
    return not (text[0] in '{["' and isinstance(decoded(text), (dict, list)))


def decoded(text: str) -> Any:
    """What a JSON text holds; None for what is none, or holds very many values."""
    if has_too_many_values(text.encode("utf-8", "surrogatepass")):
        return None
    try:
        return json.loads(text, parse_int=_whole)
    except (ValueError, RecursionError):
        return None


def _whole(digits: str) -> int | float:
    """A whole number; of one that no setting can hold the size, which may be infinite."""
    return int(digits) if len(digits) <= _MAX_DIGITS else float(digits)


def table(value: Any) -> dict[str, Any]:
    """A JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def text_in(source: Mapping[str, Any], name: str) -> str:
    """A text of a JSON object; empty where there is none, or something else."""
    value = source.get(name)
    return value if isinstance(value, str) else ""


def weighted(pieces: Iterable[tuple[str, float]]) -> str:
    """A text with the weights of its pieces, as we write them."""
    bounded = [(text, max(-MAX_WEIGHT, min(weight, MAX_WEIGHT))) for text, weight in pieces if text]
    plain = "".join(text for text, _ in bounded)
    if len(plain) > MAX_PROMPT_CHARS:  # which no plan takes
        return plain
    return WeightedText(tuple(bounded)).text


def round_brackets_weight(text: str) -> str:
    """A text of a tool in which brackets weight, and nothing behind them or behind words does."""
    text = _BEHIND.sub(") ", text)
    return _SIGNS.sub(lambda signs: "".join(f"\\{sign}" for sign in signs[0]), text)
