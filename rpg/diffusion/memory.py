"""Pipelines on small cards: what memory a picture takes, and ways to take less.

`memory_plan` chooses by numbers alone; `place` counts them of a pipeline and carries the choice
out. What is counted: weights, and the tensors that are alive at the peak of a denoising step and of
decoding, found on the real configurations of SDXL and SD 1.5 (tests/diffusion/test_memory.py).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import diffusers
import huggingface_hub
import torch
from accelerate.hooks import AlignDevicesHook, CpuOffload  # type: ignore[import-untyped]

from rpg._memory import is_out_of_memory, released
from rpg.diffusion.patches import replaced
from rpg.errors import ModelError

__all__ = [
    "LowVram",
    "MemoryNeed",
    "MemoryPlan",
    "apply",
    "checked_choice",
    "chosen",
    "decoding_again_in_tiles",
    "memory_plan",
    "memory_state",
    "next_saving",
    "offloaded_like",
    "place",
    "tile",
]

LowVram = Literal["auto", "on", "off"]
Offload = Literal["", "model", "group", "sequential"]
Decoder = Literal["", "bfloat16", "fp16-fix"]

TILE = 512  # pixels: SDXL's autoencoder would take tiles of 1024, which is its whole canvas
_ROWS = 2  # of a step, with guidance
_STEPS = {"sdxl": 79, "sd15": 130}  # numbers per pixel and row, in a plain step
_LATENTS = 2  # times as many at most, where regions are composed by latents
_DECODE = 3  # tensors of the canvas's size alive at the decoder's peak
_CHANNELS = 256  # that each has, in SDXL and SD 1.5
_SLACK = 1.5  # times what is counted: convolutions' work space, gaps between tensors
_RESERVE = 512 * 2**20  # bytes for the libraries
_LEAVES = 0.05  # of all weights on the device at once, layer by layer with the next ones fetched
_TILING = ("use_tiling", "use_slicing", "tile_sample_min_size", "tile_latent_min_size")
_DECODED_IN_TILES = "too little memory to decode the picture in one piece: decoded in tiles"
_FIXED_VAE = "madebyollin/sdxl-vae-fp16-fix"
_LOG = logging.getLogger("rpg")


@dataclass(frozen=True)
class MemoryPlan:
    """How a pipeline is kept; all of it on its device, and as it is, where nothing is said.

    Attributes:
        offload: What waits in the computer's memory: "model", all models but the one that works;
            "group", all layers but those that work and the next; "sequential", all but one layer.
        decoder: How SDXL's autoencoder, which overflows in float16, does without float32: the whole
            pipeline in bfloat16, or an autoencoder made for float16 in its place.
        tiling: Whether pictures are decoded one by one and in tiles.
    """

    offload: Offload = ""
    decoder: Decoder = ""
    tiling: bool = False

    def __str__(self) -> str:
        """In words, a clause for each."""
        said = {
            "": "all of it stays there",
            "model": "each model is there only while it works",
            "group": "layers are there only while they work",
            "sequential": "one layer is there at a time, which is slow",
            "bfloat16": "it calculates in bfloat16, so that decoding needs no float32",
            "fp16-fix": f"pictures are decoded by {_FIXED_VAE} from the cache",
        }
        clauses = [said[self.offload], *([said[self.decoder]] if self.decoder else [])]
        return ", ".join(clauses + ["pictures are decoded in tiles"] * self.tiling)


@dataclass(frozen=True)
class MemoryNeed:
    """Bytes that one picture takes.

    Attributes:
        models: Weights by component, but for the autoencoder.
        vae: The autoencoder's weights while it decodes.
        step: Activations of a denoising step.
        decode: Activations of decoding the canvas in one piece.
        tile: Activations of decoding it in tiles.
        upcasts: Whether the autoencoder decodes in twice as many bytes as it is kept in.
    """

    models: Mapping[str, int]
    vae: int
    step: int
    decode: int
    tile: int
    upcasts: bool = False

    @classmethod
    def counted(
        cls,
        numbers: Mapping[str, int],
        canvas: tuple[int, int],
        itemsize: int,
        *,
        family: str = "",
        upcasts: bool = False,
        channels: int = _CHANNELS,
    ) -> MemoryNeed:
        """What numbers of weights and pixels come to.

        Args:
            numbers: How many weights each component has.
            canvas: Width and height in pixels.
            itemsize: Bytes of a number: 2 or 4.
            family: As in `rpg.defaults.FAMILIES`.
            upcasts: As the attribute.
            channels: Of the decoder's widest tensors of the canvas's size.
        """
        pixels = canvas[0] * canvas[1]
        held = {name: count * itemsize for name, count in numbers.items()}
        decoding = itemsize * (2 if upcasts else 1)
        step = _LATENTS * _STEPS.get(family, max(_STEPS.values()))
        decode = int(_SLACK * _DECODE * channels * decoding)
        return cls(
            models={name: size for name, size in held.items() if name != "vae"},
            vae=numbers.get("vae", 0) * decoding,
            step=int(_SLACK * step * _ROWS * itemsize * pixels),
            decode=decode * pixels,
            tile=decode * min(pixels, TILE**2),
            upcasts=upcasts,
        )

    def peak(self, plan: MemoryPlan) -> int:
        """The most bytes that are on the device at once."""
        halved = 2 if self.upcasts and plan.decoder else 1
        vae, decode = self.vae // halved, (self.tile if plan.tiling else self.decode) // halved
        all_models, most = sum(self.models.values()), max(self.step, decode)
        match plan.offload:
            case "":
                used = all_models + vae + most
            case "model":
                used = max(max(self.models.values(), default=0) + self.step, vae + decode)
            case "group":
                used = vae + int(_LEAVES * all_models) + most
            case _:
                used = int(_LEAVES * all_models) // 2 + most
        return used + _RESERVE


def memory_plan(
    need: MemoryNeed,
    free: int | None,
    *,
    offloads: bool = True,
    decoder: Decoder = "",
    saving: bool = False,
) -> MemoryPlan:
    """The first way to keep a pipeline that fits, or the one that takes least.

    In this order: as it is; another decoder, which changes pictures by a shade; each model while
    it works, which costs time and nothing else; tiles, too, whose seams may be seen; layers; one
    layer at a time.

    Args:
        need: What a picture takes.
        free: Bytes that the device has free; None: unknown, and enough.
        offloads: Whether the device has a memory of its own. Where not, there is no gain in moving
            weights from it.
        decoder: How decoding can do without float32; empty: not at all.
        saving: Whether to save also where all fits: each model while it works, and tiles.
    """
    ways = [MemoryPlan()]
    if need.upcasts and decoder:
        ways.append(MemoryPlan(decoder=decoder))
    if offloads:
        ways += [MemoryPlan("model"), MemoryPlan("model", tiling=True)]
        ways += [MemoryPlan("group", tiling=True), MemoryPlan("sequential", tiling=True)]
    else:
        ways.append(MemoryPlan(tiling=True))
    if saving:
        ways = [way for way in ways if way.tiling]
    fitting = (way for way in ways if free is None or need.peak(way) <= free)
    return next(fitting, min(ways, key=need.peak))


def checked_choice(low_vram: str) -> LowVram:
    """The choice, if it is one.

    Raises:
        ModelError: It is none.
    """
    known: tuple[LowVram, ...] = get_args(LowVram)
    for one in known:
        if low_vram == one:
            return one
    raise ModelError(f"low_vram {low_vram!r:.40}: one of {', '.join(known)}")


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
        channels=widths[1] if len(widths) > 1 else _CHANNELS,
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
        return "decode in tiles (--vae-tiling, or rpg.diffusion.memory.tile on the vae)"
    if state.offload == "model":
        return "offload layer by layer (--cpu-offload group)"
    return ""


def offloaded_like(made: Any, pipe: Any) -> None:
    """Lets a pipeline over another's models clear the device after a call, as that one does."""
    if getattr(pipe, "_all_hooks", None):
        made.enable_model_cpu_offload(device=pipe._offload_device)


