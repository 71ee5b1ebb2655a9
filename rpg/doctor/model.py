"""What a model is and what it takes, from the headers and small files that describe it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from rpg.checkpoints import Recognised
from rpg.defaults import FILE_NAME, ModelDefaults, of_model
from rpg.doctor.finding import Finding, in_bytes
from rpg.doctor.machine import broken
from rpg.environment import environment
from rpg.errors import ModelError
from rpg.metadata import public_name
from rpg.toybox import weights_path

__all__ = ["models"]

_MAX_BYTES = 2**20  # of a description
_ADVICE = "name another with --model or RPG_MODEL"


@dataclass(frozen=True)
class _Judged:
    """A model that can be drawn with.

    Attributes:
        folder: None for a single file.
        known: What it is recognised as.
        kind: What it is called.
        prediction: How it was trained to predict; empty: the file does not say.
        numbers: Weights of each component.
        upcasts: Whether its autoencoder is not for float16.
        channels: Of the autoencoder's widest tensors; 0: not known.
    """

    folder: Path | None
    known: Recognised
    kind: str
    prediction: str = ""
    numbers: Mapping[str, int] = field(default_factory=dict)
    upcasts: bool = False
    channels: int = 0

    @property
    def family(self) -> str:
        """As in `rpg.defaults.FAMILIES`."""
        return self.known.family


def models(source: str | None, device: str | None) -> Iterator[Finding]:
    """What the model is, its weights, how it would be kept, and its defaults."""
    source = source or environment().model or str(weights_path())
    name = public_name(source)
    if broken("rpg.diffusion"):
        words = f"{name}: not looked at: the libraries cannot be imported"
        yield Finding("model", "model", words, "note")
        return
    try:
        found = _judged(source)
        defaults = of_model(found.folder, found.family, found.known) if found else None
    except ModelError as error:
        yield Finding("model", "model", str(error), "problem", _ADVICE)
        return
    if found is None or defaults is None:
        words = f"{name}: not in the cache; it is fetched and judged when it is first drawn with"
        yield Finding("model", "model", words, "note", value={"name": name})
        return
    name = defaults.name or name
    value = {"name": name, "family": found.family, "prediction": found.prediction or None}
    predicts = f", predicts {found.prediction}" if found.prediction else ""
    yield Finding("model", "model", f"{name}: {found.kind}{predicts}", value=value)
    evidence = found.known.evidence
    yield Finding("model", "recognised", "; ".join(evidence), value={"evidence": list(evidence)})
    yield _weights(found)
    yield _kept(found, defaults, device)
    yield from _defaults(found, defaults)


def _judged(source: str) -> _Judged | None:
    """The model; None where it is on the hub and not in its cache.

    Raises:
        ModelError: It is nothing that can be drawn with.
    """
    backbones, path = import_module("rpg.diffusion.backbones"), Path(source)
    hub: Any = import_module("huggingface_hub")
    try:
        known: Recognised = backbones.recognised(source, {"local_files_only": True})
    except ModelError as error:
        if isinstance(error.__cause__, hub.errors.LocalEntryNotFoundError):
            return None
        raise
    prediction = known.prediction_type
    if known.zero_terminal_snr:
        prediction += ", to zero terminal SNR"
    if path.is_file():
        kinds = import_module("rpg.diffusion.file_kinds")
        shapes = kinds.header(path)
        upcasts = known.family == "sdxl"  # its autoencoder's configuration is the published one
        says = prediction if prediction != "epsilon" else ""
        kind = kinds.kind_of(shapes).name
        return _Judged(None, known, kind, says, kinds.numbers_in(shapes), upcasts)
    if not path.exists():
        path = Path(hub.try_to_load_from_cache(source, "model_index.json")).parent
    vae = _described(path, "vae/config.json")
    upcasts = known.family == "sdxl" and bool(vae.get("force_upcast", True))
    widths = vae.get("block_out_channels", ())
    channels = widths[1] if len(widths) > 1 else 0
    kind = f"a folder of {backbones.FAMILIES[known.family].title}"
    return _Judged(path, known, kind, prediction, _numbers(path), upcasts, channels)


def _described(folder: Path, name: str) -> dict[str, Any]:
    """A small JSON file; empty where there is none, or none that can be read."""
    try:
        with open(folder / name, "rb") as file:
            found = json.loads(file.read(_MAX_BYTES))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _numbers(folder: Path) -> dict[str, int]:
    """Weights of each component of a folder, by its files' headers.

    Of several variants, such as `model.fp16.safetensors`, the plain one counts, else the first.
    """
    header = import_module("rpg.diffusion.file_kinds").header
    found: dict[str, int] = {}
    for part in sorted(one for one in folder.iterdir() if one.is_dir()):
        variants: dict[str, list[Path]] = {}
        for file in sorted(part.glob("*.safetensors")):
            variants.setdefault(_variant(file), []).append(file)
        if variants:
            chosen = variants.get("") or next(iter(variants.values()))
            shapes = [shape for file in chosen for shape in header(file).values()]
            found[part.name] = sum(map(math.prod, shapes))
    return found


def _variant(file: Path) -> str:
    """The word between a file's name and its ending, without the number of a shard."""
    _, _, word = file.name.removesuffix(".safetensors").partition(".")
    return word.split("-")[0]


