"""A family of models in one file: a diffusion transformer behind a pipeline of its own.

Its numbers would stand in `rpg.defaults`; nothing else of the product knows it. The model is
diffusers' PixArt of a few thousand random weights: texts are projected before attention reads them,
tokens are patches of one size, and four of its eight channels are the variance.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import diffusers
import torch
from diffusers import PixArtTransformer2DModel
from diffusers.models.modeling_outputs import Transformer2DModelOutput
from torch import Tensor
from transformers import CLIPTextModel

from rpg.diffusion.attention import cross_attention_layers, unwrap, wrap
from rpg.diffusion.backbones.base import Call, Family
from rpg.diffusion.crops import CropBatch
from rpg.diffusion.state import Branches, RegionalState, Size
from rpg.diffusion.text import Encoder
from tests.tiny import WIDTH, text_config, tiny_tokenizer

_library: Any = diffusers
_SIGNATURE = inspect.signature(PixArtTransformer2DModel.forward)


class TinyDiTPipeline(_library.DiffusionPipeline):  # type: ignore[misc]
    """Text to latents by classifier-free guidance."""

    vae_scale_factor = 8

    def __init__(self, transformer: Any, text_encoder: Any, tokenizer: Any, scheduler: Any) -> None:
        super().__init__()
        self.register_modules(
            transformer=transformer,
            text_encoder=text_encoder,
            tokenizer=tokenizer,
            scheduler=scheduler,
        )

    def encode_prompt(
        self,
        prompt: str | list[str],
        device: Any,
        num_images_per_prompt: int = 1,
        do_classifier_free_guidance: bool = True,
        negative_prompt: str | list[str] | None = None,
        prompt_embeds: Tensor | None = None,
        negative_prompt_embeds: Tensor | None = None,
    ) -> tuple[Tensor, Tensor | None]:
        """The prompts' states, (B, L, D), and the negatives'."""
        prompts = [prompt] if isinstance(prompt, str) else prompt

        def encoded(texts: list[str]) -> Tensor:
            tokens = self.tokenizer(texts, padding="max_length", return_tensors="pt").input_ids
            states: Tensor = self.text_encoder(tokens)[0]
            return states.repeat_interleave(num_images_per_prompt, dim=0)

        negative = encoded([""] * len(prompts)) if do_classifier_free_guidance else None
        return encoded(prompts), negative

    @torch.no_grad()
    def __call__(
        self,
        prompt: str,
        num_inference_steps: int,
        height: int,
        width: int,
        generator: torch.Generator,
        guidance_scale: float = 5.0,
        **_: Any,
    ) -> Any:
        """Final latents as `images`."""
        positive, negative = self.encode_prompt(prompt, "cpu")
        assert negative is not None
        text = torch.cat([negative, positive])
        self.scheduler.set_timesteps(num_inference_steps)
        self._num_timesteps = num_inference_steps
        latents = torch.randn(1, 4, height // 4, width // 4, generator=generator)
        latents = latents * self.scheduler.init_noise_sigma
        for t in self.scheduler.timesteps:
            sample = self.scheduler.scale_model_input(torch.cat([latents] * 2), t)
            noise = self.transformer(sample, text, t.expand(2), return_dict=False)[0]
            unguided, guided = noise.chunk(2, dim=1)[0].chunk(2)
            noise = unguided + guidance_scale * (guided - unguided)
            latents = self.scheduler.step(noise, t, latents, return_dict=False)[0]
        return _library.ImagePipelineOutput(images=latents)


class DiT:
    """PixArt's transformer as a backbone."""

    def __init__(self, transformer: Any) -> None:
        self.model: torch.nn.Module = transformer
        self._plain: Callable[..., Any] = partial(type(transformer).__call__, transformer)
        self._patch: int = transformer.config.patch_size
        self.crop_multiple = self._patch

    def predict(
        self, sample: Tensor, timestep: Any, text: Tensor, conditions: Mapping[str, Any]
    ) -> Tensor:
        words = {**conditions, "return_dict": False}
        predicted: Tensor = self._plain(sample, text, timestep, **words)[0]
        return predicted

    def parsed(self, args: Sequence[Any], words: Mapping[str, Any]) -> Call:
        call = dict(_SIGNATURE.bind(self.model, *args, **words).arguments)
        whole = call.pop("return_dict", True)
        sample, text, timestep = (
            call.pop(name) for name in ("hidden_states", "encoder_hidden_states", "timestep")
        )
        del call["self"]

        def returned(predicted: Tensor) -> Any:
            return Transformer2DModelOutput(sample=predicted) if whole else (predicted,)

        return Call(sample, timestep, text, call, returned)

    def cropped(
        self, conditions: Mapping[str, Any], batch: CropBatch, state: RegionalState
    ) -> dict[str, Any]:
        return dict(conditions)

    def token_grid(self, canvas: Size, tokens: int) -> Size:
        return canvas[0] // self._patch, canvas[1] // self._patch

    def attended_text(self, text: Tensor) -> Tensor:
        model: Any = self.model
        projected: Tensor = model.caption_projection(text)
        return projected

    def minds_order(self, conditions: Mapping[str, Any]) -> bool:
        return True

    @contextmanager
    def attention(self, state: RegionalState) -> Iterator[Callable[[], int]]:
        layers = list(cross_attention_layers(self.model))

        def refresh() -> int:
            wrap(layers, state)
            return len(layers)

        try:
            refresh()
            yield refresh
        finally:
            unwrap(layers)


def _backbone(pipe: Any) -> DiT:
    return DiT(pipe.transformer)


def _branches(pipe: Any, count: int) -> Branches:
    return ("uncond", "cond")


def _holds(model: Any) -> bool:
    return isinstance(model, PixArtTransformer2DModel)


FAMILY = Family(
    name="tiny-dit",
    title="tiny DiT",
    pipelines={"text2img": TinyDiTPipeline},
    others=(),
    denoiser="transformer",
    holds=_holds,
    backbone=_backbone,
    branches=_branches,
    doubled=("prompt_embeds",),
    encoder=Encoder,
    preview=((0.3, 0.3, 0.3),) * 4,
    schedulers={},
)


def tiny_transformer(seed: int = 0) -> Any:
    torch.manual_seed(seed)
    transformer = _library.PixArtTransformer2DModel(
        num_attention_heads=2,
        attention_head_dim=8,
        in_channels=4,
        out_channels=8,
        num_layers=2,
        cross_attention_dim=16,
        sample_size=16,
        caption_channels=WIDTH,
    )
    for name, parameter in transformer.named_parameters():  # so that text matters
        if "attn2" in name and "weight" in name:
            parameter.data *= 3
    return transformer.eval().requires_grad_(False)


def tiny_dit() -> TinyDiTPipeline:
    """A pipeline of the family, with random weights."""
    transformer, tokenizer = tiny_transformer(), tiny_tokenizer()
    encoder = CLIPTextModel(text_config(tokenizer)).eval().requires_grad_(False)
    scheduler = _library.EulerDiscreteScheduler(beta_schedule="scaled_linear", steps_offset=1)
    return TinyDiTPipeline(transformer, encoder, tokenizer, scheduler)
