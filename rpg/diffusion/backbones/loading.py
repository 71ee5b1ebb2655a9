"""Pipelines loaded from folders, hub ids and single files, and their siblings."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import diffusers
import torch
from huggingface_hub import errors as hub_errors

from rpg._loading import first_line, loading
from rpg._memory import memory_explained
from rpg.checkpoints import Recognised
from rpg.defaults import ModelDefaults, of_model
from rpg.diffusion.backbones import controls
from rpg.diffusion.backbones.base import Task
from rpg.diffusion.backbones.registry import FAMILIES, family
from rpg.diffusion.embeddings import Embedding, load_embedding
from rpg.diffusion.memory import offloaded_like, place
from rpg.diffusion.memory_plan import LowVram, checked_choice
from rpg.diffusion.quiet import quiet_casting
from rpg.diffusion.recognition import recognise_file, recognise_folder
from rpg.diffusion.sources import check_vae
from rpg.errors import ModelError

__all__ = [
    "device_named",
    "load_pipeline",
    "load_recognised",
    "load_single_file",
    "recognised",
    "sibling",
]

# Pipelines whose parts are those of another, which draws with them as well.
_DRAWN_AS = {
    "LatentConsistencyModelPipeline": "sd15",
    "LatentConsistencyModelImg2ImgPipeline": "sd15",
}
# What diffusers takes the configuration of single files from.
_CONFIGS: Mapping[str, str] = {
    "sdxl": "stabilityai/stable-diffusion-xl-base-1.0",
    "sd15": "stable-diffusion-v1-5/stable-diffusion-v1-5",
}

_VAE: Any = diffusers.AutoencoderKL
_TOO_LARGE = (
    'load it in dtype float16, or with low_vram="on", which offloads what does not work '
    "(--dtype float16, --low-vram on)"
)


_UNREACHED = (hub_errors.LocalEntryNotFoundError, hub_errors.OfflineModeIsEnabled)
_NO_CONFIG = (
    "{}: a file holds no configuration, and that of {} is neither in the cache nor to be had from "
    "the hub now: name a folder that has it, in diffusers' layout (config=..., or --config FOLDER)"
)


def load_recognised(
    model: str | os.PathLike[str],
    *,
    dtype: torch.dtype | str | None = None,
    device: torch.device | str | None = None,
    low_vram: LowVram = "auto",
    prediction_type: str | None = None,
    embeddings: Sequence[str | os.PathLike[str]] = (),
    **words: Any,
) -> tuple[Any, Recognised]:
    """The pipeline of a folder, hub id or file, and what it was taken for; see both loaders."""
    read = _from_file if Path(model).is_file() else _from_folder
    if read is _from_folder and "config" in words:
        raise ModelError("config is for single files: a folder or hub id has its own")
    return _loaded(read, model, dtype, device, prediction_type, low_vram, embeddings, words)


def load_pipeline(
    model: str | os.PathLike[str],
    *,
    dtype: torch.dtype | str | None = None,
    device: torch.device | str | None = None,
    low_vram: LowVram = "auto",
    prediction_type: str | None = None,
    embeddings: Sequence[str | os.PathLike[str]] = (),
    **words: Any,
) -> Any:
    """Load a folder in diffusers' layout, or a hub id, from safetensors only.

    Args:
        model: the folder or id.
        dtype: a torch dtype or its name; None is float32 on a CPU and float16 elsewhere.
        device: None is the best there is.
        low_vram: "auto" saves memory where the device has too little for a picture, "on" in any
            case, "off" never; see `rpg.diffusion.memory_plan`.
        prediction_type: "epsilon", "v_prediction" or "sample"; None is what its scheduler says.
        embeddings: `.safetensors` files of textual inversions, which the model is taught.
        words: passed to diffusers' `from_pretrained`; `vae` may be a file, folder or hub id.

    Raises:
        ModelError: it cannot be loaded, or its family is none that regions work with.
    """
    given = device, prediction_type, low_vram, embeddings
    return _loaded(_from_folder, model, dtype, *given, words)[0]


def load_single_file(
    path: str | os.PathLike[str],
    *,
    dtype: torch.dtype | str | None = None,
    device: torch.device | str | None = None,
    low_vram: LowVram = "auto",
    prediction_type: str | None = None,
    embeddings: Sequence[str | os.PathLike[str]] = (),
    **words: Any,
) -> Any:
    """Load one `.safetensors` checkpoint, as shared by its makers.

    Args:
        path: the file.
        dtype: as in `load_pipeline`.
        device: as in `load_pipeline`.
        low_vram: as in `load_pipeline`.
        prediction_type: as in `load_pipeline`; None is what the file says, else "epsilon".
        embeddings: as in `load_pipeline`.
        words: passed to diffusers' `from_single_file`; `config` names a local folder with the
            configuration, where the hub cannot be reached; `vae` as in `load_pipeline`.

    Raises:
        ModelError: it is something else than a checkpoint of our families, or cannot be loaded.
    """
    given = device, prediction_type, low_vram, embeddings
    return _loaded(_from_file, path, dtype, *given, words)[0]


def recognised(source: str, words: Mapping[str, Any]) -> Recognised:
    """What a folder, hub id or file is taken for, by what describes it.

    Args:
        source: the folder, id or file.
        words: of the call that is to load it.

    Raises:
        ModelError: it is nothing to draw with; says what it is.
    """
    if Path(source).is_file():
        return recognise_file(Path(source), words)
    return _folder_recognised(source, words, None)


def _folder_recognised(
    source: str, words: Mapping[str, Any], prediction_type: str | None
) -> Recognised:
    classes = {
        one.__name__: known.name for known in FAMILIES.values() for one in known.pipelines.values()
    }
    with loading(source):  # configurations may hold anything
        return recognise_folder(source, classes | _DRAWN_AS, words, prediction_type)


def _loaded(
    read: Callable[..., tuple[Any, Recognised]],
    model: str | os.PathLike[str],
    dtype: torch.dtype | str | None,
    device: torch.device | str | None,
    prediction_type: str | None,
    low_vram: LowVram,
    embeddings: Sequence[str | os.PathLike[str]],
    words: Mapping[str, Any],
) -> tuple[Any, Recognised]:
    source, where, low_vram = os.fspath(model), device_named(device), checked_choice(low_vram)
    files = [embeddings] if isinstance(embeddings, str) else embeddings
    taught = [Embedding.read(file) for file in files]
    pipe, known = read(source, _dtype(dtype, where), prediction_type, words)
    _teach(pipe, taught)
    usual = of_model(Path(source), known.family, known)
    placed = _placed(pipe, where, usual, low_vram, any_dtype=dtype is None, given=words)
    return placed, known


def _from_folder(
    source: str, dtype: torch.dtype, prediction_type: str | None, words: Mapping[str, Any]
) -> tuple[Any, Recognised]:
    known = _folder_recognised(source, words, prediction_type)
    loader: Any = diffusers.DiffusionPipeline
    if known.inpainting:
        loader = FAMILIES[known.family].pipelines["inpaint"]
    elif known.pipeline in _DRAWN_AS:
        loader = FAMILIES[known.family].pipelines["text2img"]
    options = {**words, "variant": known.variant, "use_safetensors": True}
    options |= _named_vae(words, source, dtype)
    with loading(source), memory_explained(ModelError, _TOO_LARGE):
        pipe = loader.from_pretrained(source, dtype=dtype, **options)
    family(pipe)
    return _scheduled(pipe, known), known


def _from_file(
    source: str, dtype: torch.dtype, prediction_type: str | None, words: Mapping[str, Any]
) -> tuple[Any, Recognised]:
    known = recognise_file(Path(source), words, prediction_type)
    task: Task = "inpaint" if known.inpainting else "text2img"
    pipeline: Any = FAMILIES[known.family].pipelines[task]
    config = words.get("config", _CONFIGS.get(known.family, ""))
    options = {**words, **_named_vae(words, config, dtype)}
    try:
        with loading(source), memory_explained(ModelError, _TOO_LARGE), quiet_casting():
            pipe = pipeline.from_single_file(source, dtype=dtype, **options)
    except ModelError as error:
        if "config" in words or not isinstance(error.__cause__, _UNREACHED):
            raise
        raise ModelError(_NO_CONFIG.format(source, config)) from error.__cause__
    return (pipe if "scheduler" in words else _scheduled(pipe, known)), known


def _named_vae(words: Mapping[str, Any], config: str, dtype: torch.dtype) -> dict[str, Any]:
    """The autoencoder that a call names, loaded; nothing where it names none.

    Args:
        words: of the call that loads a model.
        config: folder or hub id of the model that has the configuration for a file.
        dtype: of its weights.
    """
    named = words.get("vae")
    if not isinstance(named, str | os.PathLike):
        return {}
    source, loader = os.fspath(named), _VAE
    check_vae(source)
    with loading(f"the VAE {source}"), quiet_casting():
        if Path(source).is_file():
            return {
                "vae": loader.from_single_file(source, config=config, subfolder="vae", dtype=dtype)
            }
        return {"vae": loader.from_pretrained(source, dtype=dtype, use_safetensors=True)}


def _scheduled(pipe: Any, known: Recognised) -> Any:
    """The pipeline, its scheduler told what the model was recognised as."""
    options, own = known.scheduler_options, pipe.scheduler
    if not options:
        return pipe
    kind = type(own)
    if not options.keys() <= inspect.signature(kind).parameters.keys():
        # PNDM, which comes with SD 1.5, knows no zero terminal SNR; the paper on it uses DDIM.
        kind, options = diffusers.DDIMScheduler, {"clip_sample": False, **options}
    pipe.scheduler = kind.from_config(own.config, **options)
    return pipe


def _teach(pipe: Any, embeddings: Iterable[Embedding]) -> None:
    """Before anything is offloaded: layers that are cannot grow by a word."""
    for embedding in embeddings:
        load_embedding(pipe, embedding)


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
        controlnet: for "controlnet", what follows the control image, where `pipe` holds none: a
            ControlNet or a list of them, a union ControlNet, or a T2I-Adapter.

    Raises:
        ModelError: the task needs a ControlNet and there is none, or none of that kind works with
            the family.
    """
    wanted = family(pipe).pipelines.get(task)
    if wanted is None:
        raise ModelError(f"task {task!r}: one of {', '.join(FAMILIES['sdxl'].pipelines)}")
    # Not by `from_pipe`, which casts every component, the shared ones too, to one dtype.
    held = {**pipe.config, **pipe.components}
    if task == "controlnet":
        net = controls.chosen(controlnet, pipe)
        kind = controls.control_of(net)
        wanted, held[kind.component] = kind.pipeline_of(family(pipe)), net
    if type(pipe) is wanted and controlnet is None:
        return pipe
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
