"""A LoRA's weights by the layers that they change, read without touching a pipeline's own LoRAs.

diffusers reads every form of file, but only into a model. It is given one of the same shapes
without weights, and what it has put in there is taken out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft.tuners.lora import LoraLayer
from peft.tuners.tuners_utils import BaseTunerLayer
from torch import Tensor

from rpg._loading import loading, named
from rpg.diffusion.quiet import quiet_adapters
from rpg.diffusion.sources import check_lora
from rpg.errors import ModelError

__all__ = ["LoraPart", "LoraWeights", "lora_weights"]

_ADAPTER = "region"
_KINDS = "a region takes a plain LoRA, no DoRA or LoKr"
_MODELS = ("unet", "text_encoder", "text_encoder_2")


@dataclass(frozen=True, eq=False)
class LoraPart:
    """What a LoRA adds to a layer: scale * up(down(x)).

    Attributes:
        down: to the rank.
        up: from it.
        scale: alpha by rank, as trained.
        own: whether the layers are nobody else's, so that they may be moved.
    """

    down: torch.nn.Module
    up: torch.nn.Module
    scale: float
    own: bool

    def __call__(self, x: Tensor) -> Tensor:
        """The difference that it makes to the layer's output, in its own dtype."""
        weight: Any = self.down.weight
        if self.own and weight.device != x.device:
            self.down.to(x.device)
            self.up.to(x.device)
        added: Tensor = self.up(self.down(x.to(weight.dtype))) * self.scale
        return added


@dataclass(frozen=True, eq=False)
class LoraWeights:
    """A LoRA.

    Attributes:
        name: for messages.
        parts: by the model's name among a pipeline's components and the layer's name in it.
    """

    name: str
    parts: Mapping[str, Mapping[str, LoraPart]]

    @property
    def changes_texts(self) -> bool:
        """Whether any of it is in a text encoder."""
        return any(name != "unet" for name in self.parts)


def lora_weights(pipe: Any, source: Any) -> LoraWeights:
    """The weights of a LoRA.

    Args:
        pipe: the diffusers pipeline that it is for; nothing in it is changed.
        source: a `.safetensors` file; the name of an adapter that is loaded into the pipeline and
            does not act; or what this function gave before.

    Raises:
        ModelError: there is none such, it is something else or for another model, it is of a kind
            that cannot be confined to a region, or it acts on the whole canvas already.
    """
    if isinstance(source, LoraWeights):
        return source
    models = {name: one for name in _MODELS if (one := getattr(pipe, name, None)) is not None}
    loaded = {name for one in models.values() for name in getattr(one, "peft_config", None) or ()}
    if str(source) in loaded:
        return _loaded(models, str(source))
    path = Path(source)
    if not path.is_file():
        there = f"; loaded are: {', '.join(sorted(loaded))}" if loaded else ""
        raise ModelError(f"{source!s:.200}: neither a file nor the name of a loaded LoRA{there}")
    with named(path.parent.resolve(), "its folder"), named(path, f"the LoRA {path.stem}"):
        check_lora(path)
        with loading(f"{path}, which may be made for another kind of model"):
            shells = _read(pipe, models, path)
    return _taken(shells, _ADAPTER, f"the LoRA {path.stem}", own=True)


def _loaded(models: Mapping[str, Any], name: str) -> LoraWeights:
    """Of an adapter that is in the pipeline already."""
    for model in models.values():
        for layer in model.modules():
            if isinstance(layer, BaseTunerLayer) and _acts(layer, name):
                raise ModelError(
                    f"the LoRA {name} acts on the whole canvas already: leave it out by "
                    "set_adapters, or switch LoRAs off by disable_lora, and it acts in its region"
                )
    return _taken(models, name, f"the LoRA {name}", own=False)


def _acts(layer: BaseTunerLayer, name: str) -> bool:
    if name in layer.merged_adapters:
        return True
    return not layer.disable_adapters and name in layer.active_adapters and name in layer.scaling


def _read(pipe: Any, models: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Models of the same shapes, into which diffusers has loaded a file."""
    states, alphas, metadata = pipe.lora_state_dict(
        str(path.parent),
        weight_name=path.name,
        unet_config=pipe.unet.config,
        return_lora_metadata=True,
        use_safetensors=True,
    )
    words = {"adapter_name": _ADAPTER, "metadata": metadata, "low_cpu_mem_usage": True}
    shells = {}
    with quiet_adapters():
        for name, model in models.items():
            if not any(key.startswith(f"{name}.") for key in states):
                continue
            shell = shells[name] = _shell(model)
            if name == "unet":
                pipe.load_lora_into_unet(states, alphas, shell, **words)
            else:
                pipe.load_lora_into_text_encoder(states, alphas, shell, prefix=name, **words)
    return shells


def _shell(model: Any) -> Any:
    """A model of the same shapes, every tensor of which is one number seen many times."""
    kind, config = getattr(model, "_orig_mod", model).__class__, model.config
    with torch.device("meta"):
        if isinstance(config, dict):  # an IP-Adapter has changed it to what no model is made of
            shell = kind.from_config({**config, "encoder_hid_dim_type": None})
        else:
            shell = kind(config)
    for module in shell.modules():
        for tensors in (module._parameters, module._buffers):
            for name, tensor in tensors.items():
                if tensor is not None:
                    dtype = model.dtype if tensor.is_floating_point() else tensor.dtype
                    flat = torch.zeros((), dtype=dtype).expand(tensor.shape)
                    is_buffer = tensors is module._buffers
                    tensors[name] = flat if is_buffer else torch.nn.Parameter(flat, False)
    return shell


def _taken(models: Mapping[str, Any], adapter: str, name: str, *, own: bool) -> LoraWeights:
    """What a LoRA has put into models.

    Raises:
        ModelError: nothing, or what is no plain LoRA.
    """
    parts: dict[str, dict[str, LoraPart]] = {}
    for model_name, model in models.items():
        for path, layer in model.named_modules():
            if not isinstance(layer, BaseTunerLayer):
                continue
            if adapter not in layer._all_available_adapter_names():
                continue
            if not isinstance(layer, LoraLayer) or adapter in layer.lora_variant:
                raise ModelError(f"{name} is of a kind that acts on whole pictures alone: {_KINDS}")
            rank: float = layer.r[adapter]
            rank = math.sqrt(rank) if layer.use_rslora.get(adapter) else rank
            down, up = layer.lora_A[adapter], layer.lora_B[adapter]
            part = LoraPart(down, up, layer.lora_alpha[adapter] / rank, own)
            parts.setdefault(model_name, {})[path] = part
    if not parts:
        raise ModelError(f"{name} holds nothing that fits this model")
    return LoraWeights(name, parts)
