"""IP-Adapters with their image encoders, loaded into pipelines of diffusers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import transformers

from rpg._loading import loading
from rpg.diffusion.backbones import family
from rpg.diffusion.quiet import quiet_adapters, quiet_loading
from rpg.diffusion.sources import check_ip_adapter
from rpg.errors import ModelError

__all__ = ["load_ip_adapter"]

_ENCODER = "image_encoder"


def load_ip_adapter(pipe: Any, source: Path, encoder: Path | None = None) -> None:
    """Loads an IP-Adapter into a pipeline, with what encodes its pictures.

    Args:
        pipe: A pipeline of diffusers.
        source: A `.safetensors` file, or a folder that holds one and no other.
        encoder: The image encoder's folder; None is `image_encoder` beside the file.

    Raises:
        ModelError: One of them cannot be read or is something else, or it is for another model.
    """
    file = _only_file(source)
    unet: Any = family(pipe).model(pipe)
    check_ip_adapter(file, unet.config)
    folder = encoder or file.parent / _ENCODER
    if not (folder / "config.json").is_file():
        raise ModelError(f"{folder} is no image encoder: name its folder (rpg: --ip-image-encoder)")
    with loading(f"{folder} as an image encoder"), quiet_loading():
        kind: Any = transformers.CLIPVisionModelWithProjection
        model = kind.from_pretrained(os.fspath(folder), dtype=pipe.dtype, use_safetensors=True)
    pipe.register_modules(image_encoder=model.to(pipe.device).eval())
    with loading(f"{file}, which may be made for another kind of model"), quiet_adapters():
        pipe.load_ip_adapter(
            os.fspath(file.parent),
            subfolder="",
            weight_name=file.name,
            image_encoder_folder=None,
        )


def _only_file(source: Path) -> Path:
    if not source.is_dir():
        return source
    files = sorted(source.glob("*.safetensors"))
    if len(files) != 1:
        there = ", ".join(file.name for file in files) or "none"
        raise ModelError(f"{source}: name the IP-Adapter's .safetensors file; it holds {there}")
    return files[0]
