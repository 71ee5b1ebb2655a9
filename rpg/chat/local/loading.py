"""Loading a language model from a folder or the hub, from safetensors only."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import MODEL_FOR_CAUSAL_LM_MAPPING, MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING

from rpg._loading import loading
from rpg._memory import memory_explained
from rpg.errors import ModelError

ADVICE = (
    "choose a smaller language model, load it with dtype bfloat16 or float16, or ask in fewer words"
)
_library: Any = transformers  # whose constructors have no types
_HUB_ID = re.compile(r"[\w.-]+(/[\w.-]+)?")


def load(
    source: str | os.PathLike[str],
    *,
    dtype: torch.dtype | str | None,
    device: torch.device | str | None,
) -> tuple[Any, Any]:
    """A model and its tokenizer, or its processor where it takes pictures.

    Args:
        source: A folder as `save_pretrained` writes it, or a hub id.
        dtype: A torch dtype or its name; None is float32 on a CPU, bfloat16 on a GPU that has it,
            else float16.
        device: None is the best there is; "auto" spreads the model over all GPUs and the CPU.

    Raises:
        ModelError: It cannot be loaded, or it is no language model.
    """
    name = os.fspath(source)
    if not Path(name).is_dir() and not _HUB_ID.fullmatch(name):
        raise ModelError(f"{name}: there is no such folder, and a hub id has the form owner/name")
    place = _device(device)
    with loading(f"the language model {name}"):
        config = _library.AutoConfig.from_pretrained(name)
        loader, reader = _classes(name, config)
        processor = reader.from_pretrained(name)
        with memory_explained(ModelError, ADVICE):
            model = loader.from_pretrained(
                name,
                config=config,
                dtype=_dtype(dtype, place),
                device_map=place,
                use_safetensors=True,
            )
    return model.eval(), processor


def _classes(name: str, config: Any) -> tuple[Any, Any]:
    """The class that loads a model of this configuration, and the one for its inputs."""
    if type(config) in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING:
        return _library.AutoModelForImageTextToText, _library.AutoProcessor
    if type(config) in MODEL_FOR_CAUSAL_LM_MAPPING:
        return _library.AutoModelForCausalLM, _library.AutoTokenizer
    raise ModelError(f"{name}: a model of type {config.model_type!r} cannot hold a conversation")


def _device(asked: torch.device | str | None) -> str:
    if asked is not None:
        return str(asked)
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _dtype(asked: torch.dtype | str | None, device: str) -> torch.dtype:
    if asked is None:
        if device == "cpu":
            return torch.float32
        good = torch.cuda.is_available() and torch.cuda.is_bf16_supported()
        return torch.bfloat16 if good else torch.float16
    dtype = getattr(torch, asked, None) if isinstance(asked, str) else asked
    if not isinstance(dtype, torch.dtype):
        raise ModelError(f"dtype {asked!r}: use float32, float16 or bfloat16")
    return dtype
