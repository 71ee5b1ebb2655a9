"""What a weights file is, told by its first bytes and by the names and shapes of its tensors.

No weight is read. `KINDS` is the table: the first kind whose condition holds is the file's. Names
are those of the programs that write such files: CompVis' and Stability's own layouts, diffusers,
kohya's sd-scripts, LyCORIS, A1111 and the ComfyUI exports.
"""

from __future__ import annotations

import json
import math
import os
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rpg.errors import ModelError

__all__ = [
    "FIRST_LAYER",
    "KINDS",
    "Contents",
    "Kind",
    "Part",
    "header",
    "kind_of",
    "numbers_in",
    "parts_in",
    "read",
    "seen",
]

Part = Literal["unet", "vae", "text"]
Shapes = Mapping[str, tuple[int, ...]]
_MAX_HEADER = 100_000_000  # as the format itself says
_MAX_TENSORS = 200_000
_MAX_METADATA = 2000  # characters of one value; training programs write whole tables

_REGIONS = "regions need a checkpoint of SDXL or Stable Diffusion 1.5"
_BESIDE = "give a checkpoint as the model, and this with "
_LORA = _BESIDE + "--lora or --region-lora (to the page: its folder with --loras)"
_PART = "it is one part of a model: give a whole checkpoint, or a folder in diffusers' layout"
_CONTROL = _BESIDE + "--controlnet, beside --control-image"
_FOLDER = (
    "a file does not hold its whole configuration: give its folder in diffusers' layout or hub id"
)
_PACKED = "its numbers are packed for other programs: get the file in fp16 or bf16"


@dataclass(frozen=True)
class Contents:
    """What a file's header says.

    Attributes:
        shapes: Of every tensor, by name.
        metadata: What its makers wrote into it.
    """

    shapes: Shapes
    metadata: Mapping[str, str]


@dataclass(frozen=True)
class Kind:
    """A row of the table.

    Attributes:
        name: With its article.
        names: What some tensor's name has to hold, as a regular expression.
        also: What some other's has to hold, too.
        shape: A name, an axis and a size that the tensor of that name has to have.
        most: Tensors that the file has at most; 0 for any number.
        family: Key of `FAMILIES`, of what can be drawn with.
        predicts: Whether tensors alone tell how it was taught to predict.
        advice: What to do, of everything else.
    """

    name: str
    names: str
    also: str = ""
    shape: tuple[str, int, int] | None = None
    most: int = 0
    family: Literal["", "sdxl", "sd15"] = ""
    predicts: bool = True
    advice: str = _REGIONS

    def fits(self, shapes: Shapes) -> bool:
        """Whether a file with these tensors is one."""
        if self.most and len(shapes) > self.most:
            return False
        wanted = [re.compile(part) for part in (self.names, self.also) if part]
        if not all(any(part.search(name) for name in shapes) for part in wanted):
            return False
        if self.shape is None:
            return True
        ending, axis, size = self.shape
        sized = (shape for name, shape in shapes.items() if re.search(ending, name))
        return any(-len(shape) <= axis < len(shape) and shape[axis] == size for shape in sized)


_IN = r"(^|\.)input_blocks\.0\.0\.weight$"
FIRST_LAYER = re.compile(_IN + r"|^conv_in\.weight$")  # of a UNet: (width, channels, 3, 3)
_CROSS = r"attn2\.to_k\.weight$"
_D = r"^(model\.)?(diffusion_model\.)?"  # before a denoiser's own names

