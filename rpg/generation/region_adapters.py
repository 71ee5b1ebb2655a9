"""LoRAs and reference pictures of single regions, read before anything is planned or drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from rpg.diffusion.region_images import DEFAULT_IMAGE_SCALE, check_images
from rpg.diffusion.region_lora import load_loras
from rpg.errors import SettingsError
from rpg.generation.request import Inputs

__all__ = ["adapted"]


def adapted(pipe: Any, inputs: Inputs) -> Inputs:
    """The inputs with weights in place of the files of `region_loras`, all of it checked.

    Args:
        pipe: The diffusers pipeline that they are for.
        inputs: Of a call.

    Raises:
        ModelError: A LoRA cannot be loaded or does not fit, or there is no IP-Adapter.
        SettingsError: Something of another form.
    """
    for name in ("region_loras", "region_images"):
        if not isinstance(given := getattr(inputs, name), Mapping | None):
            raise SettingsError(
                f"{name}: expected a mapping of regions, not {type(given).__name__}"
            )
    scale = inputs.region_image_scale
    check_images(pipe, inputs.region_images or {}, DEFAULT_IMAGE_SCALE if scale is None else scale)
    loras = load_loras(pipe, inputs.region_loras or {})
    return replace(inputs, region_loras=loras or None)
