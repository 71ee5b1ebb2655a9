"""Plans drawn by a diffusers pipeline: generators, sampler, callbacks, failures."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image

from rpg._memory import memory_explained
from rpg.diffusion import regional
from rpg.diffusion.backbones import controls, family
from rpg.diffusion.memory import next_saving
from rpg.diffusion.tiles import decoding_again_in_tiles
from rpg.editing.inpaint import SoftMask
from rpg.errors import GenerationError, SettingsError
from rpg.generation.guidance_interval import GuidanceInterval
from rpg.generation.latent_preview import remembering
from rpg.generation.request import Inputs
from rpg.plans.plan import Plan
from rpg.settings import MAX_SEED, TO_PIPELINE, TO_REGIONAL, GenerationSettings, Scheduler

StepSeen = Callable[[int, int, torch.Tensor, Any], None]

_NAN = (
    "the picture came out as NaN (not a number); load the model with dtype=torch.float32 "
    "or torch.bfloat16, or lower guidance_scale"
)
_MEMORY = "ask for a smaller size or fewer images at once"


@dataclass(frozen=True)
class Noise:
    """Where the pictures' noise comes from.

    Attributes:
        generator: One for all pictures, or one for each.
        seeds: For each picture the seed that makes it again alone, None where no seed can.
        acting: From the pipeline, its scheduler in place, to a context in which the noise that its
            loop begins with is another than the generators'.
    """

    generator: torch.Generator | list[torch.Generator]
    seeds: tuple[int | None, ...]
    acting: Callable[[Any], AbstractContextManager[None]] = nullcontext


def seeded(seeds: Sequence[int]) -> Noise:
    """A generator for each picture; on the CPU, so that a seed means one noise on every device."""
    return Noise([torch.Generator("cpu").manual_seed(one) for one in seeds], tuple(seeds))


def given(generator: torch.Generator | Sequence[torch.Generator], first: int, count: int) -> Noise:
    """The caller's generators; their seeds are known only where they have not been drawn from."""
    if isinstance(generator, torch.Generator):
        return Noise(generator, (_fresh_seed(generator),) if count == 1 else (None,) * count)
    ours = list(generator[first : first + count])
    return Noise(ours, tuple(map(_fresh_seed, ours)))


def _fresh_seed(generator: torch.Generator) -> int | None:
    seed = generator.initial_seed()
    fresh = torch.Generator(generator.device).manual_seed(seed)
    untouched = torch.equal(generator.get_state(), fresh.get_state())
    return seed if untouched and generator.device.type == "cpu" and seed <= MAX_SEED else None


def render(
    pipe: Any,
    plans: Sequence[Plan],
    used: GenerationSettings,
    noise: Noise,
    inputs: Inputs,
    seen: StepSeen,
    *,
    soft: SoftMask | None = None,
    redrawn: Image.Image | None = None,
    empty: str = "",
    tell: Callable[[str], None] = lambda _: None,
) -> Any:
    """Pictures of plan after plan, drawn at once, as `inputs.output_type` asks.

    Args:
        pipe: The diffusers pipeline for the task.
        plans: What to draw, with their base ratios; all have a negative prompt, or none has.
        used: Complete settings; the size is one that the pipeline takes.
        noise: A source for each picture.
        inputs: Images, callbacks and whatever goes to the pipeline as it is.
        seen: Called after each step with its number from 1, how many there are, the latents (B, C,
            h, w) and the timestep. What it raises stops the pipeline, which stays usable.
        soft: The mask of an inpainting call whose UNet does not see it.
        redrawn: The mask outside of which the pipeline keeps the old picture; see `regional`.
        empty: What is told of canvas that is left over; see `regional`.
        tell: Told of what was done otherwise than asked, for want of memory.

    Raises:
        GenerationError: The latents are not numbers, or memory ran out.
        SettingsError: The scheduler cannot be used, or not with so many steps.
    """
    words = _pipeline_words(pipe, plans, used, noise, inputs)
    guidance = GuidanceInterval(pipe, used.guidance_end)
    words |= _callbacks(pipe, _watched(inputs, seen, soft, guidance), inputs, soft, guidance)
    advice = ", or ".join(filter(None, [_MEMORY, next_saving(pipe)]))
    with restored(pipe), sampler(pipe, used.scheduler), memory_explained(GenerationError, advice):
        _check_steps(pipe.scheduler, used)
        words_of_regions = {**_regional_words(used), "redrawn": redrawn, "empty": empty}
        words_of_regions |= inputs.of_regions(plans[0])
        believing = remembering(pipe.scheduler)
        with regional(pipe, plans, **words_of_regions), guidance.watching(pipe), believing:
            decoding = decoding_again_in_tiles(pipe.vae, tell)
            with noise.acting(pipe), decoding, np.errstate(invalid="ignore"):
                return pipe(**words).images


def _check_steps(scheduler: Any, used: GenerationSettings) -> None:
    """Whether a scheduler for few steps, which takes some of those of its teacher, has so many."""
    most, asked = scheduler.config.get("original_inference_steps"), used.num_inference_steps
    if most is not None and asked is not None and asked > most:
        raise SettingsError(
            f"num_inference_steps: {asked} are more than the {most} of {type(scheduler).__name__}"
        )


def _regional_words(used: GenerationSettings) -> dict[str, Any]:
    return {name: getattr(used, name) for name in TO_REGIONAL if name != "base_ratio"}


