"""RPGPipeline: a prompt becomes a plan becomes a picture.

    rpg = RPGPipeline.from_pretrained()
    rpg("a red star above a blue circle at night", seed=7).images[0]

It holds diffusers pipelines and calls them under `rpg.diffusion.regional`; it re-implements none of
them.
"""

from __future__ import annotations

import inspect
import logging
import os
import threading
import weakref
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Unpack, cast, overload

from rpg._delegating import Delegating
from rpg.calibration.kept import calibrated
from rpg.checkpoints import Recognised
from rpg.critics.toybox import ToyboxCritic
from rpg.defaults import ModelDefaults, of_model
from rpg.diffusion import backbones
from rpg.diffusion.backbones import controls
from rpg.diffusion.recognition import recognise_pipe
from rpg.diffusion.text import reads_at_once, taught_words, tokens_at_once
from rpg.editing.edit import EVERYWHERE, Change, Editing, changed, prepared
from rpg.editing.inpaint import GROUND_STRENGTH, flattened, keeps_surroundings
from rpg.editing.segmentation import GrabCut
from rpg.environment import environment
from rpg.errors import ModelError, SettingsError
from rpg.events import Edited, Event, Notice, Planned, Refined, Thinking
from rpg.generation import sampling
from rpg.generation.generate import ModelFacts, RequestRenderer
from rpg.generation.output import EditOutput, EventCollector, RefineOutput, RPGOutput
from rpg.generation.region_adapters import adapted
from rpg.generation.reproducibility import has_lora
from rpg.generation.request import (
    CallKwargs,
    Finished,
    GenerationRequest,
    Inputs,
    check_embeds,
    check_extra,
    checked,
    enlarging,
)
from rpg.generation.stream import StreamContext, stream
from rpg.metadata import Task, public_name
from rpg.planners import RulePlanner
from rpg.planners.base import ModelNotes, noted, plan_with_events
from rpg.plans.plan import Plan
from rpg.plans.prompt_weights import clean
from rpg.plans.wording import Wording, worded
from rpg.refinement.budget import Budget
from rpg.refinement.generator import PictureGenerator
from rpg.refinement.runner import Loop, refinable
from rpg.settings import SETTINGS, GenerationSettings
from rpg.toybox import describe_world, unknown_words, weights_path
from rpg.toybox.contours import ToyboxContours

if TYPE_CHECKING:
    from PIL.Image import Image

    from rpg.critique import Critic
    from rpg.diffusion.memory_plan import LowVram
    from rpg.editing.edit_masks import MaskShape
    from rpg.editing.segmentation import Segmenter
    from rpg.metadata import Record
    from rpg.planners import Planner

__all__ = ["EditOutput", "Editing", "RPGOutput", "RPGPipeline", "RefineOutput"]

TOYBOX = "toybox"
_LOG = logging.getLogger("rpg")
_LEAST_SHARE = 4  # of the canvas's side: regions with fewer pixels come out badly
_TOYBOX_GROUND = 0.15  # it has never seen an empty canvas, and draws something on it
_LOCKS: weakref.WeakKeyDictionary[Any, threading.Lock] = weakref.WeakKeyDictionary()
_FILLS = "this model fills masks of pictures and nothing else: pass image and mask_image"
_FILLS_ONLY = "this model fills masks of pictures and nothing else: it cannot upscale"
_KEEPS_BYTES = (
    "an edit keeps every byte outside its mask: leave out upscale, and upscale the picture after it"
)
_NO_REGIONS = "the plan has no regions: the base prompt is drawn alone"


Plain = tuple[list["Image"], list["Plan"]]


class EditKwargs(CallKwargs, total=False):
    """Every argument of an edit; described at `RPGPipeline.edit`."""

    shape: MaskShape | None


class RefineKwargs(CallKwargs, total=False):
    """Every argument of a refinement; described at `RPGPipeline.refine`."""

    critic: Critic | None
    rounds: int
    seconds: float | None
    calls: int | None
    candidates: int
    look_ahead: int
    begin_with: tuple[Image, Record] | None