def tile(vae: Any, side: int = TILE) -> None:
    """Decodes and encodes pictures one by one, in tiles of at most `side` pixels.

    diffusers' own tiles have the side that the autoencoder was trained with: SDXL's are 1024
    pixels, which saves nothing on its usual canvas.
    """
    vae.enable_slicing()
    vae.enable_tiling()
    size = getattr(vae, "tile_sample_min_size", None)
    if isinstance(size, int) and size > side:
        vae.tile_latent_min_size = max(1, vae.tile_latent_min_size * side // size)
        vae.tile_sample_min_size = side


@contextmanager
def decoding_again_in_tiles(vae: Any, tell: Callable[[str], None]) -> Iterator[None]:
    """Where there is no memory to decode in one piece, decodes once more in tiles.

    Within the context; what was set before is set again afterwards.

    Args:
        vae: An autoencoder of diffusers; one without tiles is left alone.
        tell: Told when it happens.
    """
    if not hasattr(vae, "tile_latent_min_size"):
        yield
        return
    plain = vae.decode

    def decode(latents: torch.Tensor, *args: Any, **words: Any) -> Any:
        cells = max(latents.shape[-2:])
        try:
            return plain(latents, *args, **words)
        except (MemoryError, RuntimeError) as error:
            in_tiles = vae.use_tiling and cells > vae.tile_latent_min_size
            if in_tiles or cells < 2 or not is_out_of_memory(error):
                raise
            released(error)
        tell(_DECODED_IN_TILES)
        pixels = cells * vae.tile_sample_min_size // vae.tile_latent_min_size
        with _tiles(vae, min(TILE, pixels // 2)):
            return plain(latents, *args, **words)

    with replaced(vae, "decode", decode):
        yield


@contextmanager
def _tiles(vae: Any, side: int) -> Iterator[None]:
    before = {name: getattr(vae, name) for name in _TILING}
    tile(vae, side)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(vae, name, value)


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
    return "fp16-fix" if _cached(_FIXED_VAE) else ""


def _cached(model: str) -> Path | None:
    """Where the hub's cache has a model; nothing is fetched."""
    names = ("config.json", "diffusion_pytorch_model.safetensors")
    found = [huggingface_hub.try_to_load_from_cache(model, name) for name in names]
    return Path(str(found[0])).parent if all(isinstance(one, str) for one in found) else None


def _fixed_vae(dtype: torch.dtype) -> Any:
    library: Any = diffusers
    return library.AutoencoderKL.from_pretrained(
        _cached(_FIXED_VAE), dtype=dtype, use_safetensors=True, local_files_only=True
    ).eval()
