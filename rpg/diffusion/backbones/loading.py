"""Pipelines loaded from folders, hub ids and single files, and their siblings."""

from __future__ import annotations

import inspect
import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import diffusers
import torch

from rpg._loading import first_line, loading
from rpg._memory import memory_explained
from rpg.defaults import ModelDefaults, of_model
from rpg.diffusion.backbones.base import Task
from rpg.diffusion.backbones.registry import FAMILIES, family
from rpg.diffusion.memory import offloaded_like, place
from rpg.diffusion.memory_plan import LowVram, checked_choice
from rpg.diffusion.sources import check_pipeline, checkpoint
from rpg.errors import ModelError

__all__ = ["device_named", "load_pipeline", "load_single_file", "sibling"]

_TOO_LARGE = (
    'load it in dtype float16, or with low_vram="on", which offloads what does not work '
    "(--dtype float16, --low-vram on)"
)


def load_pipeline(
    model: str | os.PathLike[str],
    *,
    dtype: torch.dtype | str | None = None,
    device: torch.device | str | None = None,
    low_vram: LowVram = "auto",
    **words: Any,
) -> Any:
    """Load a folder in diffusers' layout, or a hub id, from safetensors only.

    Args:
        model: the folder or id.
        dtype: a torch dtype or its name; None is float32 on a CPU and float16 elsewhere.
        device: None is the best there is.
        low_vram: "auto" saves memory where the device has too little for a picture, "on" in any
            case, "off" never; see `rpg.diffusion.memory_plan`.
        words: passed to `DiffusionPipeline.from_pretrained`.

    Raises:
        ModelError: it cannot be loaded, or its family is none that regions work with.
    """
    device, low_vram = device_named(device), checked_choice(low_vram)
    source = os.fspath(model)
    check_pipeline(source, _class_names(), words)
    loader: Any = diffusers.DiffusionPipeline
    with loading(source), memory_explained(ModelError, _TOO_LARGE):
        pipe = loader.from_pretrained(
            source, dtype=_dtype(dtype, device), use_safetensors=True, **words
        )
    usual = of_model(Path(source), family(pipe).name)
    return _placed(pipe, device, usual, low_vram, any_dtype=dtype is None, given=words)


def load_single_file(
    path: str | os.PathLike[str],
    *,
    dtype: torch.dtype | str | None = None,
    device: torch.device | str | None = None,
    low_vram: LowVram = "auto",
    **words: Any,
) -> Any:
    """Load one `.safetensors` checkpoint, as shared by its makers.

    Args:
        path: the file.
        dtype: as in `load_pipeline`.
        device: as in `load_pipeline`.
        low_vram: as in `load_pipeline`.
        words: passed to diffusers' `from_single_file`; `config` names a local folder with the
            configuration, where the hub cannot be reached.

    Raises:
        ModelError: it is something else than a checkpoint of our families, or cannot be loaded.
    """
    device, low_vram = device_named(device), checked_choice(low_vram)
    source = Path(path)
    pipeline: Any = FAMILIES[checkpoint(source, words).family].pipelines["text2img"]
    with loading(str(source)), memory_explained(ModelError, _TOO_LARGE):
        pipe = pipeline.from_single_file(str(source), dtype=_dtype(dtype, device), **words)
    usual = family(pipe).defaults
    return _placed(pipe, device, usual, low_vram, any_dtype=dtype is None, given=words)


def _class_names() -> set[str]:
    """The classes of pipelines that can be loaded by name."""
    return {one.__name__ for known in FAMILIES.values() for one in known.pipelines.values()}


def _placed(
    pipe: Any,
    device: torch.device,
    usual: ModelDefaults,
    low_vram: LowVram,
    *,
    any_dtype: bool,
    given: Collection[str],
) -> Any:
    """A pipeline on its device; after a failure nothing of it is held but what the caller gave."""
    advice = f"the model does not fit on {device}; {_TOO_LARGE}"
    try:
        with loading("the model"), memory_explained(ModelError, advice):
            canvas, name = (usual.width, usual.height), family(pipe).name
            place(pipe, device, canvas, low_vram, family=name, any_dtype=any_dtype)
    except ModelError:
        for name, part in pipe.components.items():
            if isinstance(part, torch.nn.Module):  # an error that is kept would keep its weights
                part.to("cpu" if name in given else "meta")
        raise
    return pipe


def sibling(pipe: Any, task: Task, *, controlnet: Any = None) -> Any:
    """The pipeline for another task over the same components.

    Args:
        pipe: a pipeline of a known family.
        task: what the sibling is for.
        controlnet: the ControlNet, where `pipe` holds none.

    Raises:
        ModelError: the task needs a ControlNet and there is none.
    """
    wanted = family(pipe).pipelines.get(task)
    if wanted is None:
        raise ModelError(f"task {task!r}: one of {', '.join(FAMILIES['sdxl'].pipelines)}")
    if type(pipe) is wanted and controlnet is None:
        return pipe
    # Not by `from_pipe`, which casts every component, the shared ones too, to one dtype.
    held = {**pipe.config, **pipe.components}
    if task == "controlnet":
        held["controlnet"] = controlnet if controlnet is not None else held.get("controlnet")
        if held["controlnet"] is None:
            raise ModelError("a control image needs a ControlNet: pass controlnet=...")
    return _over(wanted, held, pipe)


def _over(wanted: type, held: Mapping[str, Any], pipe: Any) -> Any:
    """A pipeline of class `wanted` over what `held` names, otherwise like `pipe`."""
    held = {**held, "add_watermarker": getattr(pipe, "watermark", None) is not None}
    parameters = inspect.signature(wanted).parameters
    made = wanted(**{name: held[name] for name in parameters if name in held})
    made.set_progress_bar_config(**getattr(pipe, "_progress_bar_config", {}))
    made.register_to_config(_name_or_path=pipe.config.get("_name_or_path"))
    offloaded_like(made, pipe)
    return made


def device_named(asked: torch.device | str | None) -> torch.device:
    """The device of that name; None is the best there is.

    Raises:
        ModelError: there is none of that name here.
    """
    if asked is not None:
        try:
            device = torch.device(asked)
            torch.zeros(1).to(device)  # a good name does not mean that it is there
        except Exception as error:
            raise ModelError(
                f"device {str(asked)!r}: {first_line(error)}; name another, such as cpu, or none "
                "for the best there is"
            ) from error
        return device
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def _dtype(asked: torch.dtype | str | None, device: torch.device) -> torch.dtype:
    if asked is None:
        return torch.float32 if device.type == "cpu" else torch.float16
    found = getattr(torch, asked, None) if isinstance(asked, str) else asked
    if not isinstance(found, torch.dtype):
        raise ModelError(f"dtype {asked!r}: use float32, float16 or bfloat16")
    return found
