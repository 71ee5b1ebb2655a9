"""Pipelines kept on small cards: what they take is counted, and they are put where they fit."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import diffusers
import huggingface_hub
import torch
from accelerate.hooks import AlignDevicesHook, CpuOffload  # type: ignore[import-untyped]

from rpg.diffusion.memory_plan import (
    CHANNELS,
    FIXED_VAE,
    Decoder,
    LowVram,
    MemoryNeed,
    MemoryPlan,
    Offload,
    memory_plan,
)
from rpg.diffusion.tiles import tile

__all__ = ["apply", "chosen", "memory_state", "need_of", "next_saving", "offloaded_like", "place"]

_LOG = logging.getLogger("rpg")


def place(
    pipe: Any,
    device: torch.device,
    canvas: tuple[int, int],
    low_vram: LowVram = "auto",
    *,
    family: str = "",
    any_dtype: bool = False,
) -> MemoryPlan:
    """Puts a pipeline that was loaded on the CPU onto its device, or what of it has to be there.

    Where that is not all of it as it is, the logger "rpg" says so in a line.

    Args:
        pipe: The pipeline.
        device: Where it calculates.
        canvas: Width and height in pixels that have to fit.
        low_vram: "auto" saves where it has to, "on" in any case, "off" never.
        family: As in `rpg.defaults.FAMILIES`.
        any_dtype: Whether the user leaves open what numbers it calculates in.

    Returns:
        What was chosen.
    """
    if low_vram == "off":
        pipe.to(device)
        return MemoryPlan()
    need = need_of(pipe, canvas, family)
    plan = chosen(need, device, low_vram, any_dtype=any_dtype)
    why = "as asked for" if low_vram == "on" else _too_much(need, device)
    apply(pipe, device, plan)
    if plan != MemoryPlan():
        _LOG.warning("low-vram: %s: %s", why, plan)
    return plan


def chosen(
    need: MemoryNeed, device: torch.device, low_vram: LowVram = "auto", *, any_dtype: bool = False
) -> MemoryPlan:
    """How a pipeline of that need is best kept on a device, as full as it is now.

    Args:
        need: What a picture takes.
        device: Where it calculates.
        low_vram: As in `place`; "off" is no question.
        any_dtype: As in `place`.
    """
    return memory_plan(
        need,
        free_bytes(device),
        offloads=_offloads(device),
        decoder=_decoder(device, any_dtype) if need.upcasts else "",
        saving=low_vram == "on",
    )


def _too_much(need: MemoryNeed, device: torch.device) -> str:
    takes, free = need.peak(MemoryPlan()) / 1e9, (free_bytes(device) or 0) / 1e9
    return f"all at once takes about {takes:.1f} GB and {device} has {free:.1f} GB free"


def apply(pipe: Any, device: torch.device, plan: MemoryPlan) -> None:
    """Keeps a pipeline as a plan says."""
    if plan.decoder == "bfloat16":
        pipe.to(dtype=torch.bfloat16)
    elif plan.decoder == "fp16-fix":
        pipe.register_modules(vae=_fixed_vae(pipe.vae.dtype))
    if plan.tiling:
        tile(pipe.vae)
    match plan.offload:
        case "":
            pipe.to(device)
        case "model":
            pipe.enable_model_cpu_offload(device=device)
        case "group":
            # The autoencoder changes its numbers' type, which layers fetched from a copy of
            # the old ones would not notice.
            pipe.enable_group_offload(
                device,
                offload_type="leaf_level",
                use_stream=device.type == "cuda",
                exclude_modules="vae",
            )
        case "sequential":
            pipe.enable_sequential_cpu_offload(device=device)


def need_of(pipe: Any, canvas: tuple[int, int], family: str = "") -> MemoryNeed:
    """What a picture of that canvas takes with a pipeline that is loaded."""
    models = {k: v for k, v in pipe.components.items() if isinstance(v, torch.nn.Module)}
    numbers = {name: sum(p.numel() for p in model.parameters()) for name, model in models.items()}
    widths = tuple(getattr(pipe.vae.config, "block_out_channels", ()))
    return MemoryNeed.counted(
        numbers,
        canvas,
        pipe.dtype.itemsize,
        family=family,
        upcasts=upcasts(pipe),
        channels=widths[1] if len(widths) > 1 else CHANNELS,
    )


def upcasts(pipe: Any) -> bool:
    """Whether a pipeline decodes in float32 what it keeps in float16, as SDXL's do."""
    forced = getattr(pipe.vae.config, "force_upcast", False)
    return bool(forced and hasattr(pipe, "upcast_vae") and pipe.vae.dtype == torch.float16)


def free_bytes(device: torch.device) -> int | None:
    """Bytes of a device that this process may still take; None where that is not known."""
    if device.type == "cuda":
        held = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(torch.cuda.mem_get_info(device)[0]) + held
    if device.type == "mps":
        return torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
    return None


def memory_state(pipe: Any) -> MemoryPlan:
    """How a pipeline is kept, whoever set that; the decoder is not looked at."""
    models = [one for one in pipe.components.values() if isinstance(one, torch.nn.Module)]
    hooks = [_first_hook(model) for model in models]
    offload: Offload = ""
    if pipe._maybe_raise_error_if_group_offload_active():
        offload = "group"
    elif any(isinstance(hook, CpuOffload) for hook in hooks):
        offload = "model"
    elif any(isinstance(hook, AlignDevicesHook) for hook in hooks):
        offload = "sequential"
    return MemoryPlan(offload, tiling=bool(getattr(pipe.vae, "use_tiling", False)))


def next_saving(pipe: Any) -> str:
    """What a pipeline could do next to take less memory; empty where it does all there is."""
    state = memory_state(pipe)
    if not state.offload and _offloads(pipe.device):
        return "load the model with low_vram on (--low-vram on), or in half precision"
    if not state.tiling:
        return "decode in tiles (--vae-tiling, or rpg.diffusion.tiles.tile on the vae)"
    if state.offload == "model":
        return "offload layer by layer (--cpu-offload group)"
    return ""


def offloaded_like(made: Any, pipe: Any) -> None:
    """Lets a pipeline over another's models clear the device after a call, as that one does."""
    if getattr(pipe, "_all_hooks", None):
        made.enable_model_cpu_offload(device=pipe._offload_device)


def _first_hook(model: torch.nn.Module) -> Any:
    """The hook of accelerate's that a model has, or the first of several."""
    hook = getattr(model, "_hf_hook", None)
    return (*getattr(hook, "hooks", ()), hook)[0]


def _offloads(device: torch.device) -> bool:
    """Whether it has a memory of its own."""
    return device.type not in ("cpu", "mps")


def _decoder(device: torch.device, any_dtype: bool) -> Decoder:
    """What lets decoding do without float32 on a device."""
    if any_dtype and device.type == "cuda":
        with torch.cuda.device(device):
            if torch.cuda.is_bf16_supported(including_emulation=False):
                return "bfloat16"
    return "fp16-fix" if _cached(FIXED_VAE) else ""


def _cached(model: str) -> Path | None:
    """Where the hub's cache has a model; nothing is fetched."""
    names = ("config.json", "diffusion_pytorch_model.safetensors")
    found = [huggingface_hub.try_to_load_from_cache(model, name) for name in names]
    return Path(str(found[0])).parent if all(isinstance(one, str) for one in found) else None


def _fixed_vae(dtype: torch.dtype) -> Any:
    library: Any = diffusers
    return library.AutoencoderKL.from_pretrained(
        _cached(FIXED_VAE), dtype=dtype, use_safetensors=True, local_files_only=True
    ).eval()
