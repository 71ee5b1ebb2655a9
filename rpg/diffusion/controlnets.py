"""ControlNets, union ControlNets and T2I-Adapters, loaded whole or not at all."""

from __future__ import annotations

import inspect
import os
import re
from pathlib import Path
from typing import Any

import diffusers
import torch
from accelerate import init_empty_weights  # type: ignore[import-untyped]
from diffusers.loaders.single_file_utils import convert_controlnet_checkpoint
from safetensors.torch import load_file

from rpg._loading import loading, named
from rpg.diffusion.backbones import family
from rpg.diffusion.backbones.controls import control_named
from rpg.diffusion.file_kinds import Shapes, header
from rpg.diffusion.sources import control_class
from rpg.errors import ModelError
from rpg.metadata import public_name

__all__ = ["check_mode", "load_controlnet"]

_WEIGHTS = "diffusion_pytorch_model*.safetensors"
_LDM = re.compile(r"input_hint_block\.(\d+)\.weight$")
_HINT = re.compile(_LDM.pattern + r"|cond_embedding\.(?:conv_in|blocks\.(\d+))\.weight$")
_OF_TEXT = {"encoder_hid_dim", "encoder_hid_dim_type"}  # an IP-Adapter's, in the UNet alone
_UNKNOWN_BUILD = (
    "its layers are not those of the usual build for this model; give its folder in diffusers' "
    "layout, which says how it is built"
)


def load_controlnet(source: str | os.PathLike[str], pipe: Any) -> Any:
    """What is to follow pictures, on the device that a pipeline computes on.

    Args:
        source: A folder in diffusers' layout or a hub id: a ControlNet, a union ControlNet or a
            T2I-Adapter, which is found out. Or a ControlNet's `.safetensors` file, in diffusers'
            or in the original layout, built like the pipeline's UNet.
        pipe: The pipeline that it is for.

    Raises:
        ModelError: It is something else, for another family, or holds tensors that would be left
            out, or lacks some.
    """
    path = os.fspath(source)
    with named(path, f"the ControlNet {public_name(path)}"), loading(path):
        model: Any = family(pipe).model(pipe)
        is_file, shapes = Path(path).is_file(), _shapes(Path(path))
        name, _ = control_class(path, shapes, model.config)
        kind: Any = getattr(diffusers, name)
        if is_file:
            net = _from_file(path, kind, shapes, model)
        else:
            net = _from_folder(path, kind, shapes, model.dtype)
        return net.to(pipe._execution_device).eval()


def check_mode(source: str | os.PathLike[str], mode: str | None) -> None:
    """Judges what is to follow one picture before a model is loaded for it, by what it says.

    Args:
        source: As in `load_controlnet`.
        mode: As in a call.

    Raises:
        ModelError: There is no such thing, or it is something else.
        SettingsError: It is a union ControlNet and the mode is missing or unknown, or it is none
            and a mode is given.
    """
    path = os.fspath(source)
    with named(path, f"the ControlNet {public_name(path)}"), loading(path):
        name, types = control_class(path, _shapes(Path(path)))
    control_named(name).modes(mode, 1, types)


def _shapes(path: Path) -> Shapes:
    """Of the weights in a file or a folder; empty where they are elsewhere or in several files."""
    files = [path] if path.is_file() else sorted(path.glob(_WEIGHTS))[:1]
    return header(files[0]) if files else {}


def _from_folder(path: str, kind: Any, shapes: Shapes, dtype: torch.dtype) -> Any:
    words = {"use_safetensors": True, "output_loading_info": True, **_union_sizes(shapes)}
    net, found = kind.from_pretrained(path, dtype=dtype, **words)
    for what in ("unexpected_keys", "missing_keys", "mismatched_keys"):
        if found[what]:
            few = ", ".join(map(str, sorted(found[what])[:2]))
            raise ModelError(
                f"{path}: {len(found[what])} {what.replace('_', ' ')}, such as {few}: its weights "
                "are not those that its config.json describes"
            )
    return net


def _from_file(path: str, kind: Any, shapes: Shapes, unet: Any) -> Any:
    """Built as a ControlNet is that was made from the UNet: a file does not say."""
    taken = inspect.signature(kind).parameters.keys() - _OF_TEXT
    config = {name: value for name, value in unet.config.items() if name in taken}
    config |= {
        "conditioning_embedding_out_channels": _hint_channels(shapes),
        **_union_sizes(shapes),
    }
    weights = load_file(path)
    if any(map(_LDM.search, weights)):
        weights = convert_controlnet_checkpoint(weights, config)
    with init_empty_weights():
        net = kind(**config)
    if {name: value.shape for name, value in net.state_dict().items()} != {
        name: value.shape for name, value in weights.items() if value is not None
    }:
        raise ModelError(f"{path}: {_UNKNOWN_BUILD}")
    net.load_state_dict(
        {name: weights[name].to(unet.dtype) for name in net.state_dict()}, assign=True
    )
    return net


def _union_sizes(shapes: Shapes) -> dict[str, int]:
    """What the tensors of a union ControlNet say of its build."""
    if "task_embedding" not in shapes:
        return {}
    types, width = shapes["task_embedding"]
    projected = shapes.get("spatial_ch_projs.bias", (width,))[0]
    return {
        "num_control_type": types,
        "num_trans_channel": width,
        "num_proj_channel": projected,
    }


def _hint_channels(shapes: Shapes) -> tuple[int, ...]:
    """Channels of the convolutions over the picture: the first's, then every second's."""
    found = {
        int(match[1] or match[2] or -1): shape[0]
        for name, shape in shapes.items()
        if (match := _HINT.search(name))
    }
    return tuple(found[index] for index in sorted(found))[::2]