def _weights(found: _Judged) -> Finding:
    count = sum(found.numbers.values())
    half, full = in_bytes(2 * count), in_bytes(4 * count)
    words = f"{count / 1e6:,.0f} million: {half} in float16 and bfloat16, {full} in float32"
    value = {"numbers": dict(found.numbers), "float16": 2 * count, "float32": 4 * count}
    return Finding("model", "weights", words, value=value)


def _kept(found: _Judged, defaults: ModelDefaults, asked: str | None) -> Finding:
    """How `--low-vram auto` would keep the model now."""
    env, plans = environment(), import_module("rpg.diffusion.memory_plan")
    try:
        device = import_module("rpg.diffusion.backbones").device_named(asked or env.device)
    except ModelError:
        return Finding("model", "memory", "not looked at: there is no such device", "note")
    dtype = env.dtype or ("float32" if device.type == "cpu" else "float16")
    canvas = defaults.width, defaults.height
    need = plans.MemoryNeed.counted(
        found.numbers,
        canvas,
        4 if dtype == "float32" else 2,
        family=found.family,
        upcasts=found.upcasts and dtype == "float16",
        **({"channels": found.channels} if found.channels else {}),
    )
    plan = import_module("rpg.diffusion.memory").chosen(need, device, any_dtype=env.dtype is None)
    takes = need.peak(plans.MemoryPlan())
    words = (
        f"a picture of {canvas[0]}x{canvas[1]} takes about {in_bytes(takes)} in {dtype}; "
        f"with --low-vram auto on {device}: {plan}"
    )
    value = {"bytes": takes, "dtype": dtype, "offload": plan.offload, "tiling": plan.tiling}
    return Finding("model", "memory", words, value=value)


def _defaults(found: _Judged, used: ModelDefaults) -> Iterator[Finding]:
    """What a call leaves open, and who says so: the family, the model's file, or its name."""
    own = _described(found.folder, FILE_NAME) if found.folder else {}
    usual, by_name = of_model(None, found.family), "what is known of its name"
    recognised, by_kind = of_model(None, found.family, found.known), "what it is recognised as"
    said: dict[str, dict[str, Any]] = {
        f"defaults of {found.family}": {},
        FILE_NAME: {},
        by_name: {},
        by_kind: {},
    }
    for name, value in used.model_dump(mode="json").items():
        whose = by_name if value != usual.model_dump(mode="json")[name] else next(iter(said))
        if whose == by_name and value == recognised.model_dump(mode="json")[name]:
            whose = by_kind
        said[FILE_NAME if name in own else whose][name] = value
    for name, values in said.items():
        shown = {
            key: value for key, value in values.items() if isinstance(value, (int, float, str))
        }
        words = ", ".join(f"{key} {value}" for key, value in shown.items() if value != "")
        if values:
            yield Finding("model", name, words, value=values)
