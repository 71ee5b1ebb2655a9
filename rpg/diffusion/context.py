"""`regional`: a plan's regions in any stock diffusers pipeline, for as long as a context lasts."""

from __future__ import annotations

import inspect
import logging
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import cycle
from typing import Any, get_args

import numpy as np
import torch
from diffusers import UNet2DConditionModel
from diffusers.models.unets.unet_2d_condition import UNet2DConditionOutput
from PIL import Image

from rpg.diffusion import attention, backbones, latent
from rpg.diffusion.patches import replaced
from rpg.diffusion.state import Composer, Layers, Mode, Schedule, State
from rpg.diffusion.text import Encoder
from rpg.diffusion.tokens import minds_order, sorted_tokens
from rpg.errors import ModelError, SettingsError
from rpg.plans.plan import Plan

__all__ = ["regional"]

_LOG = logging.getLogger("rpg")
DEFAULT_BASE_RATIO = 0.2  # figure 3 of the paper
DEFAULT_SHARE = 0.4
_SIGNATURE = inspect.signature(UNet2DConditionModel.forward)
_COMPOSED = ("self", "sample", "timestep", "encoder_hidden_states")
_ACTIVE: weakref.WeakSet[Any] = weakref.WeakSet()
_ACTIVE_LOCK = threading.Lock()


@contextmanager
def regional(
    pipe: Any,
    plan: Plan | Sequence[Plan],
    *,
    composer: Composer = "latent+attention",
    base_ratio: float | None = None,
    start: float = 0.0,
    end: float = 1.0,
    feather: float = 0.0,
    share: float | None = None,
    redrawn: Image.Image | None = None,
) -> Iterator[Any]:
    """Draw `plan`'s regions in every call of `pipe` within the context.

    The call's own prompt is the base prompt: pass `plan.effective_base_prompt`. One that is neither
    that nor `plan.prompt` is drawn as well, and the logger "rpg" warns of it. Several plans are
    drawn in one pass by a call with a prompt for each, and may differ in all things. Everything
    that is patched (the text-to-image UNet's forward, its attention, `encode_prompt`) is put back
    on leaving, also by an exception.

    Args:
        pipe: a diffusers pipeline of the SDXL or SD 1.5 family: text-to-image, image-to-image,
            inpainting (4- or 9-channel UNet) or ControlNet.
        plan: the regions, of every picture or, for a list of plans, of each prompt's; where there
            are none the pipeline is left as it is.
        composer: "attention" (regions in cross-attention, one UNet pass), "latent" (every region
            its own latent) or "latent+attention" (latents for the first `share` of the steps).
        base_ratio: weight b of the base prompt, 0 to 1, where neither region nor plan says one;
            None is 0.2.
        start: share of the steps after which regions begin to act, 0 to 1.
        end: share of the steps after which they stop, above `start`, at most 1.
        feather: width of the blend between regions as a share of the shorter side, 0 to 0.5.
        share: share of the regional steps that "latent+attention" composes by latents, 0 to 1;
            None is 0.4.
        redrawn: the mask of an inpainting call whose UNet does not see it: where it is black the
            pipeline puts the old latents back after every step, so that regions which lie there
            need not be denoised as latents. None: everything counts.

    Yields:
        The pipeline.

    Raises:
        SettingsError: a number is out of its range, the composer is unknown, or (from a call) there
            are not as many prompts as plans.
        ModelError: the pipeline is of another family, or regions act in it already.
    """
    base_ratio = DEFAULT_BASE_RATIO if base_ratio is None else base_ratio
    share = DEFAULT_SHARE if share is None else share
    _check(composer, base_ratio=base_ratio, start=start, end=end, share=share, feather=2 * feather)
    family = backbones.family(pipe)
    plans = [plan] if isinstance(plan, Plan) else list(plan)
    layers = [_layers(one, base_ratio) for one in plans]
    if not any(one.regions for one in layers):
        yield pipe
        return
    state = State(layers, feather, Schedule(composer, start, end, share), _cells(redrawn))
    with ExitStack() as stack:
        stack.enter_context(_alone(pipe.unet))
        stack.callback(state.close)
        stack.enter_context(_encoding(pipe, state, plans))
        stack.enter_context(sorted_tokens(pipe.unet, state))
        stack.enter_context(attention.installed(pipe.unet, state))
        forward = _forward(pipe, state, family.unet_multiple(pipe.unet))
        stack.enter_context(replaced(pipe.unet, "forward", forward))
        yield pipe


