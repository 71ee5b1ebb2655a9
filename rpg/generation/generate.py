"""The pictures of one call: sizes and seeds settled once, then plan after plan drawn."""

from __future__ import annotations

import inspect
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import torch
from PIL import Image

from rpg.defaults import ModelDefaults
from rpg.diffusion import canvas
from rpg.diffusion.text import chunk_count
from rpg.editing.inpaint_inputs import InpaintInputs, covering_canvas
from rpg.errors import GenerationError, SettingsError
from rpg.events import Notice, Rendered, Step
from rpg.generation import sampling
from rpg.generation.guidance_interval import unreachable
from rpg.generation.latent_preview import Previewer
from rpg.generation.request import EMBEDS, GenerationRequest, Inputs
from rpg.generation.stream import StreamContext
from rpg.metadata import Record
from rpg.plans.plan import Plan
from rpg.settings import GenerationSettings

_RANDOM_SEEDS = 2**32  # what other tools draw from, and short enough to read out
_BLACK = (
    "picture {} is entirely black: the decoder overflowed (load with dtype=torch.float32) "
    "or a safety filter hid it"
)
_NAN = "the decoder gave NaN (not a number); load the model with dtype=torch.float32"


@dataclass(frozen=True)
class ModelFacts:
    """What a batch needs to know of the model beside its pipeline."""

    name: str
    defaults: ModelDefaults
    ground_strength: float
    lora: bool


