"""RPGPipeline: a prompt becomes a plan becomes a picture.

    rpg = RPGPipeline.from_pretrained()
    rpg("a red star above a blue circle at night", seed=7).images[0]

It holds diffusers pipelines and calls them under `rpg.diffusion.regional`; it re-implements none of
them.
"""

from __future__ import annotations

import inspect
import os
import threading
import weakref
from collections.abc import Generator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Unpack, overload

from rpg import _call, _control, _render
from rpg._again import has_lora
from rpg._batch import Batch, Model
from rpg._call import Call, Words
from rpg._changing import Changing
from rpg._control import Control
from rpg._delegating import Delegating
from rpg._edit import Editing
from rpg._output import EditOutput, RefineOutput, RPGOutput, Told
from rpg.critics.toybox import ToyboxCritic
from rpg.defaults import ModelDefaults, of_model
from rpg.diffusion import backbones
from rpg.diffusion.contours import GrabCut
from rpg.diffusion.inpaint import GROUND_STRENGTH, keeps_surroundings
from rpg.errors import ModelError
from rpg.events import Event, Notice, Planned, Thinking
from rpg.metadata import Task, public_name
from rpg.planners import RulePlanner
from rpg.planners.base import plan_with_events
from rpg.settings import environment
from rpg.toybox import describe_world, unknown_words, weights_path
from rpg.toybox.contours import ToyboxContours

if TYPE_CHECKING:
    from rpg.critics.base import Critic
    from rpg.diffusion.contours import ContourFinder
    from rpg.plan import Plan
    from rpg.planners import Planner

__all__ = ["EditOutput", "Editing", "RPGOutput", "RPGPipeline", "RefineOutput"]

TOYBOX = "toybox"
_TOYBOX_GROUND = 0.15  # it has never seen an empty canvas, and draws something on it
_LOCKS: weakref.WeakKeyDictionary[Any, threading.Lock] = weakref.WeakKeyDictionary()
_FILLS = "this model fills masks of pictures and nothing else: pass image and mask_image"
_NO_REGIONS = "the plan has no regions: the base prompt is drawn alone"