# Adapters before whole models, whose names they repeat; rare families before those built on.
KINDS = (
    Kind("a ControlNet of LoRA's form", r"^lora_controlnet$|^lllite_", advice=_CONTROL),
    Kind(
        "a LoRA",
        r"^lora_(unet|te\d?|transformer|prior)_|[._]lora_(A|B|down|up|mid)\b|\.lora\.(up|down)\."
        r"|_lora\.(up|down)\.|\.lokr_|\.hada_|\.oft_(blocks|diag)|\.dora_scale$"
        r"|\.lora_magnitude_vector|\.lora_linear_layer\.|^lycoris_",
        advice=_LORA,
    ),
    Kind(
        "a quantised file",
        r"\.(absmax|quant_map|quant_state\.\w+|SCB|qweight|wscales|comfy_quant)$"
        r"|(^|\.)scaled_fp8$|\.(scale_weight|weight_scale)$",
        advice=_PACKED,
    ),
    Kind(
        "an IP-Adapter",
        r"^ip_adapter\.|\.to_[kv]_ip\.|^image_proj\.",
        advice=_BESIDE + "--ip-adapter, beside --region-image",
    ),
    Kind(
        "an AnimateDiff motion module",
        r"motion_modules\.",
        advice=_REGIONS,
    ),
    Kind(
        "a ControlNet",
        r"^control_model\.|^controlnet_(cond_embedding|down_blocks|mid_block|blocks)\b"
        r"|^input_hint_block\.|^(zero_convs|middle_block_out)\.|^control_(layers|all_x_embedder)\."
        r"|^controlnet_x_embedder\.",
        advice=_CONTROL,
    ),
    Kind(
        "a T2I-Adapter",
        r"^(adapter\.)?body\.\d+\.(block1|in_conv|resnets|down_opt)\b",
        advice="give a checkpoint as the model, and its folder or hub id with --controlnet",
    ),
    Kind(
        "an upscaler",
        r"^(body|RRDB_trunk)\.\d+\.(rdb1|RDB1)\.|^model\.1\.sub\.0\.|^layers\.\d+\.residual_group\."
        r"|^upsampler?\.0\.weight$|^conv_first\.weight$",
        advice="it enlarges pictures: use it in a program for that, on what was drawn",
    ),
    Kind(
        "a Stable Video Diffusion checkpoint",
        r"time_stack\.|time_mix_blocks\.|temporal_transformer_blocks\.",
    ),
    Kind("a Stable Cascade checkpoint", r"clip_txt_mapper\.|down_blocks\.\d+\.\d+\.channelwise\."),
    Kind(
        "a Stable Diffusion 3 checkpoint",
        r"joint_blocks\.\d+\.",
    ),
    Kind("a Chroma checkpoint", r"distilled_guidance_layer\."),
    Kind("a FLUX.2 checkpoint", _D + r"single_stream_modulation\."),
    Kind("a HunyuanVideo checkpoint", r"individual_token_refiner\."),
    Kind("a HiDream checkpoint", r"double_stream_blocks\."),
    Kind("a FLUX checkpoint", _D + r"double_blocks\.\d+\.img_attn|^single_transformer_blocks\."),
    Kind("an AuraFlow checkpoint", r"double_layers\.\d+\.attn\.w[12]q|cond_seq_linear\."),
    Kind("an LTX-Video checkpoint", _D + r"patchify_proj\."),
    Kind("a Wan checkpoint", _D + r"head\.modulation$|vace_blocks\."),
    Kind(
        "a Lumina or Z-Image checkpoint",
        _D + r"cap_embedder\.|" + _D + r"layers\.0\.adaLN_modulation\.",
    ),
    Kind("a Qwen-Image checkpoint", _D + r"txt_in\.text_norm\.|" + _D + r"txt_norm\.weight$"),
    Kind("a Cosmos checkpoint", r"^net\.x_embedder\."),
    Kind("a Mochi checkpoint", _D + r"blocks\.\d+\.attn\.qkv_x\."),
    Kind(
        "a PixArt or Sana checkpoint",
        r"cross_attn\.(q_linear|kv_linear)\.|caption_projection\.|(^|\.)adaln_single\.",
    ),
    Kind("a HunyuanDiT checkpoint", _D + r"text_embedding_padding$|" + _D + r"mlp_t5\."),
    Kind(
        "a Stable Diffusion upscaler's checkpoint",
        r"^low_scale_model\.|input_blocks\.0\.0\.weight$",
        shape=(_IN, 1, 7),
    ),
    Kind("an InstructPix2Pix checkpoint", r"input_blocks\.0\.0\.weight$", shape=(_IN, 1, 8)),
    Kind(
        "a Stable Diffusion 2 depth checkpoint", r"input_blocks\.0\.0\.weight$", shape=(_IN, 1, 5)
    ),
    Kind("a Stable Diffusion 2 unCLIP checkpoint", r"^noise_augmentor\."),
    Kind(
        "the SDXL refiner",
        r"^conditioner\.embedders\.0\.model\.",
        advice="it draws over pictures of SDXL and none alone: give the base checkpoint",
    ),
    Kind("the SDXL refiner's UNet", r"label_emb\.0\.0\.", shape=(_IN, 0, 384)),
    Kind("the SDXL refiner's UNet", r"^add_embedding\.", shape=(r"^conv_in\.weight$", 0, 384)),
    Kind("Kolors' UNet", r"(^|\.)encoder_hid_proj\."),
    Kind("a Playground v2.5 checkpoint", r"^edm_mean$", advice=_FOLDER),
    Kind("a CosXL checkpoint", r"^edm_vpred\.sigma_max$"),
    Kind(
        "an LCM that is told its guidance", r"(^|\.)time_embed(ding)?\.cond_proj\.", advice=_FOLDER
    ),
    Kind("an SDXL checkpoint", _D + r"input_blocks\.", r"label_emb\.0\.0\.", family="sdxl"),
    Kind("an SDXL checkpoint", r"^down_blocks\.", r"^add_embedding\.", family="sdxl"),
    Kind(
        "a Stable Diffusion 2 checkpoint",
        r"^cond_stage_model\.model\.",
        family="sd15",
        predicts=False,
    ),
    Kind(
        "a Stable Diffusion 2 checkpoint",
        r"input_blocks\.|^down_blocks\.",
        shape=(_CROSS, 1, 1024),
        family="sd15",
        predicts=False,
    ),
    Kind("a Stable Diffusion 1.5 checkpoint", _D + r"input_blocks\.", _CROSS, family="sd15"),
    Kind(
        "a Stable Diffusion 1.5 checkpoint",
        r"^down_blocks\.",
        r"^up_blocks\..*" + _CROSS,
        family="sd15",
    ),
    Kind(
        "a VAE",
        r"^(vae\.|first_stage_model\.)?(encoder|decoder)\.(down|up|down_blocks|up_blocks|mid|middle)\."
        r"|^(post_)?quant_conv\.",
        advice="it is one part of a model: " + _BESIDE + "--vae",
    ),
    Kind(
        "a tiny VAE (TAESD)",
        r"^(taesd_)?(encoder|decoder)\.(layers\.)?\d+\.(weight|conv\.)",
        advice="it draws previews: " + _PART,
    ),
    Kind("an image encoder", r"^(vision_model|visual)\.", advice=_PART),
    Kind(
        "a text encoder",
        r"^(text_model|text_encoders?|cond_stage_model|conditioner)\.|^encoder\.block\.\d+\.layer\."
        r"|^transformer\.(resblocks|text_model)\.|^token_embedding\.weight$",
        advice=_PART,
    ),
    Kind(
        "a language model",
        r"^model\.(layers\.\d+\.self_attn|embed_tokens)\.",
        advice="give it with --planner local",
    ),
    Kind(
        "a textual inversion",
        r"^(emb_params|clip_[lg]|string_to_param\..*|<.*>)$",
        most=8,
        advice=_BESIDE + "--embedding",
    ),
)
_PARTS: Mapping[Part, str] = {
    "unet": r"(^|\.)(input_blocks|down_blocks)\.",
    "vae": r"^(first_stage_model|vae)\.",
    "text": r"^(cond_stage_model|conditioner|text_encoders?)\.",
}
_STARTS = (
    (b"PK\3\4", "a pickle of PyTorch (.ckpt, .pt), which can run code: get the .safetensors file"),
    (b"\x80", "a pickle of PyTorch (.ckpt, .pt), which can run code: get the .safetensors file"),
    (
        b"GGUF",
        "a GGUF file, whose numbers are packed for other programs: get the .safetensors file",
    ),
    (b"version https://git-lfs", "a git-lfs pointer and not the weights: run `git lfs pull`"),
    (b"\x89HDF", "an HDF5 file: get the .safetensors file"),
)