@dataclass(frozen=True)
class RequestRenderer:
    """Draws the plans of one call with the pipeline for its task."""

    pipe: Any
    model: ModelFacts
    request: GenerationRequest
    context: StreamContext
    preview_every: float = -1.0

    def draw(self, plans: Sequence[Plan]) -> None:
        """Draws plan after plan, or several at once; all on one canvas, to go into one array.

        Raises:
            GenerationError: No picture could be made of one of them.
            SettingsError: A size that cannot be, or a region that is not in a plan.
        """
        for plan in plans:
            self.request.inputs.of_regions(plan)  # before anything is drawn
        used, index = self._settle(plans), 0
        for some in self._passes(plans):
            inputs = _share(self.request.inputs, index, len(plans))
            self._draw_some(index, some, used, inputs)
            index += len(some)

    def _passes(self, plans: Sequence[Plan]) -> Iterator[Sequence[Plan]]:
        """Plans that go through the model together.

        From pictures every plan is drawn by itself, and so it is from one generator, of which each
        picture takes what those before it left.
        """
        inputs = self.request.inputs
        one_source = isinstance(inputs.generator, torch.Generator)
        alone = one_source or inputs.extra or inputs.region_loras or inputs.region_images
        if self.request.batch_size == 1 or self.request.task != "text2img" or alone:
            yield from ([plan] for plan in plans)
            return
        for _, alike in groupby(plans, key=self._form):
            yield from _split(list(alike), self.request.batch_size)

    def _form(self, plan: Plan) -> tuple[bool, int]:
        """Plans of different form would not come out as alone.

        To the encoders no negative prompt is not the same as an empty one, and what is shorter than
        another text of its call is filled up.
        """
        texts = (plan.effective_base_prompt, plan.effective_negative)
        return bool(plan.effective_negative), chunk_count(self.pipe, texts)

    def _settle(self, plans: Sequence[Plan]) -> GenerationSettings:
        """The call's wishes, filled with the model's defaults, at a size the pipeline takes."""
        wishes, defaults = self.request.settings, self.model.defaults
        boxes = (region.box for plan in plans for region in plan.layers())
        shapes = {plan.aspect for plan in plans}  # all are drawn on one canvas
        usual = defaults.canvas(boxes, shapes.pop() if len(shapes) == 1 else None)
        asked = _asked_size(wishes, self.request.inputs, usual)
        if self.request.task == "inpaint" and wishes.width is None and wishes.height is None:
            asked = covering_canvas(self.pipe, self.request.inputs.image) or asked
        width, height = canvas.snap_size(*asked, canvas.size_multiple(self.pipe))
        if (width, height) != asked:
            said = (
                f"{asked[0]}x{asked[1]} does not go into the model's grid: drawing {width}x{height}"
            )
            self.context.emit(Notice(said))
        own = sampling.scheduler_name(self.pipe)
        seed = secrets.randbelow(_RANDOM_SEEDS) if self.request.inputs.generator is None else None
        filled = wishes.filled({"scheduler": own} | defaults.words() | {"seed": seed})
        self._check_strength(filled)
        return self._reachable(filled).updated({"width": width, "height": height})

    def _reachable(self, filled: GenerationSettings) -> GenerationSettings:
        """The settings as they can act: without an end of guidance in a loop of a stranger's."""
        why = unreachable(self.pipe) if (filled.guidance_end or 1.0) < 1 else None
        if why is None:
            return filled
        self.context.emit(Notice(why))
        return filled.model_copy(update={"guidance_end": None})

    def _check_strength(self, filled: GenerationSettings) -> None:
        """From a picture only the last steps are done: there has to be one.

        Raises:
            SettingsError: There is none.
        """
        own = inspect.signature(self.pipe.__call__).parameters.get("strength")
        if self.request.inputs.image is None or own is None:
            return
        strength = own.default if filled.strength is None else filled.strength
        steps = filled.num_inference_steps or 1
        if int(steps * strength) < 1:
            raise SettingsError(
                f"strength {strength:g} of {steps} steps leaves none to do: raise one of them"
            )

    def _draw_some(
        self, index: int, plans: Sequence[Plan], used: GenerationSettings, inputs: Inputs
    ) -> None:
        """One pass; `index` is the first plan's."""
        noise = self._noise(index, len(plans), used)
        drawn = [self._with_ratio(plan) for plan in plans]
        inputs = replace(inputs, **inputs.of_regions(plans[0]))  # by ids, which edits keep
        previewer = Previewer(self.pipe, self.preview_every)

        def seen(i: int, n: int, latents: torch.Tensor, timestep: Any) -> None:
            self.context.check()
            self.context.emit(Step(i, n, previewer.see(latents, timestep), index))

        def tell(text: str) -> None:
            self.context.emit(Notice(text, index))

        area = self._inpaint_inputs(drawn[0], used, inputs)
        empty = self.model.defaults.empty_prompt
        if area is None:
            fitted = _fitted(inputs, used)
            images = sampling.render(
                self.pipe, drawn, used, noise, fitted, seen, empty=empty, tell=tell
            )
        else:
            image, mask = area.sampled(used.num_images_per_prompt)
            images = sampling.render(
                self.pipe,
                [area.plan],
                used,
                noise,
                replace(inputs, image=image, mask_image=mask),
                seen,
                soft=area.soft,
                redrawn=area.counting(bool(used.guidance_rescale)),
                empty=empty,
                tell=tell,
            )
            images = area.put_back(images)
        self.context.check()
        each = used.num_images_per_prompt
        self._look_at(images, index, each)
        for number, plan in enumerate(plans):
            own = slice(number * each, (number + 1) * each)
            records = tuple(self._record(plan, used, seed) for seed in noise.seeds[own])
            self.context.emit(Rendered(images[own], records, plan, index + number))

    def _with_ratio(self, plan: Plan) -> Plan:
        """The plan with all its base ratios: the call's goes before its own, the model's after."""
        asked = self.request.settings.base_ratio
        if asked is not None:
            return plan.with_base_ratio(asked)
        return plan.with_default_ratio(self.model.defaults.ratio_for(plan))

    def _inpaint_inputs(
        self, plan: Plan, used: GenerationSettings, inputs: Inputs
    ) -> InpaintInputs | None:
        """None where nothing is masked, or diffusers is to see to the rest of the picture."""
        if inputs.extra.get("padding_mask_crop") is not None:
            return None
        size = used.width or 0, used.height or 0
        ground = self.model.ground_strength
        return InpaintInputs.of(self.pipe, plan, inputs.image, inputs.mask_image, size, ground)

    def _noise(self, index: int, plans: int, used: GenerationSettings) -> sampling.Noise:
        """For the pictures of so many plans, the first of them the call's number `index`."""
        each, generator = used.num_images_per_prompt, self.request.inputs.generator
        if generator is not None:
            return sampling.given(generator, index * each, plans * each)
        assert used.seed is not None  # drawn in _settle
        return sampling.seeded(used.seed, index * each, plans * each)

    def _record(self, plan: Plan, used: GenerationSettings, seed: int | None) -> Record:
        alone = used.model_copy(update={"seed": seed, "num_images_per_prompt": 1})
        if self.request.settings.base_ratio is None:
            ratio: float | None = self.model.defaults.ratio_for(plan)
            if plan.says_base_ratio:
                plan, ratio = self._with_ratio(plan), None  # a setting would go before the plan's
            alone = alone.model_copy(update={"base_ratio": ratio})
        extra = (("generator", seed is None), ("lora", self.model.lora))
        beside = [name for name, is_so in extra if is_so]
        needs = (*self.request.inputs.needs(), *beside)
        scale = self.model.defaults.display_scale
        return Record(
            plan=plan,
            settings=alone,
            model=self.model.name,
            task=self.request.task,
            needs=needs,
            scale=scale,
        )

    def _look_at(self, images: Any, index: int, each: int) -> None:
        """Notices pictures that are no pictures; `index` is of the first plan, of `each` so many.

        Raises:
            GenerationError: Values that are not numbers.
        """
        for number, image in enumerate(images):
            if isinstance(image, Image.Image):
                if image.getbbox() is None:
                    said = _BLACK.format(number % each + 1)
                    self.context.emit(Notice(said, index + number // each))
            elif not torch.isfinite(torch.as_tensor(image)).all():
                raise GenerationError(_NAN)


def _asked_size(
    wishes: GenerationSettings, inputs: Inputs, default: tuple[int, int]
) -> tuple[int, int]:
    """Width and height in pixels: as asked for, else of the input picture, else the default."""
    first = inputs.image if inputs.image is not None else inputs.control_image
    if isinstance(first, list) and first:
        first = first[0]
    fallback = first.size if isinstance(first, Image.Image) else default
    return wishes.width or fallback[0], wishes.height or fallback[1]


def _fitted(inputs: Inputs, used: GenerationSettings) -> Inputs:
    """The inputs with every PIL picture upright and of the canvas's size; others stay."""
    size = (used.width or 0, used.height or 0)
    names = ("image", "mask_image", "control_image")
    return replace(inputs, **{name: canvas.fitted(getattr(inputs, name), size) for name in names})


def _split(plans: Sequence[Plan], size: int) -> Iterator[Sequence[Plan]]:
    yield from (plans[first : first + size] for first in range(0, len(plans), size))


def _share(inputs: Inputs, index: int, prompts: int) -> Inputs:
    """The inputs of one prompt, where lists give one image for each, or embeddings a row."""
    names = ("image", "mask_image", "control_image")
    lists = {
        name: getattr(inputs, name) for name in names if isinstance(getattr(inputs, name), list)
    }
    extra = {
        name: value[index : index + 1] if name in EMBEDS and len(value) == prompts else value
        for name, value in inputs.extra.items()
        if value is not None
    }
    own = {name: one[index] for name, one in lists.items() if len(one) == prompts}
    return replace(inputs, extra=extra, **own)
