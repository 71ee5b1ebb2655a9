"""Regions in diffusers' modular SDXL pipelines, under whatever guider they are given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any

import torch
from diffusers.modular_pipelines.modular_pipeline import (
    ModularPipelineBlocks,
    PipelineState,
)
from diffusers.modular_pipelines.modular_pipeline_utils import InputParam, OutputParam
from diffusers.modular_pipelines.stable_diffusion_xl.denoise import (
    StableDiffusionXLDenoiseLoopWrapper,
)
from diffusers.modular_pipelines.stable_diffusion_xl.encoders import (
    StableDiffusionXLTextEncoderStep,
)
from torch import Tensor

from rpg.defaults import FAMILIES
from rpg.diffusion.backbones.unet import SDXL, UNet
from rpg.diffusion.canvas import cells_of
from rpg.diffusion.denoiser import RegionalDenoiser
from rpg.diffusion.embeds import RegionalPromptEmbeds
from rpg.diffusion.layout import RegionalLayout
from rpg.diffusion.patches import intercepted
from rpg.diffusion.schedule import Schedule
from rpg.diffusion.state import Branch
from rpg.diffusion.text import reads_at_once
from rpg.errors import ModelError, SettingsError
from rpg.plans.plan import Plan
from rpg.settings import TO_REGIONAL

__all__ = ["RegionalTextEncoderStep", "regional_blocks"]

_EMBEDS = "regional_prompt_embeds"
_PLAN = "the regions, of every picture, or a plan for each prompt; None: a plain picture"


def regional_blocks(blocks: Any) -> Any:
    """Make blocks of a modular SDXL pipeline draw plans, and give them back.

    A text encoder for the regions is put after the stock one, and the denoising loops take further
    inputs: `plan`, `composer`, `base_ratio`, `start`, `end`, `feather`, `share` and `window`, which
    mean what they do to `rpg.diffusion.regional`. Without a plan they do what they did. Guiders,
    schedulers, ControlNet and inpainting stay diffusers'; each prediction that a guider asks for
    is regional.

    Args:
        blocks: such as `StableDiffusionXLAutoBlocks()`, or any others with sub-blocks of SDXL.

    Returns:
        The same blocks.

    Raises:
        ModelError: there is no loop of SDXL in them.
    """
    if not _replace(blocks):
        raise ModelError(f"{type(blocks).__name__} holds no denoising loop of SDXL")
    return blocks


def _replace(blocks: Any) -> int:
    """How many loops were made regional."""
    loops = 0
    for place, (_, block) in enumerate(list(blocks.sub_blocks.items()), 1):
        if isinstance(block, StableDiffusionXLDenoiseLoopWrapper):
            kind: Any = type(block)
            block.__class__ = _regional(kind)
            loops += 1
        elif isinstance(block, StableDiffusionXLTextEncoderStep):
            blocks.sub_blocks.insert("regional_text_encoder", RegionalTextEncoderStep(), place)
        elif block.sub_blocks:
            loops += _replace(block)
    return loops


class RegionalTextEncoderStep(ModularPipelineBlocks):  # type: ignore[misc]
    """Encodes a plan's regions, with the tokenizers and text encoders of SDXL."""

    model_name = "stable-diffusion-xl"

    @property
    def description(self) -> str:
        """What the block does."""
        return "Encodes the subprompts and the negatives of a plan's regions."

    @property
    def expected_components(self) -> list[Any]:
        """Those of the stock step."""
        components: list[Any] = StableDiffusionXLTextEncoderStep().expected_components
        return components

    @property
    def inputs(self) -> list[InputParam]:
        """The plan, and how the stock step encodes."""
        names = ("cross_attention_kwargs", "clip_skip")
        return [InputParam("plan", description=_PLAN), *(InputParam(name) for name in names)]

    @property
    def intermediate_outputs(self) -> list[OutputParam]:
        """The regions' embeddings."""
        return [
            OutputParam(_EMBEDS, description="the regions' texts, encoded; None without a plan")
        ]

    @torch.no_grad()
    def __call__(self, components: Any, state: PipelineState) -> tuple[Any, PipelineState]:
        """Encode."""
        block = self.get_block_state(state)
        found = None if block.plan is None else self._encoded(components, block)
        setattr(block, _EMBEDS, found)
        self.set_block_state(state, block)
        return components, state

    def _encoded(self, components: Any, block: Any) -> RegionalPromptEmbeds | None:
        layout = RegionalLayout.of(block.plan, fits=reads_at_once(components))
        if not layout.count:
            return None
        encode = partial(_encode_prompt, StableDiffusionXLTextEncoderStep.encode_prompt, components)
        encoder = SDXL.encoder(components, layout.prompts, layout.negatives, encode)
        scale = (block.cross_attention_kwargs or {}).get("scale")
        return encoder.regions(components._execution_device, scale, block.clip_skip)


