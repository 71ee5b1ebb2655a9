"""What is drawn with: Toybox, SDXL's real architecture with random weights, and a narrow twin."""

from __future__ import annotations

import string
from dataclasses import dataclass
from typing import Any

import diffusers
import torch
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

from benchmarks import sdxl
from rpg.diffusion.quiet import quiet_loading
from rpg.errors import SettingsError
from rpg.pipeline import RPGPipeline
from rpg.plans.plan import Plan

__all__ = ["Subject", "full_size", "toybox", "twin"]

_library: Any = diffusers  # whose constructors have no types
_TWIN_TEXT = 16  # width of the twin's text encoders
_TWIN_TIME = 8


@dataclass(frozen=True)
class Subject:
    """A pipeline and the canvas that all variants draw on.

    Attributes:
        name: For the report.
        pipe: A stock SDXL pipeline.
        side: Width and height in pixels.
        steps: Of a picture.
        guidance: Scale.
        counts: Numbers of regions.
    """

    name: str
    pipe: Any
    side: int
    steps: int
    guidance: float
    counts: tuple[int, ...]

    @property
    def device(self) -> torch.device:
        """Where the UNet is."""
        found: torch.device = self.pipe.unet.device
        return found

    def latents(self, seed: int = 0) -> torch.Tensor:
        """The noise that every variant begins with, (1, 4, h, w)."""
        cells = self.side // self.pipe.vae_scale_factor
        return torch.randn(1, 4, cells, cells, generator=torch.Generator().manual_seed(seed))

    def draw(self, plan: Plan, *, steps: int | None = None, output_type: str = "pil") -> Any:
        """A picture of the plan's base prompt, as the pipeline is patched at the moment."""
        return self.pipe(
            plan.effective_base_prompt,
            negative_prompt="",
            width=self.side,
            height=self.side,
            num_inference_steps=steps or self.steps,
            guidance_scale=self.guidance,
            latents=self.latents().to(self.device, self.pipe.unet.dtype),
            output_type=output_type,
        ).images


def toybox(steps: int | None = None) -> Subject:
    """The bundled model on the CPU; the canvas has room for nine regions."""
    with quiet_loading():
        rpg = RPGPipeline.from_pretrained(device="cpu", dtype=torch.float32)
    rpg.pipe.set_progress_bar_config(disable=True)
    own = rpg.defaults
    side = own.region_side * 3
    usual = steps or own.num_inference_steps
    return Subject("Toybox", rpg.pipe, side, usual, own.guidance_scale, (1, 4, 9))


def full_size(device: str | None, steps: int | None = None) -> Subject:
    """SDXL's architecture in bfloat16, 1024 x 1024 pixels.

    Raises:
        SettingsError: The device is no GPU that CUDA finds.
    """
    where = torch.device(device or "cuda")
    if where.type != "cuda" or not torch.cuda.is_available():
        raise SettingsError(
            "--full-size needs a GPU with CUDA; --device cpu --tiny runs the same on a narrow twin"
        )
    vae = {"block_out_channels": (128, 256, 512, 512), "layers_per_block": 2, "sample_size": 1024}
    first = _text(768, 3072, 12, 12, 768, "quick_gelu")
    second = _text(1280, 5120, 32, 20, sdxl.POOLED, "gelu")
    pipe = _pipe(sdxl.UNET, vae, first, second, where).to(dtype=torch.bfloat16)
    return Subject("SDXL, random weights", pipe, 1024, steps or 30, 5.0, (1, 4, 8, 16))


def twin(steps: int | None = None, depth: tuple[int, ...] = sdxl.DEPTH) -> Subject:
    """SDXL's UNet at a fortieth of its width, on the CPU; `depth` in blocks of transformers."""
    unet = sdxl.UNET | {
        "sample_size": 16,
        "transformer_layers_per_block": depth,
        "block_out_channels": (8, 16, 32),
        "attention_head_dim": (1, 2, 4),
        "norm_num_groups": 4,
        "cross_attention_dim": 2 * _TWIN_TEXT,
        "addition_time_embed_dim": _TWIN_TIME,
        "projection_class_embeddings_input_dim": _TWIN_TEXT + 6 * _TWIN_TIME,
    }
    vae = {"block_out_channels": (4, 4, 8, 8), "norm_num_groups": 2, "sample_size": 128}
    text = _text(_TWIN_TEXT, 2 * _TWIN_TEXT, 2, 2, _TWIN_TEXT, "gelu")
    pipe = _pipe(unet, vae, text, text, torch.device("cpu"))
    return Subject(
        "narrow twin of SDXL, random weights", pipe, 128, steps or 30, 5.0, (1, 4, 8, 16)
    )


def _pipe(
    unet: dict[str, Any],
    vae: dict[str, Any],
    first: CLIPTextConfig,
    second: CLIPTextConfig,
    device: torch.device,
) -> Any:
    torch.manual_seed(0)
    tokenizer = _tokenizer()
    with torch.device(device):
        parts = {
            "unet": _library.UNet2DConditionModel(**unet),
            "vae": _library.AutoencoderKL(
                down_block_types=("DownEncoderBlock2D",) * 4,
                up_block_types=("UpDecoderBlock2D",) * 4,
                latent_channels=4,
                force_upcast=False,
                **vae,
            ),
            "text_encoder": CLIPTextModel(first),
            "text_encoder_2": CLIPTextModelWithProjection(second),
        }
    for part in parts.values():
        part.eval().requires_grad_(False)
    pipe = _library.StableDiffusionXLPipeline(
        **parts,
        tokenizer=tokenizer,
        tokenizer_2=tokenizer,
        scheduler=_library.EulerDiscreteScheduler(beta_schedule="scaled_linear", steps_offset=1),
        force_zeros_for_empty_prompt=False,
        add_watermarker=False,
    )
    pipe.set_progress_bar_config(disable=True)
    return pipe


def _text(
    width: int, inner: int, layers: int, heads: int, projection: int, activation: str
) -> CLIPTextConfig:
    """SDXL's text encoders read 77 tokens; the vocabulary has no part in the time."""
    tokenizer = _tokenizer()
    return CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=inner,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        projection_dim=projection,
        hidden_act=activation,
        max_position_embeddings=sdxl.TOKENS,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )


def _tokenizer() -> CLIPTokenizer:
    """A CLIP tokenizer that spells every word in letters."""
    letters = string.ascii_lowercase + string.digits + string.punctuation
    tokens = [*letters, *(f"{letter}</w>" for letter in letters)]
    ids = {token: i for i, token in enumerate([*tokens, "<|startoftext|>", "<|endoftext|>"])}
    return CLIPTokenizer(vocab=ids, merges=[], model_max_length=sdxl.TOKENS)
