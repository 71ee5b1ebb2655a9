"""UNets with cross-attention: SDXL and Stable Diffusion 1.5."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import diffusers
import torch
from diffusers import UNet2DConditionModel
from diffusers.models.unets.unet_2d_condition import UNet2DConditionOutput
from torch import Tensor

from rpg.diffusion.attention import cross_attention_layers, unwrap, wrap
from rpg.diffusion.backbones.base import Call, Family
from rpg.diffusion.crops import CropBatch
from rpg.diffusion.recognition import family_of
from rpg.diffusion.state import Branches, RegionalState, Size
from rpg.diffusion.text import Encoder
from rpg.diffusion.tokens import sorted_tokens
from rpg.errors import ModelError
from rpg.settings import Scheduler

__all__ = ["SD15", "SDXL", "UNet"]

_SIGNATURE = inspect.signature(UNet2DConditionModel.forward)
_LISTS = ("down_block_additional_residuals", "down_intrablock_additional_residuals")
_MASKS = ("attention_mask", "encoder_attention_mask")


class UNet:
    """diffusers' `UNet2DConditionModel` as a backbone.

    Args:
        unet: the model, or what `torch.compile` made of it.
        pixels_per_cell: the autoencoder's scale factor, for SDXL's size conditioning.
    """

    def __init__(self, unet: Any, pixels_per_cell: int) -> None:
        """Remember how the model is called now, so that what watches it later is passed by."""
        self.model: torch.nn.Module = unet
        self._plain: Callable[..., Any] = partial(type(unet).__call__, unet)
        self._pixels_per_cell = pixels_per_cell
        self.crop_multiple = 1 << (len(unet.config.down_block_types) - 1)

    def predict(
        self, sample: Tensor, timestep: Any, text: Tensor, conditions: Mapping[str, Any]
    ) -> Tensor:
        """See `Backbone`. The UNet empties lists that it is given, so it is handed copies."""
        lists = {name: list(value) for name, value in conditions.items() if isinstance(value, list)}
        words = {**conditions, **lists, "return_dict": False}
        predicted: Tensor = self._plain(sample, timestep, text, **words)[0]
        return predicted

    def parsed(self, args: Sequence[Any], words: Mapping[str, Any]) -> Call:
        """See `Backbone`."""
        call = dict(_SIGNATURE.bind(self.model, *args, **words).arguments)
        whole = call.pop("return_dict", True)
        sample, timestep, text = (
            call.pop(name) for name in ("sample", "timestep", "encoder_hidden_states")
        )
        del call["self"]

        def returned(predicted: Tensor) -> Any:
            return UNet2DConditionOutput(sample=predicted) if whole else (predicted,)

        return Call(sample, timestep, text, call, returned)

    def cropped(
        self, conditions: Mapping[str, Any], batch: CropBatch, state: RegionalState
    ) -> dict[str, Any]:
        """See `Backbone`."""
        fitted = dict(conditions)
        for name in _LISTS:
            if fitted.get(name) is not None:
                fitted[name] = [batch.cut(one) for one in fitted[name]]
        middle = fitted.get("mid_block_additional_residual")
        if middle is not None:
            fitted["mid_block_additional_residual"] = batch.cut(middle)
        fitted["timestep_cond"] = batch.rows(fitted.get("timestep_cond"))
        if fitted.get("added_cond_kwargs"):
            fitted["added_cond_kwargs"] = self._added(fitted["added_cond_kwargs"], batch, state)
        if fitted.get("cross_attention_kwargs"):
            fitted["cross_attention_kwargs"] = self._masked(fitted["cross_attention_kwargs"], batch)
        return fitted

    def token_grid(self, canvas: Size, tokens: int) -> Size:
        """See `Backbone`."""
        height, width = canvas
        while height * width > tokens:  # every downsampling halves, rounding up
            height, width = -(-height // 2), -(-width // 2)
        assert height * width == tokens, f"{tokens} tokens are no level of {canvas}"
        return height, width

    def attended_text(self, text: Tensor) -> Tensor:
        """See `Backbone`."""
        return text

    def minds_order(self, conditions: Mapping[str, Any]) -> bool:
        """See `Backbone`: masks, an IP-Adapter's areas, boxes."""
        if any(conditions.get(name) is not None for name in _MASKS):
            return True
        return bool(set(conditions.get("cross_attention_kwargs") or ()) - {"scale"})

    @contextmanager
    def attention(self, state: RegionalState) -> Iterator[Callable[[], int]]:
        """See `Backbone`."""
        layers = list(cross_attention_layers(self.model))

        def refresh() -> int:
            wrap(layers, state)
            return len(layers)

        try:
            with sorted_tokens(self.model, state):
                refresh()
                yield refresh
        finally:
            unwrap(layers)

    def _added(
        self, added: Mapping[str, Any], batch: CropBatch, state: RegionalState
    ) -> dict[str, Any]:
        assert state.embeds is not None
        fitted = dict(added)
        if "text_embeds" in added and state.embeds.pooled is not None:
            sources = state.embeds.pooled_sources(added["text_embeds"])
            pooled = sources.index_select(0, batch.selection.rows)
            if batch.selection.base is not None:
                rows, shares = batch.selection.base
                pooled = pooled.lerp(sources.index_select(0, rows), shares.to(pooled)[:, None])
            fitted["text_embeds"] = pooled
        if "time_ids" in added:
            rows = batch.rows(added["time_ids"])
            fitted["time_ids"] = self._time_ids(rows, batch) if batch.apart else rows
        if "image_embeds" in added:
            images = added["image_embeds"]
            one_each = isinstance(images, list)
            fitted["image_embeds"] = (
                list(map(batch.rows, images)) if one_each else batch.rows(images)
            )
        return fitted

    def _time_ids(self, rows: Tensor, batch: CropBatch) -> Tensor:
        """SDXL's six numbers: original size, crop, target size; the crop is a canvas of its own."""
        if rows.shape[-1] != 6:
            return rows
        height, width = (side * self._pixels_per_cell for side in batch.size)
        return rows.new_tensor([height, width, 0, 0, height, width]).repeat(len(rows), 1)

    def _masked(self, given: dict[str, Any], batch: CropBatch) -> dict[str, Any]:
        """An IP-Adapter's masks, (1, pictures, h, w) each, cut like the latents."""
        masks = given.get("ip_adapter_masks")
        if masks is None:
            return given
        if isinstance(masks, Tensor):
            masks = list(masks.unsqueeze(1))
        cut = [
            None if mask is None else batch.cut_picture(mask, self._pixels_per_cell)
            for mask in masks
        ]
        return {**given, "ip_adapter_masks": cut}