def header(path: str | os.PathLike[str]) -> Shapes:
    """The shape of every tensor, by name; raises what `read` does."""
    return read(path).shapes


def read(path: str | os.PathLike[str]) -> Contents:
    """What a file's header says; nothing else of it is read.

    Raises:
        ModelError: It is no safetensors file, or not all of one; says what it is.
    """
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            start = file.read(512)
            length = struct.unpack_from("<Q", start)[0] if len(start) >= 8 else 0
            plausible = 2 <= length <= _MAX_HEADER and start[8:9] == b"{"
            if not plausible:
                raise ModelError(f"{path}: {_other(path, start)}")
            if size < 8 + length:
                raise ModelError(_cut(path, size, 8 + length))
            file.seek(8)
            text = file.read(length)
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror or 'it cannot be read'}") from error
    contents, end = _table(path, text)
    if size < 8 + length + end:
        raise ModelError(_cut(path, size, 8 + length + end))
    return contents


def kind_of(shapes: Shapes) -> Kind | None:
    """The row that a file's tensors fit; None for what is in no row."""
    return next((kind for kind in KINDS if kind.fits(shapes)), None) or _embedding(shapes)


def parts_in(shapes: Shapes) -> frozenset[Part]:
    """The parts of a model that a checkpoint holds."""
    found = {part: re.compile(names) for part, names in _PARTS.items()}
    return frozenset(p for p, wanted in found.items() if any(map(wanted.search, shapes)))