def _encode_prompt(
    encode: Callable[..., Any],
    components: Any,
    prompt: Sequence[str],
    device: Any,
    num_images_per_prompt: int = 1,
    do_classifier_free_guidance: bool = False,
    lora_scale: float | None = None,
    clip_skip: int | None = None,
) -> Any:
    """The modular step's encoding, called as a classic pipeline's."""
    return encode(
        components,
        prompt,
        device=device,
        num_images_per_prompt=num_images_per_prompt,
        prepare_unconditional_embeds=do_classifier_free_guidance,
        lora_scale=lora_scale,
        clip_skip=clip_skip,
    )


class _RegionalLoop:
    """A denoising loop in which the UNet draws regions."""

    @property
    def loop_inputs(self) -> list[InputParam]:
        """The stock loop's, and what `regional` takes."""
        ours = [InputParam("plan", description=_PLAN), *(InputParam(name) for name in TO_REGIONAL)]
        stock: list[InputParam] = super().loop_inputs  # type: ignore[misc]
        return [*stock, *ours, InputParam(_EMBEDS)]

    @torch.no_grad()
    def __call__(self, components: Any, state: PipelineState) -> tuple[Any, PipelineState]:
        """Denoise."""
        stock: Callable[..., tuple[Any, PipelineState]] = super().__call__  # type: ignore[misc]
        block = self.get_block_state(state)  # type: ignore[attr-defined]
        layout, schedule = _composition(block, components)
        embeds: RegionalPromptEmbeds | None = getattr(block, _EMBEDS)
        if not layout.count:
            return stock(components, state)
        if embeds is None:
            raise ModelError(
                "the plan's regions are not encoded: RegionalTextEncoderStep has to run"
            )
        unet = components.unet
        if not SDXL.holds(unet):
            raise ModelError(f"{type(unet).__name__}: regions need a UNet of the SDXL family")
        backbone = UNet(unet, components.vae_scale_factor)
        with RegionalDenoiser(backbone, layout, embeds, schedule) as denoiser:
            with intercepted(unet, _Calls(denoiser, components, block)):
                return stock(components, state)


def _composition(block: Any, components: Any) -> tuple[RegionalLayout, Schedule]:
    """What a call asked for; for what it left open, the defaults of SDXL."""
    said = {name: value for name in TO_REGIONAL if (value := getattr(block, name)) is not None}
    usual = FAMILIES["sdxl"]
    schedule = Schedule(
        said.get("composer", usual.composer),
        said.get("start", 0.0),
        said.get("end", 1.0),
        said.get("share", usual.share),
    )
    plans = [block.plan] if isinstance(block.plan, Plan) else list(block.plan or ())
    layout = RegionalLayout.of(
        [one.with_default_ratio(usual.ratio_for(one)) for one in plans],
        base_ratio=said.get("base_ratio"),
        feather=said.get("feather", usual.feather),
        window=cells_of(said.get("window", usual.window), components),
    )
    rows, count = len(block.prompt_embeds), len(layout.plans)
    if count > 1 and rows % count:
        raise SettingsError(f"{count} plans want a prompt each: the call draws {rows} pictures")
    return layout, schedule


class _Calls:
    """Calls of the UNet in a loop: a guider's batch after batch, each of one branch."""

    def __init__(self, denoiser: RegionalDenoiser, components: Any, block: Any) -> None:
        self.denoiser, self.guider = denoiser, components.guider
        self.steps = len(block.timesteps)
        self.texts: dict[Branch, Tensor | None] = {
            "cond": block.prompt_embeds,
            "uncond": getattr(block, "negative_prompt_embeds", None),
        }

    def __call__(self, *args: Any, **words: Any) -> Any:
        """Predict regionally; the text's own tensor says of which branch a batch is."""
        call = self.denoiser.backbone.parsed(args, words)
        branch = next((name for name, text in self.texts.items() if text is call.text), None)
        if branch is None:
            raise ModelError(
                f"{type(self.guider).__name__} asks for predictions of other texts than prompt and "
                "negative"
            )
        self.denoiser.at(self.guider.get_state()["step"], self.steps)
        predicted = self.denoiser.predict(
            call.sample, call.timestep, branch, call.text, call.conditions
        )
        return call.returned(predicted)


@cache
def _regional(kind: type[ModularPipelineBlocks]) -> type[ModularPipelineBlocks]:
    return type(f"Regional{kind.__name__}", (_RegionalLoop, kind), {})