def _backbone(pipe: Any) -> UNet:
    return UNet(pipe.unet, int(pipe.vae_scale_factor))


def _branches(pipe: Any, count: int) -> Branches:
    """What the rows of a UNet's batch are, by the kind of guidance that a pipeline does.

    Args:
        pipe: in the midst of its loop.
        count: predictions for each picture.

    Raises:
        ModelError: it does another kind.
    """
    if any(kind.__name__ == _IMAGE_GUIDED for kind in type(pipe).__mro__):
        known: tuple[Branches, ...] = (("cond",), ("cond", "uncond", "uncond"))
    else:
        guided: Branches = ("uncond",) if pipe.do_classifier_free_guidance else ()
        perturbed = getattr(pipe, "do_perturbed_attention_guidance", False)
        known = ((*guided, "cond", "cond") if perturbed else (*guided, "cond"),)
    for branches in known:
        if len(branches) == count:
            return branches
    raise ModelError(
        f"{type(pipe).__name__} asks for {count} predictions a picture and step: regions need one "
        "of the usual guidances"
    )


def _is_of(family: str, model: Any) -> bool:
    """Whether a model is a UNet of the family, also where `torch.compile` has wrapped it."""
    unet = getattr(model, "_orig_mod", model)
    return isinstance(unet, UNet2DConditionModel) and family_of(unet.config) == family