def _pipeline_words(
    pipe: Any, plans: Sequence[Plan], used: GenerationSettings, noise: Noise, inputs: Inputs
) -> dict[str, Any]:
    words = {name: getattr(used, name) for name in TO_PIPELINE}
    words |= {
        "prompt": _said([plan.effective_base_prompt for plan in plans]),
        "negative_prompt": _said([plan.effective_negative for plan in plans]) or None,
        "generator": noise.generator,
        "output_type": inputs.output_type,
        **_images(pipe, inputs),
    }
    for name in ("prompt", "negative_prompt"):
        if words.get(f"{name}_embeds") is not None:
            words[name] = None
    accepted = inspect.signature(pipe.__call__).parameters
    return {name: value for name, value in words.items() if value is not None and name in accepted}


def _said(texts: list[str]) -> str | list[str] | None:
    """Texts as a call takes them; None where all are empty."""
    return texts[0] if len(texts) == 1 else texts if any(texts) else None


def _images(pipe: Any, inputs: Inputs) -> dict[str, Any]:
    """Images, and what goes to the pipeline as it is, under the names that it has for them."""
    if inputs.control_image is None:
        return {"image": inputs.image, "mask_image": inputs.mask_image, **inputs.extra}
    net = controls.chosen(None, pipe)
    picture, mode = inputs.control_image, inputs.control_mode
    return controls.control_of(net).words(net, picture, mode, inputs.extra, family(pipe))


def _callbacks(
    pipe: Any,
    watched: Callable[..., dict[str, Any]],
    inputs: Inputs,
    soft: SoftMask | None,
    guidance: GuidanceInterval,
) -> dict[str, Any]:
    """The step callback, under the name that the pipeline has for it.

    Raises:
        SettingsError: The caller's own is to change something, in a pipeline that has the old kind
            (T2I-Adapters'), which takes nothing back.
    """
    if "callback_on_step_end" in inspect.signature(pipe.__call__).parameters:
        asked = _callback_inputs(inputs, soft, guidance)
        return {
            "callback_on_step_end": watched,
            "callback_on_step_end_tensor_inputs": asked,
        }
    if inputs.callback_on_step_end is not None:
        raise SettingsError(f"callback_on_step_end: {type(pipe).__name__} takes none")
    return {"callback": lambda i, t, latents: watched(pipe, i, t, {"latents": latents})}


def _callback_inputs(
    inputs: Inputs, soft: SoftMask | None, guidance: GuidanceInterval
) -> list[str]:
    asked = getattr(
        inputs.callback_on_step_end, "tensor_inputs", inputs.callback_on_step_end_tensor_inputs
    )
    ours = ["latents", *(["mask"] if soft else []), *guidance.tensor_inputs]
    return list(dict.fromkeys([*asked, *ours]))


def _watched(
    inputs: Inputs, seen: StepSeen, soft: SoftMask | None, guidance: GuidanceInterval
) -> Callable[..., dict[str, Any]]:
    """A step callback that serves the caller's first, then ours."""

    def on_step_end(pipe: Any, i: int, timestep: Any, values: dict[str, Any]) -> dict[str, Any]:
        if inputs.callback_on_step_end is not None:
            given = dict(values)
            values = {**given, **inputs.callback_on_step_end(pipe, i, timestep, values)}
        done, steps, latents = i + 1, _steps(pipe), values["latents"]
        seen(done, steps, latents, timestep)
        if done == steps and not bool(torch.isfinite(latents).all()):
            raise GenerationError(_NAN)
        values = guidance.after(pipe, done, values)
        if soft is not None and "mask" in values:  # of the next step
            values["mask"] = soft.at(done, steps, values["mask"])
        return values

    return on_step_end


def _steps(pipe: Any) -> int:
    """How many steps its callback is told of: evaluations, or, of the old kind, whole steps."""
    scheduler = pipe.scheduler
    return int(getattr(pipe, "num_timesteps", -(-len(scheduler.timesteps) // scheduler.order)))


@contextmanager
def sampler(pipe: Any, name: Scheduler | None) -> Iterator[None]:
    """Swaps the pipeline's scheduler for the one named, and back.

    Raises:
        SettingsError: The pipeline cannot use it.
    """
    own = pipe.scheduler
    if name is None or name == scheduler_name(pipe):
        yield
        return
    pipe.scheduler = family(pipe).scheduler(name, own)
    try:
        yield
    finally:
        pipe.scheduler = own


def scheduler_name(pipe: Any) -> Scheduler | None:
    """The short name of a pipeline's scheduler; None for what has none."""
    kind, config = type(pipe.scheduler).__name__, pipe.scheduler.config
    for name, (wanted, options) in family(pipe).schedulers.items():
        if kind == wanted and all(
            config.get(key, False) == value for key, value in options.items()
        ):
            return name
    return None


def bar_config(pipe: Any) -> dict[str, Any]:
    """What `set_progress_bar_config` was last told."""
    return dict(getattr(pipe, "_progress_bar_config", {}))


@contextmanager
def quiet(pipe: Any) -> Iterator[None]:
    """No progress bar of diffusers' own, where events take its place."""
    before = bar_config(pipe)
    pipe.set_progress_bar_config(**{**before, "disable": True})
    try:
        yield
    finally:
        pipe.set_progress_bar_config(**before)


@contextmanager
def restored(pipe: Any) -> Iterator[None]:
    """Puts the pipeline right after an exception: offloading hooks, the autoencoder's dtype."""
    dtype = pipe.vae.dtype
    try:
        yield
    except BaseException:
        pipe.maybe_free_model_hooks()
        if pipe.vae.dtype != dtype:
            pipe.vae.to(dtype=dtype)
        raise
