"""`regional`: a plan's regions in any stock diffusers pipeline, for as long as a context lasts."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import cycle
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from rpg.diffusion import backbones
from rpg.diffusion.backbones import Family
from rpg.diffusion.canvas import cells_of
from rpg.diffusion.denoiser import RegionalDenoiser
from rpg.diffusion.embeds import RegionalPromptEmbeds, unfilled
from rpg.diffusion.layout import RegionalLayout
from rpg.diffusion.patches import intercepted, replaced
from rpg.diffusion.region_images import DEFAULT_IMAGE_SCALE, RegionImages, check_images
from rpg.diffusion.region_lora import RegionLoras, in_text_encoders, load_loras
from rpg.diffusion.schedule import Composer, Schedule
from rpg.diffusion.state import Branch, Branches
from rpg.diffusion.text import reads_at_once
from rpg.errors import ModelError, SettingsError
from rpg.plans.naming import region_named
from rpg.plans.plan import Plan

__all__ = ["regional"]

_LOG = logging.getLogger("rpg")


@contextmanager
def regional(
    pipe: Any,
    plan: Plan | Sequence[Plan],
    *,
    composer: Composer | None = None,
    base_ratio: float | None = None,
    start: float = 0.0,
    end: float = 1.0,
    feather: float | None = None,
    share: float | None = None,
    window: int | None = None,
    redrawn: Image.Image | None = None,
    empty: str = "",
    region_loras: Mapping[Any, Sequence[tuple[Any, float]]] | None = None,
    region_images: Mapping[Any, Any] | None = None,
    region_image_scale: float = DEFAULT_IMAGE_SCALE,
) -> Iterator[Any]:
    """Draw `plan`'s regions in every call of `pipe` within the context.

    The call's own prompt is the base prompt: pass `plan.effective_base_prompt`. One that is neither
    that nor `plan.prompt` is drawn as well, and the logger "rpg" warns of it. Several plans are
    drawn in one pass by a call with a prompt for each, and may differ in all things. Everything
    that is patched (the model's class, its attention, `encode_prompt`) is put back on leaving, also
    by an exception; hooks, offloading and processors that somebody sets within the context stay.

    Args:
        pipe: a diffusers pipeline of the SDXL or SD 1.5 family: text-to-image, image-to-image,
            inpainting (4- or 9-channel UNet), ControlNet, with perturbed-attention guidance, or
            SDXL's InstructPix2Pix.
        plan: the regions, of every picture or, for a list of plans, of each prompt's; where there
            are none the pipeline is left as it is, but for weights in its texts, and that it may
            be called without a picture for its IP-Adapter.
        composer: "attention" (regions in cross-attention, one UNet pass), "latent" (every region
            its own latent) or "latent+attention" (latents for the first `share` of the steps).
            None, here and below: the default of the model or its family, see `rpg.defaults`.
        base_ratio: weight b of the base prompt, 0 to 1, in every region; None: what region or plan
            says, else the default.
        start: share of the steps after which regions begin to act, 0 to 1.
        end: share of the steps after which they stop, above `start`, at most 1.
        feather: width of the blend between regions as a share of the shorter side, 0 to 0.5.
        share: share of the regional steps that "latent+attention" composes by latents, 0 to 1.
        window: pixels that a side of what latents draw a region in has at least, with what is
            around it; 0: its box alone, as a canvas of its own.
        redrawn: the mask of an inpainting call whose UNet does not see it: where it is black the
            pipeline puts the old latents back after every step, so that regions which lie there
            need not be denoised as latents. None: everything counts.
        empty: what is told of canvas that no region covers, where the scene of the plan has things
            and names neither setting nor style; without it the base prompt is drawn there.
        region_loras: LoRAs that act in one region each: by its id, its number from 1 or words for
            what it shows, a list of a `.safetensors` file, or the name of an adapter that is loaded
            and not active, and its weight. The pipeline's own LoRAs stay as they are.
        region_images: reference pictures of regions, named likewise, for the first IP-Adapter that
            is loaded: a picture, a list, or embeddings as `ip_adapter_image_embeds` has them.
        region_image_scale: how strongly these act, 0 or more.

    Yields:
        The pipeline.

    Raises:
        SettingsError: a number is out of its range, the composer or a region is unknown, or (from a
            call) there are not as many prompts as plans.
        ModelError: the pipeline is of another family, or regions act in it already; a LoRA cannot
            be loaded or does not fit, or there is no IP-Adapter; or (from a call, before its first
            step) its guidance is of a kind that is not known.
    """
    family, usual = backbones.family(pipe), backbones.defaults_of(pipe)
    fraction = usual.share if share is None else share
    schedule = Schedule(composer or usual.composer, start, end, fraction)
    mask = None if redrawn is None else torch.from_numpy(np.array(redrawn.convert("L")))
    plans = [plan] if isinstance(plan, Plan) else list(plan)
    layout = RegionalLayout.of(
        [one.with_default_ratio(usual.ratio_for(one)) for one in plans],
        base_ratio=base_ratio,
        feather=usual.feather if feather is None else feather,
        inpaint_mask=mask,
        window=cells_of(usual.window if window is None else window, pipe),
        fits=reads_at_once(pipe),
        empty=empty,
    )
    chosen = _by_index(plans, layout, region_loras or {}, "region_loras")
    pictures = _by_index(plans, layout, region_images or {}, "region_images")
    pictures = check_images(pipe, pictures, region_image_scale)
    images = RegionImages(pipe, pictures, layout.count, region_image_scale)
    if not layout.count:
        encoder = family.encoder(pipe, (), ())
        encoding = replaced(pipe, "encode_prompt", encoder.encode_weighted)
        with encoding, images.acting(family.model(pipe)):
            yield pipe
        return
    loras = RegionLoras(load_loras(pipe, chosen), layout.count)
    with ExitStack() as stack:
        denoiser = stack.enter_context(
            RegionalDenoiser(family.backbone(pipe), layout, None, schedule)
        )
        calls = _Calls(pipe, family, denoiser, layout, plans, loras, images)
        stack.enter_context(loras.acting(family.model(pipe), denoiser.state))
        stack.enter_context(images.acting(family.model(pipe)))
        stack.enter_context(replaced(pipe, "encode_prompt", calls.encode_prompt))
        stack.enter_context(intercepted(family.model(pipe), calls.predict))
        yield pipe


def _by_index(
    plans: Sequence[Plan], layout: RegionalLayout, given: Mapping[Any, Any], what: str
) -> dict[int, Any]:
    """What is given for regions of the only plan, by their indices in the layout.

    Raises:
        SettingsError: there are several plans, a region is unknown, or one is named twice.
    """
    if given and len(plans) != 1:
        raise SettingsError(f"{what} goes with one plan at a time, not with {len(plans)}")
    found: dict[int, Any] = {}
    for name, value in given.items():
        region = region_named(plans[0], name)
        laid = layout.plans[0]
        index = plans[0].layers().index(region) + int(laid.leftover)
        if index in found:
            raise SettingsError(f"{what} names the region {region.id!r} twice")
        found[index] = value
    return found


class _Calls:
    """What a pipeline calls in the place of its own `encode_prompt` and model."""

    def __init__(
        self,
        pipe: Any,
        family: Family,
        denoiser: RegionalDenoiser,
        layout: RegionalLayout,
        plans: Sequence[Plan],
        loras: RegionLoras,
        images: RegionImages,
    ) -> None:
        self.loras, self.images = loras, images
        self.pipe, self.family, self.denoiser, self.plans = pipe, family, denoiser, plans
        self.encoder = family.encoder(pipe, layout.prompts, layout.negatives)
        self.step = 0
        self.texts: dict[Branch, Tensor] = {}  # of the call, as they were encoded

    def encode_prompt(self, *args: Any, **words: Any) -> Any:
        """Encode the regions with the call's own prompts; an image begins when a call encodes."""
        count = self.encoder.count(*args, **words)
        if len(self.plans) not in (1, count):
            raise SettingsError(f"{len(self.plans)} plans want a prompt each: the call has {count}")
        _compare(self.encoder.prompts(*args, **words), self.plans)
        result, embeds = self.encoder.encode(*args, **words)
        embeds = self._under_loras(embeds, result, *args, **words)
        self.denoiser.begin_image(embeds, self.images.encoded(embeds.prompts.device))
        self.step = 0
        self.texts = self.encoder.branches(result)
        return result

    def _under_loras(
        self,
        embeds: RegionalPromptEmbeds,
        encoded: Sequence[Tensor | None],
        *args: Any,
        **words: Any,
    ) -> RegionalPromptEmbeds:
        """The regions' texts, those of regions with LoRAs as these have them.

        The unguided branch is told the call's negative there, too, by keys and values of its own.
        """
        _, negative, *pooled = encoded
        if negative is not None and self.loras.regions:
            if not torch.equal(negative, negative[:1].expand_as(negative)):
                raise SettingsError("a region's LoRA wants one negative prompt for all pictures")
            told = unfilled(negative[:1], embeds.empty)
            first = told, pooled[1][:1] if pooled and pooled[1] is not None else None
            for region in self.loras.regions:
                if not embeds.own_negative[region]:
                    embeds = embeds.with_texts(region, None, first)
        for region, strengths in self.loras.texts():
            with in_text_encoders(self.pipe, strengths):
                wanted, unwanted = self.encoder.region(region, *args, **words)
            own = unwanted if embeds.own_negative[region] else None
            embeds = embeds.with_texts(region, wanted, own)
        return embeds

    def predict(self, *args: Any, **words: Any) -> Any:
        """Predict regionally, a step at each call; before an image begins, as the model does."""
        backbone = self.denoiser.backbone
        call = backbone.parsed(args, words)
        branches: Branches = ("cond",)
        if self.denoiser.drawing:
            branches = self._branches(call.text)
            self.denoiser.at(self.step, max(self._steps(), self.step + 1))
            self.step += 1
        predicted = self.denoiser.predict(
            call.sample, call.timestep, branches, call.text, call.conditions
        )
        return call.returned(predicted)

    def _steps(self) -> int:
        """How many calls of the model the pipeline's loop makes."""
        own = getattr(self.pipe, "_num_timesteps", 0)
        return int(own) or len(self.pipe.scheduler.timesteps)

    def _branches(self, text: Tensor) -> Branches:
        """What the rows of a batch are.

        Raises:
            ModelError: they are not what is known of the pipeline's guidance.
        """
        name, rows = type(self.pipe).__name__, len(self.texts["cond"])
        if len(text) % rows:
            raise ModelError(
                f"{name} asks for {len(text)} predictions of {rows} pictures in a step"
            )
        branches = self.family.branches(self.pipe, len(text) // rows)
        if self.step == 0:  # later a callback may have changed them
            parts = zip(branches, torch.split(text, rows), strict=True)
            if not all(_same(part, self.texts.get(branch)) for branch, part in parts):
                raise ModelError(
                    f"{name} asks for predictions of other texts than prompt and negative, in this "
                    f"order: {', '.join(branches)}"
                )
        return branches


def _same(text: Tensor, encoded: Tensor | None) -> bool:
    """Whether rows of a batch are a text as it was encoded; unknown of tensors without storage."""
    if encoded is None or text.is_meta:
        return True
    return text.shape == encoded.shape and torch.equal(text, encoded.to(text))


def _compare(prompts: Sequence[str], plans: Sequence[Plan]) -> None:
    """Warns where a call's prompt, which is what is drawn, is not its plan's."""
    for prompt, plan in zip(prompts, cycle(plans), strict=False):
        if prompt.strip() not in (plan.prompt, plan.effective_base_prompt):
            said = "the base prompt drawn is the call's %.100r, not the plan's %.100r"
            _LOG.warning(said, prompt, plan.effective_base_prompt)
            return
