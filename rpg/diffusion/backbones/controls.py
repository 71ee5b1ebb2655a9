"""Models that make a drawing follow a picture: ControlNets, union ControlNets, T2I-Adapters.

diffusers has a pipeline for each kind, which names things in its own way. Whoever calls uses the
words of ControlNets; here they are told apart, checked and translated.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import diffusers
import torch
from PIL import Image

from rpg.diffusion.backbones.base import Family
from rpg.errors import ModelError, SettingsError

__all__ = ["MODES", "Control", "chosen", "control_named", "control_of", "held"]

# Task numbers of the union ControlNets for SDXL, as their maker's README counts them (xinsir); the
# first six are in every one, `tile` and `repaint` in the variant called ProMax alone.
MODES: Mapping[str, int] = {
    "openpose": 0,
    "depth": 1,
    "scribble": 2,
    "hed": 2,
    "canny": 3,
    "lineart": 3,
    "mlsd": 3,
    "normal": 4,
    "segment": 5,
    "tile": 6,
    "repaint": 7,
}
_SCALE = "controlnet_conditioning_scale"
_OURS = ("control", "adapter_", "guess_mode")  # beginnings of words for such models alone


@dataclass(frozen=True)
class Control:
    """A kind of model.

    Attributes:
        title: With its article.
        component: What a pipeline calls it.
        pipeline: How the names of its pipelines end; empty for the family's own.
        picture: What a call names the picture that is followed.
        renamed: The words of ControlNets that its pipelines call otherwise.
    """

    title: str
    component: str
    pipeline: str
    picture: str
    renamed: Mapping[str, str] = field(default_factory=dict)

    @property
    def has_modes(self) -> bool:
        """Whether it has to be told what a picture shows."""
        return self is _UNION

    def pipeline_of(self, family: Family) -> type[Any]:
        """The class of diffusers that draws with one.

        Raises:
            ModelError: There is none for the family.
        """
        if not self.pipeline:
            return family.pipelines["controlnet"]
        for name in family.others:
            if name.endswith(self.pipeline):
                kind: type[Any] = getattr(diffusers, name)
                return kind
        raise ModelError(f"{self.title}: diffusers has no pipeline for one with {family.title}")

    def modes(self, asked: Any, pictures: int, types: int) -> list[int]:
        """The numbers of a union's modes, one for each picture; none for the other kinds.

        Args:
            asked: By name or number, one or a list.
            pictures: How many are followed.
            types: How many the model knows.

        Raises:
            SettingsError: One is missing, unknown to the model, or given to another kind.
        """
        asked = asked if isinstance(asked, (list, tuple)) else [] if asked is None else [asked]
        if not self.has_modes:
            if asked:
                raise SettingsError(f"control_mode is for union ControlNets: {self.title} has none")
            return []
        names = ", ".join(name for name, number in MODES.items() if number < types)
        if len(asked) != pictures:
            raise SettingsError(
                f"control_mode: {len(asked)} for {pictures} control images of a union ControlNet; "
                f"say for each what it shows: {names}"
            )
        return [_mode(mode, types, names) for mode in asked]

    def words(
        self, net: Any, pictures: Any, mode: Any, extra: Mapping[str, Any], family: Family
    ) -> dict[str, Any]:
        """What the call of its pipeline is told.

        Args:
            net: The model, or a list of such.
            pictures: What is to be followed; for a union one or a list, with as many modes.
            mode: Of a union, by name or number; None for all others.
            extra: What else the call says, in the words of ControlNets where they have any.
            family: Of the pipeline.

        Raises:
            ModelError: diffusers has no pipeline for it.
            SettingsError: As of `modes`; or a word has no meaning for this kind.
        """
        told = {self.renamed.get(name, name): value for name, value in extra.items()}
        told[self.picture] = pictures
        if self.has_modes:
            several = pictures if isinstance(pictures, list) else [pictures]
            told[self.picture] = several
            told["control_mode"] = self.modes(mode, len(several), net.config.num_control_type)
            if (scale := told.get(_SCALE)) is not None:
                told[_SCALE] = list(scale) if isinstance(scale, (list, tuple)) else float(scale)
        else:
            self.modes(mode, 1, 0)
        if self is _ADAPTER:
            told[self.picture] = _with_channels(pictures, int(net.config.in_channels))
        taken = inspect.signature(self.pipeline_of(family).__call__).parameters
        strange = [name for name in told if name.startswith(_OURS) and name not in taken]
        if strange:
            raise SettingsError(f"{strange[0]}: {self.title} takes none")
        return told


_PLAIN = Control("a ControlNet", "controlnet", "", "image")
_UNION = Control("a union ControlNet", "controlnet", "ControlNetUnionPipeline", "control_image")
_ADAPTER = Control(
    "a T2I-Adapter",
    "adapter",
    "AdapterPipeline",
    "image",
    {
        _SCALE: "adapter_conditioning_scale",
        "control_guidance_end": "adapter_conditioning_factor",
    },
)
_KINDS = {
    "ControlNetModel": _PLAIN,
    "MultiControlNetModel": _PLAIN,
    "ControlNetUnionModel": _UNION,
    "T2IAdapter": _ADAPTER,
}
_SEVERAL = {"ControlNetModel"}  # what a list may hold


def control_of(net: Any) -> Control:
    """The kind of a model; of several, given as a list, each has to be a plain ControlNet.

    Raises:
        ModelError: It is none of these.
    """
    several = isinstance(net, (list, tuple))
    names = [type(getattr(one, "_orig_mod", one)).__name__ for one in (net if several else [net])]
    kinds = [_KINDS.get(name) for name in names]
    kind = kinds[0] if kinds and (not several or set(names) <= _SEVERAL) else None
    if kind is not None:
        return kind
    raise ModelError(
        f"controlnet is {', '.join(names) or 'empty'}: give a ControlNet or a list of them, "
        "one union ControlNet or one T2I-Adapter"
    )


def control_named(name: str) -> Control:
    """The kind whose models diffusers calls so, as `sources.control_class` says it."""
    return _KINDS[name]


def chosen(net: Any, pipe: Any) -> Any:
    """The model of such a kind that a call gives, else the one among a pipeline's components.

    Raises:
        ModelError: There is neither.
    """
    found = net if net is not None else held(pipe)
    if found is None:
        raise ModelError("a control image needs a ControlNet: pass controlnet=...")
    return found


def held(pipe: Any) -> torch.nn.Module | None:
    """The model of such a kind among a pipeline's components."""
    parts = pipe.components
    found: torch.nn.Module | None = parts.get("controlnet", parts.get("adapter"))
    return found


def _mode(asked: Any, types: int, names: str) -> int:
    number = MODES.get(asked) if isinstance(asked, str) else asked
    if type(number) is not int or not 0 <= number < types:
        raise SettingsError(f"control_mode {asked!r:.40}: this ControlNet has {names}")
    return number


def _with_channels(pictures: Any, channels: int) -> Any:
    """PIL pictures in grey or in colour, as a T2I-Adapter was made for; others as they are."""
    if isinstance(pictures, list):
        return [_with_channels(one, channels) for one in pictures]
    if not isinstance(pictures, Image.Image):
        return pictures
    return pictures.convert("L" if channels == 1 else "RGB")