def _names(prefix: str, kinds: str) -> tuple[str, ...]:
    return tuple(f"{prefix}{kind}Pipeline" for kind in kinds.split())


_SHARED = "Adapter ControlNetImg2Img ControlNetInpaint PAG PAGImg2Img PAGInpaint ControlNetPAG"
_IMAGE_GUIDED = "StableDiffusionXLInstructPix2PixPipeline"
_DOUBLED = (
    "prompt_embeds",
    "add_text_embeds",
    "add_time_ids",
    "mask",
    "masked_image_latents",
    "image",  # a ControlNet's
)
# Class name and options.
_SCHEDULERS: Mapping[Scheduler, tuple[str, Mapping[str, Any]]] = {
    "ddim": ("DDIMScheduler", {}),
    "ddpm": ("DDPMScheduler", {}),
    "dpm++2m": ("DPMSolverMultistepScheduler", {"use_karras_sigmas": False}),
    "dpm++2m-karras": ("DPMSolverMultistepScheduler", {"use_karras_sigmas": True}),
    "euler": ("EulerDiscreteScheduler", {"use_karras_sigmas": False}),
    "euler-a": ("EulerAncestralDiscreteScheduler", {}),
    "heun": ("HeunDiscreteScheduler", {}),
    "lcm": ("LCMScheduler", {}),
    "lms": ("LMSDiscreteScheduler", {}),
    "pndm": ("PNDMScheduler", {}),
    "tcd": ("TCDScheduler", {}),
    "unipc": ("UniPCMultistepScheduler", {}),
}

SDXL = Family(
    name="sdxl",
    title="SDXL",
    pipelines={
        "text2img": diffusers.StableDiffusionXLPipeline,
        "img2img": diffusers.StableDiffusionXLImg2ImgPipeline,
        "inpaint": diffusers.StableDiffusionXLInpaintPipeline,
        "controlnet": diffusers.StableDiffusionXLControlNetPipeline,
    },
    others=_names(
        "StableDiffusionXL",
        f"{_SHARED} ControlNetPAGImg2Img ControlNetUnion ControlNetUnionImg2Img "
        "ControlNetUnionInpaint InstructPix2Pix",
    ),
    denoiser="unet",
    holds=partial(_is_of, "sdxl"),
    backbone=_backbone,
    branches=_branches,
    doubled=_DOUBLED,
    encoder=Encoder,
    # Least-squares maps from latent channels to colours, here and below as in ComfyUI's previews.
    preview=(
        (0.3920, 0.4054, 0.4549),
        (-0.2634, -0.0196, 0.0653),
        (0.0568, 0.1687, -0.0755),
        (-0.3112, -0.2359, -0.2076),
    ),
    schedulers=_SCHEDULERS,
)
SD15 = Family(
    name="sd15",
    title="Stable Diffusion 1.5",
    pipelines={
        "text2img": diffusers.StableDiffusionPipeline,
        "img2img": diffusers.StableDiffusionImg2ImgPipeline,
        "inpaint": diffusers.StableDiffusionInpaintPipeline,
        "controlnet": diffusers.StableDiffusionControlNetPipeline,
    },
    others=(
        *_names("StableDiffusion", f"{_SHARED} ControlNetPAGInpaint"),
        "LatentConsistencyModelPipeline",
        "LatentConsistencyModelImg2ImgPipeline",
    ),
    denoiser="unet",
    holds=partial(_is_of, "sd15"),
    backbone=_backbone,
    branches=_branches,
    doubled=_DOUBLED,
    encoder=Encoder,
    preview=(
        (0.3512, 0.2297, 0.3227),
        (0.3250, 0.4974, 0.2350),
        (-0.2829, 0.1762, 0.2721),
        (-0.2120, -0.2616, -0.7177),
    ),
    schedulers=_SCHEDULERS,
)