class RPGPipeline(Delegating, Changing):
    """Plans prompts and draws the plans with a diffusers pipeline.

    Calls from several threads wait for one another: there is one lock for each denoiser.

    Args:
        pipe: A text-to-image pipeline of diffusers, of the SDXL or SD 1.5 family.
        planner: What turns prompts into plans; the rule planner if None.
        model: Public name of the model, written into records.
        model_defaults: Values for what calls leave open; those of the pipeline's family if None.

    Attributes:
        pipe: The pipeline held; what diffusers' users reach for first is handed on to it.
        planner: The planner; may be replaced.
        defaults: Values for what calls leave open.
        contours: Finds things in pictures, for edits; may be replaced, such as by
            `rpg.diffusion.sam.Sam2`.
        ground_strength: How far the ground where a thing was removed may go from what its
            surroundings suggest, 0 to 1.
        critic: Judges refinements that name no other, the detector for Toybox and None for other
            models; may be replaced.
    """

    def __init__(
        self,
        pipe: Any,
        planner: Planner | None = None,
        *,
        model: str = "",
        model_defaults: ModelDefaults | None = None,
    ) -> None:
        """Hold the pipeline; nothing is loaded or moved."""
        self.pipe = pipe
        self.planner: Planner = planner if planner is not None else RulePlanner()
        self._family = backbones.family(pipe)
        self.defaults = model_defaults or of_model(None, self._family.name)
        self.model = self.defaults.name or public_name(model)
        is_toybox = self.defaults.name == TOYBOX
        self.contours: ContourFinder = ToyboxContours() if is_toybox else GrabCut()
        self.ground_strength = _TOYBOX_GROUND if is_toybox else GROUND_STRENGTH
        self.critic: Critic | None = ToyboxCritic() if is_toybox else None
        self._cell = int(pipe.vae_scale_factor)
        self._lock = _LOCKS.setdefault(pipe.unet, threading.Lock())

    @classmethod
    def from_pretrained(
        cls,
        model: str | os.PathLike[str] | None = None,
        *,
        planner: Planner | None = None,
        dtype: Any = None,
        device: Any = None,
        **kwargs: Any,
    ) -> RPGPipeline:
        """Loads a folder in diffusers' layout or a hub id.

        Args:
            model: None takes the environment's `RPG_MODEL`, else the bundled Toybox.
            planner: None is the rule planner.
            dtype: A torch dtype or its name; None takes `RPG_DTYPE`, else what suits the device.
            device: None takes `RPG_DEVICE`, else the best there is.
            kwargs: Passed to diffusers' `from_pretrained`.

        Raises:
            ModelError: It cannot be loaded, or is of a family that regions do not work with.
        """
        said = environment()
        source = os.fspath(model or said.model or weights_path())
        if Path(source).is_file():
            return cls.from_single_file(
                source, planner=planner, dtype=dtype, device=device, **kwargs
            )
        pipe = backbones.load_pipeline(
            source, dtype=dtype or said.dtype, device=device or said.device, **kwargs
        )
        found = of_model(Path(source), backbones.family(pipe).name)
        return cls(pipe, planner, model=source, model_defaults=found)

    @classmethod
    def from_single_file(
        cls,
        path: str | os.PathLike[str],
        *,
        planner: Planner | None = None,
        dtype: Any = None,
        device: Any = None,
        **kwargs: Any,
    ) -> RPGPipeline:
        """Loads one `.safetensors` checkpoint; arguments and errors as in `from_pretrained`."""
        said = environment()
        pipe = backbones.load_single_file(
            os.fspath(path), dtype=dtype or said.dtype, device=device or said.device, **kwargs
        )
        return cls(pipe, planner, model=os.fspath(path))

    @classmethod
    def from_pipe(cls, pipe: Any, *, planner: Planner | None = None) -> RPGPipeline:
        """Takes a diffusers pipeline as it is, or shares the model of another `RPGPipeline`.

        The pipeline's components are shared, not copied; its scheduler, LoRAs and offloading are
        kept.
        """
        if isinstance(pipe, RPGPipeline):
            chosen = planner if planner is not None else pipe.planner
            return cls(pipe.pipe, chosen, model=pipe.model, model_defaults=pipe.defaults)
        name = getattr(pipe.config, "_name_or_path", "") or ""
        folder = Path(name) if name and Path(name).is_dir() else None
        found = of_model(folder, backbones.family(pipe).name)
        return cls(pipe, planner, model=name, model_defaults=found)

    @overload
    def __call__(
        self,
        prompt: str | Sequence[str] | None = None,
        *,
        return_dict: Literal[True] = True,
        **words: Unpack[Words],
    ) -> RPGOutput: ...

    @overload
    def __call__(
        self,
        prompt: str | Sequence[str] | None = None,
        *,
        return_dict: Literal[False],
        **words: Unpack[Words],
    ) -> tuple[Any, list[Plan]]: ...

    def __call__(
        self,
        prompt: str | Sequence[str] | None = None,
        *,
        return_dict: bool = True,
        **words: Unpack[Words],
    ) -> RPGOutput | tuple[Any, list[Plan]]:
        """Plans and draws.

        Args:
            prompt: One prompt, or several, each planned on its own. None where `plan` says it.
            return_dict: False returns the plain tuple (images, plans).
            words: All optional. Ranges are those of `rpg.settings.GenerationSettings`.

                What to draw: `plan` (a Plan, or one for each prompt: no planning),
                `negative_prompt`, `base_prompt`; or in the official code's words `split_ratio` with
                a prompt of the form "a BREAK b".

                How: `num_inference_steps`, `guidance_scale`, `guidance_end`, `guidance_rescale`,
                `width`, `height` (pixels, snapped to what the model takes),
                `num_images_per_prompt`, `composer`, `base_ratio`, `start`, `end`, `feather`,
                `share`, `scheduler`, `clip_skip`; or `settings`, all of these in one, which single
                words override. `preset` ("fast": fewer steps, and the scheduler for them) fills
                what these leave open; the rest comes from `defaults`.

                Noise: `seed` (picture i of the call draws from seed + i, whatever the batch; None
                or -1 draws a seed), or `generator`, one or a list with one for each picture.

                Speed: `batch_size`, prompts that are drawn at once, 1 (if not given) to 64; from
                pictures each is drawn alone.

                From pictures: `image` with `strength` (image to image), with `mask_image`
                (inpainting, white is redrawn), `control_image` with `controlnet`.

                diffusers' own: `callback_on_step_end`, `callback_on_step_end_tensor_inputs`,
                `output_type` ("pil", "np", "pt", "latent"), `latents`, `ip_adapter_image`, SDXL's
                sizes and crops, and whatever else the pipeline takes.

        Raises:
            RPGError: A prompt, plan or setting that cannot be (before any step is done), or a
                failed generation.
            TypeError: A word that neither we nor the pipeline know.
        """
        call = self._checked(prompt, words)
        told = Told()
        self._run(call, Control(told.hear), preview_every=None)
        output = told.output()
        return output if return_dict else output.to_tuple()

    def stream(
        self,
        prompt: str | Sequence[str] | None = None,
        *,
        preview_every: float = 0.25,
        **words: Unpack[Words],
    ) -> Generator[Event, None, None]:
        """The same as a call, as events; see `rpg.events` for their order.

        Planning and sampling run in a thread of their own. Closing the generator cancels: the
        sampler stops within a step and the pipeline can be used again. A failure is the last event,
        `Failed`.

        Args:
            prompt: As in a call.
            preview_every: Least seconds between two previews, which sit on Step events; negative
                for none.
            words: As in a call.

        Raises:
            RPGError: At once, for words that cannot be.
        """
        call = self._checked(prompt, words)
        return _control.stream(lambda control: self._run(call, control, preview_every))

    def plan(self, prompt: str) -> Plan:
        """The planner's plan for a prompt; draws nothing."""
        return self.planner.plan(prompt)

    def _checked(self, prompt: str | Sequence[str] | None, words: Words) -> Call:
        call = _call.checked(prompt, words, self.defaults)
        if call.task != "inpaint" and not keeps_surroundings(self.pipe):
            raise ModelError(_FILLS)
        kind = type(self.pipe) if self._fits(call.task) else self._family.pipelines[call.task]
        _call.check_extra(
            call.inputs.extra, inspect.signature(kind.__call__).parameters, kind.__name__
        )
        return call

    def _fits(self, task: Task) -> bool:
        """Whether the pipeline held can draw from words alone, and nothing else is asked."""
        return (
            task == "text2img" and "image" not in inspect.signature(self.pipe.__call__).parameters
        )

    def _pipe_for(self, call: Call) -> Any:
        """The pipeline for the call's task, made anew to have the scheduler of now."""
        if self._fits(call.task):
            return self.pipe
        pipe = backbones.sibling(self.pipe, call.task, controlnet=call.inputs.controlnet)
        pipe.set_progress_bar_config(**_render.bar_config(self.pipe))
        return pipe

    def _run(self, call: Call, control: Control, preview_every: float | None) -> None:
        """Plans every prompt, then draws all on canvases of one size, to go into one array."""
        plans = [
            item.finished(item.plan or self._planned(item.prompt, index, control))
            for index, item in enumerate(call.items)
        ]
        control.check()
        for index, plan in enumerate(plans):
            control.emit(Planned(plan, index))
            self._advise(plan, index, control)
        with control.holding(self._lock):
            pipe = self._pipe_for(call)
            model = Model(
                self.model,
                self._family.name,
                self.defaults,
                self.ground_strength,
                has_lora(self.pipe),
            )
            if preview_every is None:
                Batch(pipe, model, call, control).draw(plans)
                return
            with _render.quiet(pipe):
                Batch(pipe, model, call, control, preview_every).draw(plans)

    def _planned(self, prompt: str, index: int, control: Control) -> Plan:
        """The planner's plan; its thoughts are told as they come, where it can be watched."""

        def hear(event: Thinking | Notice) -> None:
            control.check()
            if event.text:
                control.emit(replace(event, prompt_index=index))

        plan = plan_with_events(self.planner, prompt, hear)
        control.check()
        return plan

    def _advise(self, plan: Plan, index: int, control: Control) -> None:
        """Says what the user may not expect of this plan with this model."""
        if not plan.layers():
            control.emit(Notice(_NO_REGIONS, index))
        if self.defaults.name == TOYBOX and (unknown := unknown_words(_drawn_words(plan))):
            said = f"Toybox does not know: {', '.join(unknown)}. {describe_world()}"
            control.emit(Notice(said, index))


def _drawn_words(plan: Plan) -> str:
    """What the model itself has to understand: where regions lie is said to the sampler alone."""
    layers = plan.layers()
    drawn = [region.prompt for region in layers] or [plan.effective_base_prompt]
    return " ".join([*drawn, plan.negative, *(region.negative for region in layers)])
