"""A1111, Forge, and Fooocus in its A1111 scheme: the `parameters` text."""

from __future__ import annotations

import re
from collections.abc import Mapping

from rpg.metadata import a1111
from rpg.metadata.foreign import Foreign, number, round_brackets_weight, shown

_SIDES = re.compile(r"(\d{1,6})x(\d{1,6})")
# Words that cut a prompt, and brackets, which change words on the way where a sign is in them.
_CUTS = re.compile(r"\b(?:BREAK|AND|ADDCOL|ADDROW|ADDCOMM|ADDBASE)\b|\[[^\[\]]*\]")
_MAX_CUTS = 20
_TAKEN = frozenset(
    {
        "steps",
        "sampler",
        "schedule type",
        "cfg scale",
        "distilled cfg scale",
        "seed",
        "size",
        "model",
        "base model",
        "clip skip",
        "denoising strength",
        "hires upscale",
        "hires resize",
        "hires upscaler",
        "variation seed",
        "variation seed strength",
    }
)
_HARMLESS = frozenset(  # which picture comes out does not depend on them
    "model hash|base model hash|vae hash|hashes|lora hashes|ti hashes|version|user|created by"
    "|created date|civitai resources|civitai metadata|metadata scheme".split("|")
)


def read(texts: Mapping[str, str]) -> Foreign | None:
    """The text under `parameters`, where it is none of JSON."""
    if "parameters" not in texts:
        return None
    prompt, negative, pairs, extra = a1111.read(texts["parameters"])
    said = {key.casefold(): value for key, value in pairs.items()}
    found = Foreign(prompt, negative, said.get("model") or said.get("base model", ""))
    found.without_networks(round_brackets_weight)
    guidance = said.get("cfg scale")
    if number(guidance) == 1:  # models distilled from guidance take it as a condition
        guidance = said.get("distilled cfg scale", guidance)
    for cut in list(dict.fromkeys(_CUTS.findall(found.prompt)))[:_MAX_CUTS]:
        if cut[0] != "[" or set(cut) & set(":|"):
            found.lost.append(f"{shown(cut)} in the prompt is read as words")
    found.take(
        num_inference_steps=said.get("steps"), guidance_scale=guidance, seed=said.get("seed")
    )
    found.sample(said.get("sampler"), _schedule(said))
    found.skip_layers(said.get("clip skip"))
    if sides := _SIDES.fullmatch(said.get("size", "")):
        found.take(width=sides[1], height=sides[2])
    elif said.get("size"):
        found.lost.append(f"size {shown(said['size'])} is no size")
    _second_pass(found, said)
    if strength := said.get("variation seed strength"):
        found.take(variation_strength=strength, variation_seed=said.get("variation seed"))
    found.unread += [key for key in pairs if key.casefold() not in _TAKEN | _HARMLESS]
    found.unread += extra
    return found


def _schedule(said: Mapping[str, str]) -> str:
    """The schedule of the steps; "Automatic" is Karras's for DPM++ 2M, since there is that word."""
    schedule = said.get("schedule type", "")
    automatic = schedule.casefold() == "automatic" and said.get("sampler") == "DPM++ 2M"
    return "Karras" if automatic else schedule


def _second_pass(found: Foreign, said: Mapping[str, str]) -> None:
    strength, factor = said.get("denoising strength"), said.get("hires upscale")
    if resized := _SIDES.fullmatch(said.get("hires resize", "")):
        sides = zip(resized.groups(), ("width", "height"), strict=True)
        ratios = [int(new) / (found.settings.get(old) or 1) for new, old in sides]
        if max(ratios) - min(ratios) > 0.02:
            found.lost.append(f"hires resize {shown(resized[0])} has another shape: not enlarged")
            return
        factor = f"{max(ratios):.4f}"
    if factor:
        found.draw_over(factor, strength)
        upscaler = said.get("hires upscaler", "Lanczos")
        if upscaler != "Lanczos":
            found.lost.append(f"hires upscaler {shown(upscaler)} is replaced by Lanczos")
    elif strength:
        found.from_picture(strength)
