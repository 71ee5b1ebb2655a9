"""The flags for what acts in one region alone: LoRAs and reference pictures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rpg.cli import files
from rpg.errors import SettingsError
from rpg.plans.naming import region_named

if TYPE_CHECKING:
    from PIL.Image import Image

    from rpg.plans.plan import Plan


@dataclass(frozen=True)
class RegionFlags:
    """What single regions are given, by what the flags call them.

    Attributes:
        loras: Files and how strongly each acts.
        images: Reference pictures.
        scale: How strongly these act; None leaves it open.
    """

    loras: dict[str, list[tuple[Path, float]]]
    images: dict[str, list[Image]]
    scale: float | None

    @classmethod
    def read(
        cls,
        loras: Iterable[str],
        images: Iterable[str],
        scale: float | None,
        ip_adapter: Path | None,
        ip_image_encoder: Path | None,
    ) -> RegionFlags:
        """Reads the pictures, and looks at what the LoRAs' files are.

        Raises:
            SettingsError: A value is of another form, a picture cannot be read, or a flag lacks
                another that it needs.
            ModelError: A file is no LoRA.
        """
        found = cls({}, {}, scale)
        for text in loras:
            name, value = _pair("--region-lora", text, "REGION=FILE.safetensors:WEIGHT")
            found.loras.setdefault(name, []).append(_weighted(value))
        for text in images:
            name, value = _pair("--region-image", text, "REGION=PICTURE")
            found.images.setdefault(name, []).append(files.read_picture(Path(value)))
        if found.images and ip_adapter is None:
            raise SettingsError("--region-image needs --ip-adapter, the one that reads the picture")
        beside = {
            "--ip-adapter": ip_adapter,
            "--ip-image-encoder": ip_image_encoder,
            "--region-image-scale": scale,
        }
        for flag, given in beside.items():
            if given is not None and not found.images:
                raise SettingsError(f"{flag} does nothing without --region-image")
        if found.loras:
            from rpg.diffusion.sources import check_lora  # which loads torch

            for some in found.loras.values():
                for file, _ in some:
                    check_lora(file)
        return found

    def check(self, plan: Plan) -> None:
        """Whether all that is named is in the plan.

        Raises:
            SettingsError: Something is not; lists what there is.
        """
        for name in (*self.loras, *self.images):
            region_named(plan, name)

    def words(self) -> dict[str, Any]:
        """Of a call of `RPGPipeline`."""
        given = {
            "region_loras": self.loras,
            "region_images": self.images,
            "region_image_scale": self.scale,
        }
        return {name: value for name, value in given.items() if value not in (None, {})}


def _pair(flag: str, text: str, form: str) -> tuple[str, str]:
    name, equals, value = (part.strip() for part in text.partition("="))
    if not (name and equals and value):
        raise SettingsError(f"{flag} {text!r:.80}: write {form}")
    return name, value


def _weighted(text: str) -> tuple[Path, float]:
    """A file, and the number after its last colon; 1 where there is none."""
    path, _, number = text.rpartition(":")
    try:
        return (Path(path), float(number)) if path else (Path(text), 1.0)
    except ValueError:  # a colon of the file's own
        return Path(text), 1.0
