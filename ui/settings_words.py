"""What the form of settings says: names, hints, and lists to choose from.

Every list begins with the model's own, an empty value. Pure.
"""

from __future__ import annotations

from typing import Any

from rpg.defaults import PRESETS, ModelDefaults, Preset
from rpg.settings import COMPOSERS, SCHEDULERS
from ui import sizes as shapes

__all__ = ["IDS", "INFO", "LABELS", "composers", "presets", "schedulers", "sizes"]

Choices = list[tuple[str, str]]
_COMPOSERS = {
    "latent+attention": "Latents first, then attention",
    "latent": "Latents: every region on its own",
    "attention": "Attention: all regions at once",
}
_PRESETS: dict[Preset, str] = {"fast": "Fast"}
LABELS = {
    "preset": "Preset",
    "seed": "Seed",
    "num_images_per_prompt": "Pictures",
    "width": "Width",
    "height": "Height",
    "num_inference_steps": "Steps",
    "guidance_scale": "Guidance",
    "negative_prompt": "Negative prompt",
    "composer": "Composer",
    "base_ratio": "Base ratio",
    "share": "Share of latents",
    "start": "Regions from",
    "end": "Regions until",
    "feather": "Feather",
    "scheduler": "Scheduler",
    "guidance_end": "Guidance until",
    "guidance_rescale": "Guidance rescale",
    "clip_skip": "Clip skip",
    "strength": "Strength",
}
INFO = {
    "base_ratio": "Weight of the prompt for the whole within regions, 0 to 1",
    "share": "First share of the steps that draws regions apart, 0 to 1",
    "start": "Share of the steps before regions act, 0 to 1",
    "end": "Share of the steps after which they rest, 0 to 1",
    "feather": "Width of the blend between regions, 0 to 0.5 of the shorter side",
    "guidance_end": "Share of the steps after which guidance is off and a step costs half",
    "guidance_rescale": "Against glaring colours, 0 to 1",
    "clip_skip": "Last layers of the text encoder left out, 1 to 12",
    "strength": "How far it may go from that picture, above 0, at most 1",
}
IDS = {"num_images_per_prompt": "count", "num_inference_steps": "steps"}


def composers(defaults: ModelDefaults) -> Choices:
    """Ways to compose regions."""
    own = f"Model's own ({defaults.composer})"
    return [(own, ""), *((_COMPOSERS[name], name) for name in COMPOSERS)]


def schedulers(own: str | None, preset: str = "") -> Choices:
    """Schedulers, where an empty value means `own`, be it the model's or a preset's."""
    whose = "Preset's" if preset else "Model's own"
    first = f"{whose} ({own})" if own else whose
    return [(first, ""), *((name, name) for name in SCHEDULERS)]


def presets(defaults: ModelDefaults) -> Choices:
    """Presets, and what they mean."""
    own = f"Model's own, {defaults.num_inference_steps} steps"
    return [(own, ""), *((_summary(defaults, name), name) for name in PRESETS)]


def sizes(defaults: ModelDefaults) -> Choices:
    """Sizes of pictures."""
    grows = " (grows with regions)" if defaults.region_side else ""
    own = f"Model's own, {defaults.width}x{defaults.height}{grows}"
    custom = ("Custom: see More settings", shapes.CUSTOM)
    return [(own, shapes.OWN), *shapes.presets(defaults), custom]


def _summary(defaults: ModelDefaults, name: Preset) -> str:
    said: dict[str, Any] = defaults.preset(name)
    end = said["guidance_end"]
    cut = f", guidance until {end:g}" if end != defaults.guidance_end else ""
    return f"{_PRESETS[name]}: {said['num_inference_steps']} steps of {said['scheduler']}{cut}"
