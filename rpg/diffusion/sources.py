"""What a model's name means, and whether it is one for us, before a weight is asked for.

Of a folder or hub id only the small files that describe it are read: `model_index.json` of a
pipeline and the configurations of its parts, `config.json` of a ControlNet, names of files.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import huggingface_hub
from huggingface_hub import errors as hub_errors

from rpg._loading import first_line, loading
from rpg.diffusion import file_kinds
from rpg.diffusion.file_kinds import Contents, Kind, Part
from rpg.errors import ModelError

__all__ = [
    "check_ip_adapter",
    "check_lora",
    "check_pipeline",
    "check_vae",
    "checkpoint",
    "configuration",
    "control_class",
    "variant_of",
]

_INDEX = "model_index.json"
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_WEIGHTS = (".safetensors", ".ckpt", ".pt", ".pth", ".bin", ".gguf", ".json")
_FOR_THE_HUB = ("revision", "token", "cache_dir", "local_files_only", "force_download")
_MAX_BYTES = 2**20
_HUB_SECONDS = 10.0
_UNET_WEIGHTS = re.compile(
    r"unet/diffusion_pytorch_model(-\d+-of-\d+)?(\.(?P<variant>\w+))?(-\d+-of-\d+)?\.safetensors"
)
_FROM_LATENTS = re.compile(r"(^|\.)decoder\.conv_in\.weight$")
_LATENTS = 4  # their channels
_NEEDS = "regions need SDXL or SD 1.5"
_CONTROLS = ("ControlNetModel", "ControlNetUnionModel", "T2IAdapter")
_UNION_PART, _UNION_TYPES = "task_embedding", 6
_TEXT_WIDTH = "attn2.to_k.weight"
_COMPONENTS: Mapping[Part, tuple[str, ...]] = {
    "unet": ("unet",),
    "vae": ("vae",),
    "text": ("text_encoder", "text_encoder_2"),
}


def check_pipeline(source: str, known: Collection[str], words: Mapping[str, Any]) -> dict[str, Any]:
    """Judges a folder or hub id by its `model_index.json`.

    Args:
        source: The folder or id.
        known: Classes of pipelines that regions work with.
        words: Of the call that loads it: those for the hub are used here, too.

    Returns:
        What is in the file.

    Raises:
        ModelError: There is no such thing, or it is a pipeline of another class.
    """
    index = _described(source, _INDEX, words)
    said = index.get("_class_name")
    name = said if isinstance(said, str) else "a pipeline of unknown class"
    if name not in known:
        raise ModelError(f"{source}: {name:.80}: {_NEEDS}, in a usual pipeline of diffusers")
    if index.get("requires_aesthetics_score") and index.get("text_encoder") in (None, [None, None]):
        raise ModelError(f"{source}: the SDXL refiner draws nothing alone: name the base model")
    return index


def configuration(source: str, name: str, words: Mapping[str, Any]) -> dict[str, Any]:
    """What a folder or hub id says of one of its parts, such as "unet/config.json".

    Empty where it holds no such file: what lacks is the library's to tell.

    Raises:
        ModelError: It is there and cannot be read.
    """
    if Path(source).is_dir() and not (Path(source) / name).is_file():
        return {}
    try:
        return _described(source, name, words)
    except ModelError as error:
        if isinstance(error.__cause__, hub_errors.EntryNotFoundError):
            return {}
        raise


def variant_of(source: str, words: Mapping[str, Any]) -> str | None:
    """The variant of the weights to be read: the one asked for, else the only one that is there.

    Args:
        source: The folder or id.
        words: Of the call that loads it, `variant` among them.

    Returns:
        Such as "fp16"; None for weights without a variant's name.

    Raises:
        ModelError: Its UNet has none of that name, or several and none without; says which.
    """
    asked: str | None = words.get("variant")
    files = _files_of(source, words)
    ours = [name for name in files or () if re.match(r"unet/.*\.(safetensors|bin)$", name)]
    found = {match["variant"] for name in ours if (match := _UNET_WEIGHTS.fullmatch(name))}
    if not ours or asked in found or "unet" in words:  # the rest is the library's to find out
        return asked
    there = ", ".join(sorted(filter(None, found)))
    if not found:
        raise ModelError(f"{source}: no safetensors weights of its UNet are there")
    if asked is None and len(found) == 1:
        (asked,) = found
        return asked
    if asked is None:
        raise ModelError(f"{source}: only variants are there: give --variant with one of {there}")
    rest = f"there are {there}" if there else "leave out --variant"
    raise ModelError(f"{source}: no variant {asked:.40} of its UNet: {rest}")


def control_class(
    source: str, shapes: file_kinds.Shapes, unet: Mapping[str, Any] | None = None
) -> tuple[str, int]:
    """What diffusers calls a ControlNet, union ControlNet or T2I-Adapter, and a union's types.

    Args:
        source: A file; or a folder or hub id, which are judged by their `config.json`.
        shapes: Of its weights, where they lie here.
        unet: Configuration of the UNet that it is for; None leaves open whether it fits.

    Raises:
        ModelError: There is no such thing, it is something else, or for another family.
    """
    if Path(source).is_file():
        _check_kind(source, shapes, "a ControlNet")
        config: dict[str, Any] = {"_class_name": "ControlNetModel"}
    else:
        config = _described(source, "config.json", {})
    name = config.get("_class_name")
    if name == "ControlNetModel" and ("num_control_type" in config or _UNION_PART in shapes):
        name = "ControlNetUnionModel"  # as whose class such folders were first published
    if name not in _CONTROLS:
        raise ModelError(f"{source}: {name!s:.80} is neither a ControlNet nor a T2I-Adapter")
    if unet is not None and not _is_for(unet, config, shapes):
        raise ModelError(f"{source}: it is for another family of models than this one")
    usual = config.get("num_control_type", _UNION_TYPES)
    return str(name), int(shapes.get(_UNION_PART, (usual,))[0])


def _is_for(unet: Mapping[str, Any], config: Mapping[str, Any], shapes: file_kinds.Shapes) -> bool:
    """Whether what follows a picture goes with a UNet, as far as its file and configuration say."""
    if config.get("_class_name") == "T2IAdapter":
        is_xl = config.get("adapter_type") == "full_adapter_xl"
        return is_xl == (unet.get("addition_embed_type") == "text_time")
    widths = {shape[1] for key, shape in shapes.items() if key.endswith(_TEXT_WIDTH)}
    fields = ("cross_attention_dim", "addition_embed_type")
    alike = all(config[name] == unet.get(name) for name in fields if name in config)
    return alike and widths <= {unet.get("cross_attention_dim")}


def check_lora(file: Path) -> None:
    """Refuses what is certainly no LoRA; what is not known is the library's to judge.

    Raises:
        ModelError: It is something else; says what.
    """
    shapes = file_kinds.header(file)
    if file_kinds.kind_of(shapes) is not None:
        _check_kind(file, shapes, "a LoRA")


def check_ip_adapter(file: Path, unet: Mapping[str, Any]) -> None:
    """Judges an IP-Adapter's file by its header.

    Args:
        file: The file.
        unet: Configuration of the UNet that it is for.

    Raises:
        ModelError: It is something else, or for another family of models.
    """
    shapes = file_kinds.header(file)
    _check_kind(file, shapes, "an IP-Adapter")
    widths = {shape[1] for name, shape in shapes.items() if name.endswith(".to_k_ip.weight")}
    if widths and widths != {unet["cross_attention_dim"]}:
        raise ModelError(f"{file}: an IP-Adapter for another family of models than this one")


def check_vae(source: str) -> None:
    """Judges an autoencoder by its header, if it is a file, else by its `config.json`.

    Raises:
        ModelError: It is something else, or for another family of models.
    """
    if Path(source).is_file():
        shapes = file_kinds.header(source)
        _check_kind(source, shapes, "a VAE")
        layers = (shape for name, shape in shapes.items() if _FROM_LATENTS.search(name))
        channels = next((shape[1] for shape in layers if len(shape) > 1), _LATENTS)
    else:
        config = _described(source, "config.json", {})
        name, channels = config.get("_class_name"), config.get("latent_channels", _LATENTS)
        if name != "AutoencoderKL":
            raise ModelError(f"{source}: {name!s:.80} is no VAE of SDXL or SD 1.5")
    if channels != _LATENTS:
        raise ModelError(f"{source}: a VAE of another family: {_NEEDS}")


def _check_kind(source: str | Path, shapes: file_kinds.Shapes, wanted: str) -> None:
    """Refuses a file that is not of a kind, which is named with its article."""
    kind = file_kinds.kind_of(shapes)
    if kind is None or kind.name != wanted:
        name = wanted.partition(" ")[2]
        raise ModelError(f"{source} is {kind.name if kind else 'of no known kind'} and no {name}")


def checkpoint(path: Path, given: Collection[str]) -> tuple[Kind, Contents]:
    """The kind of a file that is to be drawn with, by its header, and the header.

    Args:
        path: The file.
        given: Names of the components that the caller has: the file need not hold them.

    Raises:
        ModelError: It is something else, or lacks a part; says what it is and what to do.
    """
    if path.is_dir():
        raise ModelError(f"{path} is a folder: name one in diffusers' layout, or a file")
    contents = file_kinds.read(path)
    shapes = contents.shapes
    kind = file_kinds.kind_of(shapes)
    if kind is None:
        raise ModelError(
            f"{path} is no checkpoint that we know: it holds {file_kinds.seen(shapes)}; {_NEEDS}"
        )
    if not kind.family:
        raise ModelError(f"{path} is {kind.name}: {kind.advice}")
    held = file_kinds.parts_in(shapes)
    lacking = [
        part for part, names in _COMPONENTS.items() if part not in held and names[0] not in given
    ]
    if lacking:
        what = "a UNet alone" if held == {"unet"} else f"a checkpoint without its {lacking[0]}"
        raise ModelError(
            f"{path} is {what}, of the kind of {kind.name}: it is one part of a model; give a "
            "whole checkpoint, or a folder in diffusers' layout"
        )
    return kind, contents


def _described(source: str, name: str, words: Mapping[str, Any]) -> dict[str, Any]:
    """What a folder or hub id says of itself in a small JSON file."""
    file = Path(source) / name
    if Path(source).is_dir():
        if not file.is_file():
            raise ModelError(f"{source}: no {name} in it; name a folder in diffusers' layout")
    elif Path(source).exists():
        raise ModelError(f"{source} is a file: name a folder in diffusers' layout, or a hub id")
    else:
        file = _fetched(_hub_id(source), name, words)
    with loading(source), open(file, "rb") as stream:
        found = json.loads(stream.read(_MAX_BYTES + 1))
        if not isinstance(found, dict):
            raise ValueError(f"{name} is not valid")
        return found


def _files_of(source: str, words: Mapping[str, Any]) -> list[str] | None:
    """The files of a folder or hub id, as paths within it; None where the hub does not say."""
    if Path(source).is_dir():
        return [path.relative_to(source).as_posix() for path in Path(source).glob("unet/*")]
    if words.get("local_files_only"):
        return None
    try:
        told = huggingface_hub.HfApi().model_info(
            source,
            revision=words.get("revision"),
            token=words.get("token"),
            timeout=_HUB_SECONDS,
        )
    except Exception:
        return None
    return [file.rfilename for file in told.siblings or ()]


def _hub_id(source: str) -> str:
    """The name itself.

    Raises:
        ModelError: It cannot be a hub id, so that it was meant as a path.
    """
    if not _HUB_ID.fullmatch(source) or source.lower().endswith(_WEIGHTS):
        raise ModelError(
            f"{source}: there is no such folder or file, and a hub id has the form owner/name"
        )
    return source


def _fetched(source: str, name: str, words: Mapping[str, Any]) -> Path:
    """The one file from the hub, or from its cache."""
    options = {word: words[word] for word in _FOR_THE_HUB if word in words}
    try:
        with loading(source):
            return Path(huggingface_hub.hf_hub_download(source, name, **options))
    except ModelError as error:
        raise ModelError(f"{source}: {_hub_says(error.__cause__, name)}") from error.__cause__


def _hub_says(error: BaseException | None, name: str) -> str:
    """What became of a request, most special first, as the classes derive from one another."""
    match error:
        case hub_errors.GatedRepoError():
            return "it is gated: accept its terms on the hub and log in"
        case hub_errors.RepositoryNotFoundError():
            return "neither a folder nor on the hub; if it is private there, log in"
        case hub_errors.RevisionNotFoundError():
            return "the hub has no such revision of it"
        case hub_errors.LocalEntryNotFoundError() | hub_errors.OfflineModeIsEnabled():
            return "no such folder, none in the cache, and the hub cannot be reached"
        case hub_errors.EntryNotFoundError():
            return f"no {name} in it: {_NEEDS} in diffusers' layout"
        case _:
            return f"the hub gives nothing: {first_line(error) if error else 'no reason'}"
