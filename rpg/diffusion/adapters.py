"""LoRAs that take part in one picture beside the user's own, and leave those as they were."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count, islice
from pathlib import Path
from typing import Any

import torch
from peft.tuners.tuners_utils import BaseTunerLayer

from rpg._loading import loading, named
from rpg.diffusion.patches import replaced
from rpg.diffusion.quiet import quiet_adapters
from rpg.diffusion.sources import check_lora
from rpg.errors import ModelError

__all__ = ["loras"]


@contextmanager
def loras(pipe: Any, files: Sequence[tuple[Path, float]]) -> Iterator[None]:
    """Lets LoRAs act beside those that a pipeline has, and takes them out again.

    What the pipeline had acts on: its active LoRAs with their weights, and what was fused. On
    leaving, also by an exception, its LoRAs are exactly as before: names, order, weights, which are
    active, switched off or fused. One that somebody loads or switches to meanwhile stays.

    Args:
        pipe: A pipeline of diffusers.
        files: `.safetensors` files, and how strongly each acts.

    Raises:
        ModelError: One cannot be read or was made for another model; none of `files` is left in
            the pipeline.
    """
    if not files:
        yield
        return
    held = {name for names in pipe.get_list_adapters().values() for name in names}
    free = (name for name in map("rpg_{}".format, count()) if name not in held)
    ours = dict(zip(islice(free, len(files)), files, strict=True))
    with _put_back(pipe, ours) as before:
        for name, (file, _) in ours.items():
            _load(pipe, file, name)
        _activate(pipe, before, {name: weight for name, (_, weight) in ours.items()})
        yield


@dataclass(frozen=True)
class _LayerState:
    """What a layer's adapters were doing."""

    active: tuple[str, ...]
    merged: tuple[str, ...]
    disabled: bool

    @classmethod
    def of(cls, layer: BaseTunerLayer) -> _LayerState:
        active, merged = tuple(layer.active_adapters), tuple(layer.merged_adapters)
        return cls(active, merged, bool(layer.disable_adapters))

    @property
    def acting(self) -> tuple[str, ...]:
        """Those that the layer adds itself: what is merged is in its weights, and acts alone."""
        return () if self.disabled or self.merged else self.active

    def put_back(self, layer: BaseTunerLayer, ours: Collection[str]) -> None:
        """Makes a layer do this again; what others have made of it since goes before."""
        theirs = [name for name in layer.active_adapters if name not in ours]
        kept = self.active if not theirs or theirs == list(self.acting) else theirs
        off = self.disabled or layer.disable_adapters
        layer.set_adapter(list(kept), inference_mode=True)
        layer.enable_adapters(not off)
        layer.merged_adapters = layer.merged_adapters or list(self.merged)


_NOTHING = _LayerState((), (), False)
Layers = Mapping[BaseTunerLayer, _LayerState]


@contextmanager
def _put_back(pipe: Any, ours: Collection[str]) -> Iterator[Layers]:
    """Every layer with adapters, as it is; on leaving it is so again, and `ours` are gone."""
    before = {layer: _LayerState.of(layer) for layer in _layers(pipe)}
    trained = [
        {name for name, parameter in model.named_parameters() if parameter.requires_grad}
        for model in _models(pipe)
    ]
    for layer in before:
        layer.merged_adapters = []  # else peft takes what is fused out of the weights to load more
    try:
        yield before
    finally:
        _unwrap_ours(pipe, ours)
        for layer in _layers(pipe):
            before.get(layer, _NOTHING).put_back(layer, ours)
        pipe.delete_adapters(list(ours))
        for model, names in zip(_models(pipe), trained, strict=True):
            for name, parameter in model.named_parameters():
                parameter.requires_grad_(name in names)


def _activate(pipe: Any, before: Layers, weights: Mapping[str, float]) -> None:
    """Layer by layer, since `set_adapters` would set the weights of the pipeline's own anew."""
    for layer in _layers(pipe):
        state = before.get(layer, _NOTHING)
        if state.disabled:
            layer.enable_adapters(True)
        layer.set_adapter([*state.acting, *weights], inference_mode=True)
        for name, weight in weights.items():
            layer.set_scale(name, weight)


def _unwrap_ours(pipe: Any, ours: Collection[str]) -> None:
    """Takes off the layers that had to be put around others for our LoRAs alone."""
    for model in _models(pipe):
        for parent in list(model.modules()):
            for name, child in list(parent.named_children()):
                if isinstance(child, BaseTunerLayer) and _names(child) <= set(ours):
                    setattr(parent, name, child.base_layer)


def _names(layer: BaseTunerLayer) -> set[str]:
    return set(layer._all_available_adapter_names())


def _models(pipe: Any) -> list[torch.nn.Module]:
    found = (getattr(pipe, name, None) for name in pipe._lora_loadable_modules)
    return [model for model in found if model is not None]


def _layers(pipe: Any) -> Iterator[Any]:
    for model in _models(pipe):
        yield from (part for part in model.modules() if isinstance(part, BaseTunerLayer))


def _load(pipe: Any, file: Path, name: str) -> None:
    with named(file.parent.resolve(), "its folder"), named(file, f"the LoRA {file.stem}"):
        check_lora(file)
        what = f"{file}, which may be made for another kind of model"
        with loading(what), quiet_adapters(), _offloaded_as_before(pipe):
            pipe.load_lora_weights(str(file.parent), weight_name=file.name, adapter_name=name)
    if not any(name in found for found in pipe.get_list_adapters().values()):
        raise ModelError(f"the LoRA {file.stem} holds nothing that fits this model")


@contextmanager
def _offloaded_as_before(pipe: Any) -> Iterator[None]:
    """To the same device: diffusers takes offloading off to load, and puts it on to any."""
    device = getattr(pipe, "_offload_device", None)
    with ExitStack() as stack:
        for name in ("enable_model_cpu_offload", "enable_sequential_cpu_offload"):
            if device is not None:
                again = partial(getattr(pipe, name), device=device)
                stack.enter_context(replaced(pipe, name, again))
        yield