def _check(composer: str, **shares: float) -> None:
    if composer not in get_args(Composer):
        raise SettingsError(f"composer {composer!r}: one of {', '.join(get_args(Composer))}")
    for name, value in shares.items():
        if not 0 <= value <= 1:
            most = 0.5 if name == "feather" else 1
            shown = value / 2 if name == "feather" else value
            raise SettingsError(f"{name} is {shown}: must be from 0 to {most}")
    if shares["start"] >= shares["end"]:
        raise SettingsError(f"start {shares['start']} must be less than end {shares['end']}")


def _cells(mask: Image.Image | None) -> torch.Tensor | None:
    return None if mask is None else torch.from_numpy(np.array(mask.convert("L")))


def _first(*values: float | None) -> float:
    return next(value for value in values if value is not None)


def _layers(plan: Plan, base_ratio: float) -> Layers:
    regions = plan.layers()
    ratios = [_first(region.base_ratio, plan.base_ratio, base_ratio) for region in regions]
    return Layers(regions, ratios)


def _negatives(plan: Plan) -> list[str]:
    """What each region adds to the plan's negative; empty where it adds nothing."""
    return [
        ", ".join(filter(None, (plan.negative, region.negative))) if region.negative else ""
        for region in plan.layers()
    ]


@contextmanager
def _alone(unet: Any) -> Iterator[None]:
    with _ACTIVE_LOCK:
        if unet in _ACTIVE:
            raise ModelError(
                "regions act in this model already: leave the first context, or load another"
            )
        _ACTIVE.add(unet)
    try:
        yield
    finally:
        with _ACTIVE_LOCK:
            _ACTIVE.discard(unet)


@contextmanager
def _encoding(pipe: Any, state: State, plans: Sequence[Plan]) -> Iterator[None]:
    """Encode the regions with the call's own prompts; an image begins when a call encodes."""
    prompts = [region.prompt for plan in plans for region in plan.layers()]
    encoder = Encoder(pipe, prompts, [text for plan in plans for text in _negatives(plan)])

    def encode_prompt(*args: Any, **words: Any) -> Any:
        count = encoder.count(*args, **words)
        if len(plans) not in (1, count):
            raise SettingsError(f"{len(plans)} plans want a prompt each: the call has {count}")
        _compare(encoder.prompts(*args, **words), plans)
        result, conditions = encoder.encode(*args, **words)
        state.begin_image(conditions)
        return result

    with replaced(pipe, "encode_prompt", encode_prompt):
        yield


def _compare(prompts: Sequence[str], plans: Sequence[Plan]) -> None:
    """Warns where a call's prompt, which is what is drawn, is not its plan's."""
    for prompt, plan in zip(prompts, cycle(plans), strict=False):
        if prompt.strip() not in (plan.prompt, plan.effective_base_prompt):
            said = "the base prompt drawn is the call's %.100r, not the plan's %.100r"
            _LOG.warning(said, prompt, plan.effective_base_prompt)
            return


def _forward(pipe: Any, state: State, multiple: int) -> Callable[..., Any]:
    """The UNet's forward with latent composition and step counting."""
    plain = pipe.unet.forward

    def forward(*args: Any, **words: Any) -> Any:
        call = _SIGNATURE.bind(pipe.unet, *args, **words).arguments
        sample, text = call["sample"], call["encoder_hidden_states"]
        state.begin_step(pipe, sample, text, may_sort=not minds_order(call))
        if state.mode is not Mode.LATENT:
            return plain(*args, **words)
        timestep = call["timestep"]
        rest = {name: value for name, value in call.items() if name not in _COMPOSED}
        scale = pipe.vae_scale_factor
        predicted = latent.compose(plain, state, scale, multiple, sample, timestep, text, rest)
        whole = call.get("return_dict", True)
        return UNet2DConditionOutput(sample=predicted) if whole else (predicted,)

    return forward
