"""LoRAs and ControlNets that the page offers by name; where they lie is the app's affair alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rpg.errors import SettingsError

if TYPE_CHECKING:
    from PIL.Image import Image

    from rpg.pipeline import RPGPipeline
    from rpg.plans.plan import Plan

__all__ = ["Adapters", "Extras"]

_MOST_LORAS = 8  # at once


@dataclass(frozen=True)
class Extras:
    """What takes part in a drawing beside plan and settings.

    Attributes:
        image: A picture to start from.
        controlnet: Name of a ControlNet; empty for none.
        control: The picture that it is to follow.
        control_scale: How strongly, 0 to 2.
        loras: Names, with how strongly each acts, -4 to 4.
    """

    image: Image | None = None
    controlnet: str = ""
    control: Image | None = None
    control_scale: float = 1.0
    loras: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class Adapters:
    """What there is.

    Attributes:
        loras: Files by name.
        controlnets: Folders in diffusers' layout, hub ids or files by name; loaded when first used.
            A union ControlNet goes by the name of what its picture shows, such as "canny".
    """

    loras: Mapping[str, Path] = field(default_factory=dict)
    controlnets: Mapping[str, str] = field(default_factory=dict)
    _loaded: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def found(cls, folder: str | None, named: Sequence[str] = ()) -> Adapters:
        """The `.safetensors` files of a folder, and ControlNets written as NAME=FOLDER_OR_ID.

        Raises:
            SettingsError: There is no such folder, or a ControlNet is written in another way.
        """
        if folder is not None and not Path(folder).is_dir():
            raise SettingsError(f"--loras {folder}: no such folder")
        files = sorted(Path(folder).glob("*.safetensors")) if folder is not None else []
        return cls({file.stem: file for file in files}, dict(map(_named, named)))

    def check(self, extras: Extras) -> None:
        """Refuses what there is not, or what does not go together.

        Raises:
            SettingsError: Says which.
        """
        unknown = [name for name, _ in extras.loras if name not in self.loras]
        if extras.controlnet and extras.controlnet not in self.controlnets:
            unknown.append(extras.controlnet)
        if unknown:
            raise SettingsError(f"there is no {unknown[0]!r:.80}; reload the page to see what is")
        if len(extras.loras) > _MOST_LORAS:
            raise SettingsError(f"{len(extras.loras)} LoRAs; choose at most {_MOST_LORAS}")
        if extras.controlnet and extras.control is None:
            raise SettingsError("the ControlNet needs a picture to follow: add one, or choose none")
        if extras.controlnet and extras.image is not None:
            raise SettingsError("start from a picture or follow one by ControlNet, not both")

    @contextmanager
    def at_work(self, rpg: RPGPipeline, plan: Plan, extras: Extras) -> Iterator[dict[str, Any]]:
        """The words of a call that draws with these; LoRAs act until the context is left.

        Only to be entered in the model's thread.

        Raises:
            ModelError: One cannot be loaded.
        """
        from rpg.diffusion import adapters
        from rpg.diffusion.backbones.controls import control_of

        files = [(self.loras[name], weight) for name, weight in extras.loras]
        words: dict[str, Any] = {}
        if extras.image is not None:
            words["image"] = _of_usual_area(extras.image, rpg, plan)
        if extras.controlnet and extras.control is not None:
            words["control_image"] = _of_usual_area(extras.control, rpg, plan)
            words["controlnet"] = net = self._controlnet(extras.controlnet, rpg)
            if control_of(net).has_modes:
                words["control_mode"] = extras.controlnet
            words["controlnet_conditioning_scale"] = extras.control_scale
        with adapters.loras(rpg.pipe, files):
            yield words

    def _controlnet(self, name: str, rpg: RPGPipeline) -> Any:
        from rpg.diffusion.controlnets import load_controlnet

        source = self.controlnets[name]
        if source not in self._loaded:
            self._loaded[source] = load_controlnet(source, rpg.pipe)
        return self._loaded[source]


def _named(text: str) -> tuple[str, str]:
    name, equals, source = text.partition("=")
    if not (name.strip() and equals and source.strip()):
        raise SettingsError(f"--controlnet {text!r:.80}: write NAME=FOLDER_OR_ID")
    return name.strip(), source.strip()


def _of_usual_area(picture: Image, rpg: RPGPipeline, plan: Plan) -> Image:
    from rpg.diffusion.canvas import with_area

    return with_area(picture, rpg.defaults.canvas_of(plan))
