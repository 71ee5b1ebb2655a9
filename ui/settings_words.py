"""What the form of settings says beside the table of settings: lists to choose from.

Every list begins with the model's own, an empty value. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rpg.defaults import PRESETS, ModelDefaults, Preset
from rpg.settings import Setting
from ui import sizes as shapes

__all__ = ["choices", "own", "presets", "sizes"]

Choices = list[tuple[str, str]]
_PRESETS: dict[Preset, str] = {"fast": "Fast"}


def own(defaults: ModelDefaults, preset: str = "") -> dict[str, Any]:
    """What holds where a field is empty, by the settings' names, as far as there is a value."""
    said: dict[str, Any] = defaults.words()
    return said | (defaults.preset(preset) if preset else {})


def choices(setting: Setting, own: Mapping[str, Any], preset: str = "") -> Choices:
    """Values of a setting that has a list of them, where an empty one means that of `own`."""
    whose, value = "Preset's" if preset else "Model's own", own.get(setting.name)
    first = f"{whose} ({value})" if value else whose
    return [(first, ""), *((setting.choice_labels.get(one, one), one) for one in setting.choices)]


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