class RPGPipeline(Delegating):
    """Plans prompts and draws the plans with a diffusers pipeline.

    Calls from several threads wait for one another: there is one lock for each denoiser.

    Args:
        pipe: A text-to-image pipeline of diffusers, of the SDXL or SD 1.5 family.
        planner: What turns prompts into plans; the rule planner if None.
        model: Public name of the model, written into records.
        model_defaults: Values for what calls leave open; those of what the model is if None. What
            the user calibrated for the model goes before them.
        recognised: What the model was taken for when it was loaded; by the pipeline's own
            configurations if None.
        brought: As the attribute.

    Attributes:
        pipe: The pipeline held; what diffusers' users reach for first is handed on to it.
        planner: The planner; may be replaced.
        defaults: Values for what calls leave open.
        recognised: What the model was taken for, and by what.
        brought: What it was loaded with that its name does not hold, such as "vae": pictures need
            it to be made again.
        segmenter: Finds things in pictures, for edits; may be replaced, such as by
            `rpg.editing.sam.Sam2`.
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
        recognised: Recognised | None = None,
        brought: tuple[str, ...] = (),
    ) -> None:
        """Hold the pipeline; nothing is loaded or moved."""
        self.pipe = pipe
        self.planner: Planner = planner if planner is not None else RulePlanner()
        self._family = backbones.family(pipe)
        name = public_name(model)
        self.recognised = recognised or recognise_pipe(pipe, self._family.name, name)
        self.brought = brought
        own = model_defaults or of_model(None, self._family.name, self.recognised)
        self.defaults = calibrated(own, model)
        self.model = self.defaults.name or name
        is_toybox = self.defaults.name == TOYBOX
        self.segmenter: Segmenter = ToyboxContours() if is_toybox else GrabCut()
        self.ground_strength = _TOYBOX_GROUND if is_toybox else GROUND_STRENGTH
        self.critic: Critic | None = ToyboxCritic() if is_toybox else None
        self._cell = int(pipe.vae_scale_factor)
        self._lock = _LOCKS.setdefault(self.denoiser, threading.Lock())

    @classmethod
    def from_pretrained(
        cls,
        model: str | os.PathLike[str] | None = None,
        *,
        planner: Planner | None = None,
        dtype: Any = None,
        device: Any = None,
        low_vram: LowVram = "auto",
        prediction_type: str | None = None,
        embeddings: Sequence[str | os.PathLike[str]] = (),
        **kwargs: Any,
    ) -> RPGPipeline:
        """Loads a folder in diffusers' layout, a hub id or a single file, as what it is.

        What it was recognised as is in `recognised`, and goes to the log "rpg".

        Args:
            model: None takes the environment's `RPG_MODEL`, else the bundled Toybox.
            planner: None is the rule planner.
            dtype: A torch dtype or its name; None takes `RPG_DTYPE`, else what suits the device.
            device: None takes `RPG_DEVICE`, else the best there is.
            low_vram: "auto" saves memory where the device has too little for a picture (models or
                layers are there only while they work, pictures are decoded in tiles) and says so
                on the logger "rpg"; "on" does so in any case, "off" never.
            prediction_type: What the model predicts, "epsilon" or "v_prediction", where it does not
                say so itself or is wrong.
            embeddings: `.safetensors` files of textual inversions. Each is a word in every text:
                the one that its file has, else its file's name.
            kwargs: Passed to diffusers' `from_pretrained` or `from_single_file`; `vae` may be a
                file, folder or hub id.

        Raises:
            ModelError: It cannot be loaded, or is of a family that regions do not work with; or an
                embedding cannot, or is for another one.
        """
        said = environment()
        source = os.fspath(model or said.model or weights_path())
        pipe, known = backbones.load_recognised(
            source,
            dtype=dtype or said.dtype,
            device=device or said.device,
            prediction_type=prediction_type,
            low_vram=low_vram,
            embeddings=embeddings,
            **kwargs,
        )
        _LOG.info("%s: %s", public_name(source), "; ".join(known.evidence))
        found = of_model(Path(source), known.family, known)
        given = {"prediction_type": prediction_type, "vae": kwargs.get("vae")}
        return cls(
            pipe,
            planner,
            model=source,
            model_defaults=found,
            recognised=known,
            brought=tuple(name for name, value in given.items() if value is not None),
        )

    @classmethod
    def from_single_file(
        cls,
        path: str | os.PathLike[str],
        *,
        planner: Planner | None = None,
        **kwargs: Any,
    ) -> RPGPipeline:
        """Loads one `.safetensors` checkpoint; arguments and errors as in `from_pretrained`.

        Raises:
            ModelError: It is no file, or cannot be loaded.
        """
        if not Path(path).is_file():
            raise ModelError(f"{path}: it is no file")
        return cls.from_pretrained(path, planner=planner, **kwargs)

    @classmethod
    def from_pipe(cls, pipe: Any, *, planner: Planner | None = None) -> RPGPipeline:
        """Takes a diffusers pipeline as it is, or shares the model of another `RPGPipeline`.

        The pipeline's components are shared, not copied; its scheduler, LoRAs and offloading are
        kept.
        """
        if isinstance(pipe, RPGPipeline):
            chosen = planner if planner is not None else pipe.planner
            return cls(
                pipe.pipe,
                chosen,
                model=pipe.model,
                model_defaults=pipe.defaults,
                recognised=pipe.recognised,
                brought=pipe.brought,
            )
        name = getattr(pipe.config, "_name_or_path", "") or ""
        known = recognise_pipe(pipe, backbones.family(pipe).name, public_name(name))
        found = backbones.defaults_of(pipe, known)
        return cls(pipe, planner, model=name, model_defaults=found, recognised=known)

    @overload
    def __call__(
        self,
        prompt: str | Sequence[str] | None = None,
        *,
        return_dict: Literal[True] = True,
        **words: Unpack[CallKwargs],
    ) -> RPGOutput: ...

    @overload
    def __call__(
        self,
        prompt: str | Sequence[str] | None = None,
        *,
        return_dict: Literal[False],
        **words: Unpack[CallKwargs],
    ) -> tuple[Any, list[Plan]]: ...

    def __call__(
        self,
        prompt: str | Sequence[str] | None = None,
        *,
        return_dict: bool = True,
        **words: Unpack[CallKwargs],
    ) -> RPGOutput | tuple[Any, list[Plan]]:
        """Plans and draws.

        Args:
            prompt: One prompt, or several, each planned on its own. None where `plan` says it.
            return_dict: False returns the plain tuple (images, plans).
            words: All optional.

                What to draw: `plan` (a Plan, or one for each prompt: no planning), `base_prompt`,
                `negative_prompt`; or in the official code's words `split_ratio` with a prompt of
                the form "a BREAK b".

                How: every setting of `rpg.settings.GenerationSettings` by its name, with the ranges
                there (`docs/settings.md` lists them); or `settings`, all of these in one, which
                single words override. `preset` ("fast": fewer steps, and the scheduler for them)
                fills what these leave open; the rest comes from `defaults`.

                Noise: `seed` (picture i of the call draws from seed + i, whatever the batch; None
                or -1 draws a seed), or `generator`, one or a list with one for each picture.

                Speed: `batch_size`, prompts that are drawn at once, 1 (if not given) to 64; from
                pictures each is drawn alone.

                From pictures: `image` with `strength` (image to image), with `mask_image`
                (inpainting, white is redrawn), `control_image` with `controlnet`: a ControlNet, a
                union ControlNet with `control_mode` (what the image shows: "canny", "depth", ...,
                as in `rpg.diffusion.backbones.controls.MODES`), or a T2I-Adapter.

                Of single regions: `region_loras` and `region_images` with `region_image_scale`, as
                in `rpg.diffusion.regional`; each names regions by id, number or words.

                diffusers' own: `callback_on_step_end`, `callback_on_step_end_tensor_inputs`,
                `output_type` ("pil", "np", "pt", "latent"), `latents`, `ip_adapter_image`, SDXL's
                sizes and crops, and whatever else the pipeline takes. With `plan` also
                `prompt_embeds` (B, tokens, D) in the place of its base prompt,
                `negative_prompt_embeds` likewise, and SDXL's pooled ones (B, P) with them; B is 1
                or the number of plans.

        Raises:
            RPGError: A prompt, plan or setting that cannot be (before any step is done), or a
                failed generation.
            TypeError: A word that neither we nor the pipeline know.
        """
        request = self._checked(prompt, words)
        collector = EventCollector()
        self._run(request, StreamContext(collector.hear), preview_every=None)
        output = collector.output()
        return output if return_dict else output.to_tuple()

    def stream(
        self,
        prompt: str | Sequence[str] | None = None,
        *,
        preview_every: float = 0.25,
        **words: Unpack[CallKwargs],
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
        request = self._checked(prompt, words)
        return stream(partial(self._run, request, preview_every=preview_every))

    @overload
    def edit(
        self,
        image: Image,
        plan: Plan,
        change: Change,
        /,
        *,
        return_dict: Literal[True] = True,
        **words: Unpack[EditKwargs],
    ) -> EditOutput: ...

    @overload
    def edit(
        self,
        image: Image,
        plan: Plan,
        change: Change,
        /,
        *,
        return_dict: Literal[False],
        **words: Unpack[EditKwargs],
    ) -> Plain: ...

    def edit(
        self,
        image: Image,
        plan: Plan,
        change: Change,
        /,
        *,
        return_dict: bool = True,
        **words: Unpack[EditKwargs],
    ) -> EditOutput | Plain:
        """Changes a part of a picture; every byte outside the mask stays.

        The same inputs and the same seed give the same bytes on the same kind of machine.

        Args:
            image: The picture of `plan`, of any size and mode.
            plan: What it was drawn from.
            change: An instruction in words, for the planner; or edits of `rpg.plans.edits`; or the
                new plan itself.
            return_dict: False returns the plain tuple (images, plans).
            words: As in a call, which draws within `mask_image`; and `shape`, how generous the mask
                is where none is given. `strength`, where nothing is said, is 1, or 0.9 if
                things change their looks only.

        Raises:
            PlanError: The edit cannot be made, or changes nothing.
            RPGError: As in a call.
        """
        collector = EventCollector()
        self._edit(image, plan, change, words, StreamContext(collector.hear), None)
        output = collector.edit_output()
        return output if return_dict else output.to_tuple()

    def propose(self, image: Image, plan: Plan, change: Change) -> Editing:
        """What an edit would change and where, before anything is drawn.

        Args:
            image: The picture of `plan`.
            plan: What it was drawn from.
            change: As in `edit`.

        Raises:
            PlanError: The edit cannot be made, or changes nothing.
        """
        after = changed(plan, change, self._noted(None, image))
        return prepared(image, plan, after, None, self.segmenter, None, self._cell)

    def edit_stream(
        self,
        image: Image,
        plan: Plan,
        change: Change,
        /,
        *,
        preview_every: float = 0.25,
        **words: Unpack[EditKwargs],
    ) -> Generator[Event, None, None]:
        """The same as events, of which `Edited` is the first; closing the generator cancels."""

        def work(context: StreamContext) -> None:
            self._edit(image, plan, change, words, context, preview_every)

        return stream(work)

    @overload
    def refine(
        self,
        prompt: str | None = None,
        *,
        return_dict: Literal[True] = True,
        **words: Unpack[RefineKwargs],
    ) -> RefineOutput: ...

    @overload
    def refine(
        self,
        prompt: str | None = None,
        *,
        return_dict: Literal[False],
        **words: Unpack[RefineKwargs],
    ) -> Plain: ...

    def refine(
        self,
        prompt: str | None = None,
        *,
        return_dict: bool = True,
        **words: Unpack[RefineKwargs],
    ) -> RefineOutput | Plain:
        """Draws, reviews, and draws again what is wrong.

        A round is kept only if the critic's score rises. The ladder that a failing region climbs
        stands in `rpg.refinement.policy`.

        Args:
            prompt: What to draw; None where `plan` says it, or `begin_with` does.
            return_dict: False returns the plain tuple (images, plans).
            words: As in a call: `plan`, `settings`, and what settings hold; pictures, generators
                and callbacks have no place here. And these:

                `critic` judges; None is the pipeline's own, which only Toybox has from the start.

                `rounds` of drawing again, 0 to 100, 4 if not given; `seconds` from the start, the
                first picture being finished in any case; `calls` of the critic and the planner
                together.

                `candidates`: pictures of each round, from as many seeds; the best goes on.
                `look_ahead`: steps after which only the best of them is finished; 0: all are.

                `begin_with`: a picture and its record to begin with; None draws one.

        Raises:
            RPGError: Words that cannot be (before any step is done), or no first picture, or
                nobody to judge it.
        """
        work, collector = self._refining(prompt, words, None), EventCollector()
        output = collector.refine_output(work(StreamContext(collector.hear)))
        return output if return_dict else output.to_tuple()

    def refine_stream(
        self,
        prompt: str | None = None,
        *,
        preview_every: float = 0.25,
        **words: Unpack[RefineKwargs],
    ) -> Generator[Event, None, None]:
        """The same as events, of which `Refined` is the last.

        Closing the generator cancels within a step.

        Args:
            prompt: As in `refine`.
            preview_every: As in `stream`.
            words: As in `refine`.

        Raises:
            RPGError: At once, for words that cannot be.
        """
        return stream(self._refining(prompt, words, preview_every))

    def upscale(
        self,
        image: Image,
        source: Plan | Record,
        *,
        factor: float = 2.0,
        strength: float | None = None,
        tile: int | None = None,
        settings: GenerationSettings | None = None,
    ) -> RPGOutput:
        """Draws a finished picture over at a larger size, under its plan; see `docs/upscaling.md`.

        A call with `upscale` does the same to the pictures that it draws.

        Args:
            image: The picture, of any mode, at its own size.
            source: What it was made with, which a complete record then says of the larger one too;
                or its plan alone.
            factor: Times that both sides are enlarged, above 1, at most 4.
            strength: How far to go from the enlarged picture, above 0 to 1; None is 0.3, or more
                where that is less than a step.
            tile: Pixels of a side above which it is drawn in tiles; None: twice the model's.
            settings: In the place of the record's.

        Raises:
            SettingsError: A number is out of its range, or the picture would be too large.
            ModelError: The model cannot draw from pictures.
            GenerationError: The model failed.
        """
        request = self._enlarging(image, source, factor, strength, tile, settings)
        collector = EventCollector()
        self._run(request, StreamContext(collector.hear), preview_every=None)
        return collector.output()

    def upscale_stream(
        self,
        image: Image,
        source: Plan | Record,
        *,
        factor: float = 2.0,
        strength: float | None = None,
        tile: int | None = None,
        settings: GenerationSettings | None = None,
        preview_every: float = 0.25,
    ) -> Generator[Event, None, None]:
        """The same as events; closing the generator cancels within a step."""
        request = self._enlarging(image, source, factor, strength, tile, settings)
        return stream(partial(self._run, request, preview_every=preview_every))

    def _enlarging(
        self,
        image: Image,
        source: Plan | Record,
        factor: float,
        strength: float | None,
        tile: int | None,
        settings: GenerationSettings | None,
    ) -> GenerationRequest:
        """The request of an upscaling, checked."""
        plan, record = (source, None) if isinstance(source, Plan) else (source.plan, source)
        own = settings or (record.settings if record is not None else GenerationSettings())
        steps = own.num_inference_steps or self.defaults.num_inference_steps
        usual: float = max(SETTINGS["upscale_strength"].default, 1 / steps)
        share = usual if strength is None else strength
        how = {"upscale": factor, "upscale_strength": share, "upscale_tile": tile}
        wanted = own.reset("upscaling").updated(how)
        request = enlarging(Finished(flattened(image), record), plan, wanted)
        self._check_upscaling(request)
        return request

    def _check_upscaling(self, request: GenerationRequest) -> None:
        """Refuses the second pass where the model has no way to do it.

        Raises:
            ModelError: So it is.
        """
        if request.settings.upscale > 1 and not keeps_surroundings(self.pipe):
            raise ModelError(_FILLS_ONLY)

    def plan(self, prompt: str) -> Plan:
        """The planner's plan for a prompt; draws nothing."""
        return self._noted(None).plan(prompt)

    def notes(self, settings: GenerationSettings | None = None) -> ModelNotes:
        """What a planner may want to know of the model, and of the canvas where that is settled.

        Args:
            settings: The wishes of the call; None leaves the canvas open.
        """
        own, asked = self.defaults, settings or GenerationSettings()
        usual = asked.width or own.width, asked.height or own.height
        return ModelNotes(
            sizes=(usual,) if asked.width or asked.height else (usual, *own.sizes),
            region_side=own.region_side or min(own.width, own.height) // _LEAST_SHARE,
            tokens=tokens_at_once(self.pipe),
            vocabulary=describe_world() if own.name == TOYBOX else "",
            likes=own.likes,
        )

    def advice(self, plan: Plan) -> tuple[str, ...]:
        """What the user may not expect of a plan with this model, a sentence each."""
        said = worded(plan, reads_at_once(self.pipe), empty=self.defaults.empty_prompt)
        told = [] if plan.layers() else [_NO_REGIONS]
        told += said.shortened
        if self.defaults.name == TOYBOX and (unknown := unknown_words(_drawn_words(plan, said))):
            told.append(f"Toybox does not know: {', '.join(unknown)}. {describe_world()}")
        return tuple(told)

    def _noted(self, settings: GenerationSettings | None, image: Image | None = None) -> Planner:
        """The planner, told of the model, and of the picture's size where there is one."""
        notes = self.notes(settings)
        if image is not None:
            notes = replace(notes, sizes=(image.size,))
        return noted(self.planner, notes)

    def _edit(
        self,
        image: Image,
        plan: Plan,
        change: Change,
        words: EditKwargs,
        context: StreamContext,
        preview_every: float | None,
    ) -> None:
        given: dict[str, Any] = {**words}
        mask, shape = given.pop("mask_image", None), given.pop("shape", None)
        after = changed(plan, change, self._noted(None, image))
        context.check()
        edit = prepared(image, plan, after, mask, self.segmenter, shape, self._cell)
        settings = words.get("settings")
        if words.get("strength") is None and (settings is None or settings.strength is None):
            given["strength"] = edit.strength
        drawn = edit.plan
        if settings is not None and settings.base_ratio is not None and edit.sets_base_ratio:
            # The numbers that the edit gives go before what the picture before was drawn with.
            given["settings"] = settings.model_copy(update={"base_ratio": None})
            drawn = drawn.with_default_ratio(settings.base_ratio)
        given |= {"plan": drawn, "image": edit.image, "mask_image": edit.mask}
        request = self._checked(None, cast(CallKwargs, given))
        if request.settings.upscale > 1:
            raise SettingsError(_KEEPS_BYTES)
        context.emit(Edited(drawn, edit.edits, edit.mask))
        if edit.everywhere:
            context.emit(Notice(EVERYWHERE))
        self._run(request, context, preview_every)

    def _refining(
        self, prompt: str | None, words: RefineKwargs, preview_every: float | None
    ) -> Callable[[StreamContext], Refined]:
        """The work of a refinement, its arguments checked."""
        given: dict[str, Any] = {**words}
        begin, critic = given.pop("begin_with", None), given.pop("critic", None)
        judge: Critic | None = self.critic if critic is None else critic
        budget = Budget(**{k: given.pop(k) for k in Budget.model_fields if k in given})
        if judge is None:
            raise SettingsError("say which critic judges: critic=VLMCritic(chat), for one")
        if begin is not None:
            usual = begin[1].settings.at_full_size()
            given = {"plan": begin[1].plan, "settings": usual, **given}
        request = self._checked(prompt, cast(CallKwargs, given))
        settings = refinable(request)

        def work(context: StreamContext) -> Refined:
            (item,) = request.items
            plan = item.finished(item.plan or self._planned(item.prompt, 0, settings, context))
            context.check()
            loop = Loop(
                PictureGenerator(partial(self._run, preview_every=preview_every)),
                context,
                self._noted(settings),
                self.segmenter,
                self._cell,
                judge,
                budget,
                settings.reset("upscaling"),
                settings.of_group("upscaling"),
                self.notes(settings).vocabulary,
            )
            return loop.run(plan, begin)

        return work

    def _checked(self, prompt: str | Sequence[str] | None, words: CallKwargs) -> GenerationRequest:
        request = checked(prompt, words, self.defaults)
        self._check_upscaling(request)
        if request.task != "inpaint" and not keeps_surroundings(self.pipe):
            raise ModelError(_FILLS)
        kind = type(self.pipe) if self._fits(request.task) else self._family.pipelines[request.task]
        if request.task == "controlnet":
            kind = self._control_checked(request.inputs)
        elif request.task == "img2img" and request.settings.strength is None:
            self._check_begins()
        accepted = inspect.signature(kind.__call__).parameters
        check_extra(request.inputs.extra, accepted, kind.__name__)
        check_embeds(request, accepted, self.pipe)
        for plan in (item.plan for item in request.items if item.plan is not None):
            request.inputs.of_regions(plan)
        return replace(request, inputs=adapted(self.pipe, request.inputs))

    def _control_checked(self, inputs: Inputs) -> type[Any]:
        """The class of pipeline for what follows the control image, which is fit for the call."""
        net = controls.chosen(inputs.controlnet, self.pipe)
        control, picture = controls.control_of(net), inputs.control_image
        control.words(net, picture, inputs.control_mode, inputs.extra, self._family)
        return control.pipeline_of(self._family)

    def _check_begins(self) -> None:
        """Refuses an image that may be meant to be followed, as diffusers' own pipeline takes it.

        Raises:
            SettingsError: The pipeline held follows images.
        """
        if (net := controls.held(self.pipe)) is not None:
            raise SettingsError(
                f"this pipeline holds a {type(net).__name__}: give what it is to follow as "
                "control_image; or strength, to begin from image without it"
            )

    def _fits(self, task: Task) -> bool:
        """Whether the pipeline held can draw from words alone, and nothing else is asked."""
        taken = inspect.signature(self.pipe.__call__).parameters
        return task == "text2img" and not {"image", "control_image"} & taken.keys()

    def _pipe_for(self, request: GenerationRequest) -> Any:
        """The pipeline for the call's task, made anew to have the scheduler of now."""
        if self._fits(request.task):
            return self.pipe
        pipe = backbones.sibling(self.pipe, request.task, controlnet=request.inputs.controlnet)
        pipe.set_progress_bar_config(**sampling.bar_config(self.pipe))
        return pipe

    def _run(
        self, request: GenerationRequest, context: StreamContext, preview_every: float | None
    ) -> None:
        """Plans every prompt, then draws all on canvases of one size, to go into one array."""
        plans = [
            item.finished(item.plan or self._planned(item.prompt, index, request.settings, context))
            for index, item in enumerate(request.items)
        ]
        context.check()
        for index, plan in enumerate(plans):
            context.emit(Planned(plan, index))
            self._advise(plan, index, context)
        with context.holding(self._lock):
            pipe = self._pipe_for(request)
            model = ModelFacts(
                self.model,
                self.defaults,
                self.ground_strength,
                has_lora(self.pipe),
                taught_words(self.pipe),
                self.brought,
            )
            if preview_every is None:
                RequestRenderer(pipe, model, request, context).draw(plans)
                return
            with sampling.quiet(pipe):
                RequestRenderer(pipe, model, request, context, preview_every).draw(plans)

    def _planned(
        self, prompt: str, index: int, settings: GenerationSettings, context: StreamContext
    ) -> Plan:
        """The planner's plan; its thoughts are told as they come, where it can be watched."""

        def hear(event: Thinking | Notice) -> None:
            context.check()
            if event.text:
                context.emit(replace(event, prompt_index=index))

        plan = plan_with_events(self._noted(settings), prompt, hear)
        context.check()
        return plan

    def _advise(self, plan: Plan, index: int, context: StreamContext) -> None:
        for said in self.advice(plan):
            context.emit(Notice(said, index))


def _drawn_words(plan: Plan, said: Wording) -> str:
    """What the model itself has to understand: where regions lie is said to the sampler alone."""
    drawn = [*said.regions, said.leftover] if said.regions else [plan.effective_base_prompt]
    negatives = (region.negative for region in plan.layers())
    return " ".join(map(clean, [*drawn, plan.effective_negative, *negatives]))
