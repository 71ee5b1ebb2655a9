"""LoRAs, ControlNets and IP-Adapters, loaded for pipelines of diffusers."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import diffusers
import transformers

from rpg._loading import loading, named
from rpg.diffusion.backbones import family
from rpg.diffusion.quiet import quiet_loading
from rpg.diffusion.sources import check_controlnet, check_ip_adapter, check_lora
from rpg.errors import ModelError
from rpg.metadata import public_name

__all__ = ["load_controlnet", "load_ip_adapter", "loras"]

_ENCODER = "image_encoder"


@contextmanager
def loras(pipe: Any, files: Sequence[tuple[Path, float]]) -> Iterator[None]:
    """Loads LoRAs into a pipeline that has none, and takes them out again.

    Args:
        pipe: A pipeline of diffusers.
        files: `.safetensors` files, and how strongly each acts.

    Raises:
        ModelError: One cannot be read or was made for another model; none is left in the pipeline.
    """
    if not files:
        yield
        return
    try:
        for number, (file, _) in enumerate(files):
            _load(pipe, file, f"lora_{number}")
        names = [f"lora_{number}" for number in range(len(files))]
        pipe.set_adapters(names, [weight for _, weight in files])
        yield
    finally:
        pipe.unload_lora_weights()


def _load(pipe: Any, file: Path, name: str) -> None:
    with named(file.parent.resolve(), "its folder"), named(file, f"the LoRA {file.stem}"):
        check_lora(file)
        with loading(f"{file}, which may be made for another kind of model"), _quiet():
            pipe.load_lora_weights(str(file.parent), weight_name=file.name, adapter_name=name)
    if not any(name in found for found in pipe.get_list_adapters().values()):
        raise ModelError(f"the LoRA {file.stem} holds nothing that fits this model")


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the warning that there is a LoRA already: the one before."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Already found a `peft_config`")
        yield


def load_controlnet(source: str | os.PathLike[str], pipe: Any) -> Any:
    """A ControlNet from a folder in diffusers' layout or a hub id, where and as `pipe` is.

    Raises:
        ModelError: It cannot be loaded.
    """
    net: Any = diffusers.ControlNetModel
    with named(source, f"the ControlNet {public_name(source)}"), loading(os.fspath(source)):
        model: Any = family(pipe).model(pipe)
        check_controlnet(os.fspath(source), model.config)
        loaded = net.from_pretrained(os.fspath(source), dtype=model.dtype, use_safetensors=True)
    return loaded.to(pipe.device).eval()


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
    with loading(f"{file}, which may be made for another kind of model"):
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
