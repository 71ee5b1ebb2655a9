"""What memory a picture takes, and ways to take less, chosen by numbers alone.

What is counted: weights, and the tensors that are alive at the peak of a denoising step and of
decoding, found on the real configurations of SDXL and SD 1.5 (tests/diffusion/test_memory.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from rpg.diffusion.tiles import TILE
from rpg.errors import ModelError

__all__ = [
    "CHANNELS",
    "FIXED_VAE",
    "Decoder",
    "LowVram",
    "MemoryNeed",
    "MemoryPlan",
    "Offload",
    "checked_choice",
    "memory_plan",
]

LowVram = Literal["auto", "on", "off"]
Offload = Literal["", "model", "group", "sequential"]
Decoder = Literal["", "bfloat16", "fp16-fix"]

FIXED_VAE = "madebyollin/sdxl-vae-fp16-fix"
_ROWS = 2  # of a step, with guidance
_STEPS = {"sdxl": 79, "sd15": 130}  # numbers per pixel and row, in a plain step
_LATENTS = 2  # times as many: room for latents, whose equal crops run as one batch
_DECODE = 3  # tensors of the canvas's size alive at the decoder's peak
CHANNELS = 256  # that each has, in SDXL and SD 1.5
_SLACK = 1.5  # times what is counted: convolutions' work space, gaps between tensors
_RESERVE = 512 * 2**20  # bytes for the libraries
_LEAVES = 0.05  # of all weights on the device at once, layer by layer with the next ones fetched


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
            "fp16-fix": f"pictures are decoded by {FIXED_VAE} from the cache",
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
        channels: int = CHANNELS,
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
