"""LoRAs of single regions: what they add to a layer counts in their regions' cells alone.

In layers over the canvas the difference that a LoRA makes is weighted by its regions' shares of
each cell; in the keys and values of texts it is added to its regions' texts, and its part in the
text encoders acts when these are encoded. Under latent composition it acts in its regions' crops.
All of it is done by hooks on the layers, so that LoRAs which the pipeline has stay as they are.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor

from rpg.diffusion.attention import cross_attention_layers
from rpg.diffusion.lora_weights import LoraPart, LoraWeights, lora_weights
from rpg.diffusion.schedule import CompositionMode
from rpg.diffusion.state import RegionalState
from rpg.errors import ModelError, SettingsError

__all__ = ["RegionLoras", "in_text_encoders", "load_loras"]

_LOG = logging.getLogger("rpg")
_COMPILED = "a region's LoRA does not act in compiled layers: load the model without compiling it"
_FUSED = "a region's LoRA does not act in fused projections: call unfuse_qkv_projections first"
_PLACELESS = "%s changes the time embedding, which has no place: that part acts in crops alone"

Factors = tuple[float, ...]
Weight = Callable[[Tensor, Tensor], Tensor | float | None]  # of what is added, by input and output


class RegionLoras:
    """The LoRAs of a call's regions.

    Args:
        chosen: by region, counted over all plans: LoRAs, and how strongly each acts.
        count: regions of all plans.
    """

    def __init__(
        self, chosen: Mapping[int, Sequence[tuple[LoraWeights, float]]], count: int
    ) -> None:
        """Sort by LoRA."""
        strengths: dict[LoraWeights, list[float]] = {}
        for region, loras in chosen.items():
            for lora, weight in loras:
                strengths.setdefault(lora, [0.0] * count)[region] += weight
        self._factors = {lora: tuple(one) for lora, one in strengths.items() if any(one)}

    @property
    def regions(self) -> list[int]:
        """Those that have any."""
        columns = zip(*self._factors.values(), strict=True)
        return [region for region, column in enumerate(columns) if any(column)]

    @contextmanager
    def acting(self, model: Any, state: RegionalState) -> Iterator[None]:
        """Let them act in what predicts, where `state` says that their regions are.

        Raises:
            ModelError: layers are compiled or fused, so that nothing can be added to them.
        """
        if not self._factors:
            yield
            return
        _check(model)
        texts = {
            id(projection)
            for layer in cross_attention_layers(model)
            for projection in (layer.to_k, layer.to_v)
        }

        def weight(layer: Any, factors: Factors) -> Weight:
            if id(layer) in texts:
                return lambda x, out: _of_texts(state, factors, x)
            return lambda x, out: _of_cells(state, factors, out)

        with ExitStack() as stack:
            for lora, factors in self._factors.items():
                parts = lora.parts.get("unet", {})
                if any("time_emb" in path or "add_embedding" in path for path in parts):
                    _LOG.warning(_PLACELESS, lora.name)
                for path, part in parts.items():
                    layer = model.get_submodule(path)
                    stack.enter_context(_added(layer, part, weight(layer, factors)))
            yield

    def texts(self) -> Iterator[tuple[int, Mapping[LoraWeights, float]]]:
        """Each region whose texts are encoded otherwise, and by what."""
        for region in self.regions:
            acting = {
                lora: factors[region]
                for lora, factors in self._factors.items()
                if factors[region] and lora.changes_texts
            }
            if acting:
                yield region, acting


@contextmanager
def in_text_encoders(pipe: Any, strengths: Mapping[LoraWeights, float]) -> Iterator[None]:
    """Let LoRAs act in a pipeline's text encoders."""
    with ExitStack() as stack:
        for lora, strength in strengths.items():
            for name, parts in lora.parts.items():
                if name != "unet":
                    for path, part in parts.items():
                        layer = getattr(pipe, name).get_submodule(path)
                        stack.enter_context(_added(layer, part, _constant(strength)))
        yield


def load_loras(
    pipe: Any, given: Mapping[Any, Sequence[tuple[Any, float]]]
) -> dict[Any, list[tuple[LoraWeights, float]]]:
    """Each region's LoRAs with their weights in place of names; each is read once.

    Args:
        pipe: the pipeline that they are for.
        given: by whatever names a region: files, names of loaded LoRAs, or weights, and how
            strongly each acts.

    Raises:
        SettingsError: a value has another form.
        ModelError: one cannot be loaded, or was made for another model.
    """
    read: dict[Any, LoraWeights] = {}
    chosen: dict[Any, list[tuple[LoraWeights, float]]] = {}
    for key, loras in given.items():
        for source, weight in _pairs(key, loras):
            if source not in read:
                read[source] = lora_weights(pipe, source)
            chosen.setdefault(key, []).append((read[source], weight))
    return chosen


def _pairs(key: Any, loras: Any) -> list[tuple[Any, float]]:
    try:
        pairs = [(source, float(weight)) for source, weight in loras]
    except (TypeError, ValueError):
        pairs = []
    if isinstance(loras, str) or not pairs or not all(math.isfinite(one) for _, one in pairs):
        raise SettingsError(
            f"region_loras, {key!r:.80}: expected a list of (file or name of a LoRA, weight)"
        )
    return pairs


@contextmanager
def _added(layer: Any, part: LoraPart, weight: Weight) -> Iterator[None]:
    """Let a layer's output have what a LoRA adds to it, weighted."""

    def hook(module: Any, args: tuple[Tensor, ...], out: Tensor) -> Tensor:
        factor = weight(args[0], out)
        if factor is None:
            return out
        added = part(args[0])
        factor = factor.to(added.dtype) if isinstance(factor, Tensor) else factor
        return (out + added * factor).to(out.dtype)

    # Of a layer that a loaded LoRA has wrapped, what is within: it may be unloaded meanwhile.
    handle = getattr(layer, "base_layer", layer).register_forward_hook(hook)
    try:
        yield
    finally:
        handle.remove()


def _constant(strength: float) -> Weight:
    return lambda x, out: strength


def _of_cells(state: RegionalState, factors: Factors, out: Tensor) -> Tensor | None:
    """For a layer over the canvas: (B, T, C), (B, C, h, w), or (B, C) of no place."""
    if out.ndim == 4:
        size = (out.shape[2], out.shape[3])
        share = state.spread(factors, size, out.device)
        if share is None:
            return None
        return share[:, None, :, None] if share.shape[1] == 1 else share.view(-1, 1, *size)
    if out.ndim == 3:
        share = state.spread(factors, out.shape[1], out.device)
        return None if share is None else share[..., None]
    return None if state.selection is None else state.spread(factors, 1, out.device)


def _of_texts(state: RegionalState, factors: Factors, texts: Tensor) -> Tensor | None:
    """For keys and values of the bank's texts, (N, L, C): the regions' after the call's own."""
    if state.mode is CompositionMode.PLAIN:
        return None
    own = len(state.bank.text)
    if len(texts) <= own:  # they are not the bank's: attention masks are no business of regions
        return None
    of_rows = [*[0.0] * own, *factors, *factors][: len(texts)]
    return torch.tensor(of_rows, device=texts.device)[:, None, None]


def _check(model: Any) -> None:
    if hasattr(model, "_orig_mod") or any(
        getattr(one, "_compiled_call_impl", None) is not None for one in model.modules()
    ):
        raise ModelError(_COMPILED)
    if any(getattr(one, "fused_projections", False) for one in model.modules()):
        raise ModelError(_FUSED)