def numbers_in(shapes: Shapes) -> dict[str, int]:
    """How many weights a checkpoint has, of the autoencoder, the text encoders and the UNet."""
    found = dict.fromkeys(("unet", "text", "vae"), 0)
    for name, shape in shapes.items():
        parts = (part for part, names in _PARTS.items() if re.search(names, name))
        found[next(parts, "unet")] += math.prod(shape)
    return found


def seen(shapes: Shapes) -> str:
    """A few tensors in words."""
    few = ", ".join(f"{name!r:.60}" for name in sorted(shapes)[:3])
    return f"{len(shapes):,} tensors, such as {few}" if shapes else "no tensors"


def _embedding(shapes: Shapes) -> Kind | None:
    """Diffusers names a textual inversion's only tensor by its word."""
    small = len(shapes) <= 2 and all(len(shape) in (1, 2) for shape in shapes.values())
    wide = all(shape[-1] in (768, 1024, 1280) for shape in shapes.values() if shape)
    named = next(kind for kind in KINDS if kind.most)
    return named if shapes and small and wide else None


def _table(path: str | os.PathLike[str], text: bytes) -> tuple[Contents, int]:
    """What the table says, and where the last tensor ends."""
    try:
        table = json.loads(text)
        notes = table.pop("__metadata__", None) or {}
        metadata = {str(key): str(value)[:_MAX_METADATA] for key, value in notes.items()}
        if len(table) > _MAX_TENSORS:
            raise ValueError
        shapes = {str(name): tuple(map(int, about["shape"])) for name, about in table.items()}
        end = max((int(about["data_offsets"][1]) for about in table.values()), default=0)
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise ModelError(f"{path}: a damaged safetensors file: its table cannot be read") from error
    return Contents(shapes, metadata), end


def _cut(path: str | os.PathLike[str], size: int, whole: int) -> str:
    return f"{path}: a safetensors file cut short, {size:,} bytes of {whole:,}: fetch it again"


def _other(path: str | os.PathLike[str], start: bytes) -> str:
    """What a file is that is no safetensors."""
    if not start:
        return "an empty file: fetch it again"
    for known, what in _STARTS:
        if start.startswith(known):
            return what
    if re.match(rb"\s*<(!doctype|html|\?xml)", start, re.IGNORECASE):
        return "a web page and not the weights: fetch it again, logged in where that is needed"
    try:
        start[:500].decode("utf-8")
        printable = all(byte >= 32 or byte in b"\t\n\r" for byte in start)
    except UnicodeDecodeError:
        printable = False
    if printable:
        return "a text file and no safetensors checkpoint"
    suffix = Path(path).suffix.lower()
    return f"no safetensors checkpoint, whatever {suffix or 'its name'} says"
