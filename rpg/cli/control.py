"""The picture that a drawing follows, as the command line is told of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rpg.cli import files
from rpg.errors import SettingsError

if TYPE_CHECKING:
    from PIL.Image import Image

    from rpg.pipeline import RPGPipeline
    from rpg.plans.plan import Plan

_FLAGS = ("--control-image", "--controlnet", "--control-mode", "--control-scale")


@dataclass(frozen=True)
class Control:
    """The flags of the panel "What to follow"; none of them is given where there is no picture.

    Attributes:
        picture: What is followed.
        source: The model that does.
        options: Further words of a call.
    """

    picture: Image | None = None
    source: str = ""
    options: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def read(
        cls, picture: Path | None, source: str | None, mode: str | None, scale: float | None
    ) -> Control:
        """Reads the picture, and judges the model, which is loaded later.

        Raises:
            ModelError: There is no such model, or it is something else.
            SettingsError: The picture cannot be read, one of the two is missing, or the mode is
                missing or none of the model's.
        """
        given = (picture, source, mode, scale)
        if picture is not None and source is not None:
            from rpg.diffusion.controlnets import check_mode  # which loads torch

            shown = files.read_picture(picture)
            check_mode(source, mode)
            named = {"control_mode": mode, "controlnet_conditioning_scale": scale}
            options = {name: value for name, value in named.items() if value is not None}
            return cls(shown, source, options)
        for flag, value in zip(_FLAGS, given, strict=True):
            if value is not None:
                missing = _FLAGS[0] if picture is None else _FLAGS[1]
                raise SettingsError(f"{flag} needs {missing}, too")
        return cls()

    @property
    def given(self) -> set[str]:
        """Names of the inputs of a call that these flags bring, as in `Record.needs`."""
        return {"control_image", "controlnet", *self.options} if self.source else set()

    def words(self, rpg: RPGPipeline, plan: Plan) -> dict[str, Any]:
        """What a call is told; loads the model.

        Raises:
            ModelError: It cannot be loaded, or is for another family.
        """
        if self.picture is None:
            return {}
        from rpg.diffusion.canvas import with_area
        from rpg.diffusion.controlnets import load_controlnet

        return {
            "control_image": with_area(self.picture, rpg.defaults.canvas_of(plan)),
            "controlnet": load_controlnet(self.source, rpg.pipe),
            **self.options,
        }
