"""The pictures of one call: sizes and seeds settled once, then plan after plan drawn."""

from __future__ import annotations

import inspect
import json
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
from rpg.generation.request import EMBEDS, OF_REGIONS, Finished, GenerationRequest, Inputs
from rpg.generation.stream import StreamContext
from rpg.generation.upscaling import KEPT, TILE, Upscaler
from rpg.generation.variations import varied
from rpg.metadata import Record
from rpg.plans.plan import Plan
from rpg.settings import MAX_SIDE, GenerationSettings

_RANDOM_SEEDS = 2**32  # what other tools draw from, and short enough to read out
_BLACK = (
    "picture {} is entirely black: the decoder overflowed (load with dtype=torch.float32) "
    "or a safety filter hid it"
)
_AS_DRAWN = "the pictures stay at the size they were drawn: {}"
_IN_PIECES = (
    "regions larger than a tile of {1} pixels may not come out in one piece: {0}; raise "
    "upscale_tile, or lower upscale_strength"
)
_ONLY_WITH_IT = "enlarged_picture"  # among what a record needs: nothing but that picture makes it
# Among what records need: what acts, or would have to, in the pass of upscaling as well.
_IN_BOTH = frozenset(("lora", "embedding", *KEPT, *OF_REGIONS, *EMBEDS))
_NAN = "the decoder gave NaN (not a number); load the model with dtype=torch.float32"


@dataclass(frozen=True)
class ModelFacts:
    """What a batch needs to know of the model beside its pipeline."""

    name: str
    defaults: ModelDefaults
    ground_strength: float
    lora: bool
    taught: frozenset[str]  # words of textual inversions


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
        asked = _asked_size(wishes, self.request, usual)
        if self.request.task == "inpaint" and wishes.width is None and wishes.height is None:
            asked = covering_canvas(self.pipe, self.request.inputs.image) or asked
        multiple = canvas.size_multiple(self.pipe)
        snapped = canvas.snap_size(*asked, multiple)
        width, height = snapped if self.request.finished is None else asked
        if (width, height) != asked:
            said = (
                f"{asked[0]}x{asked[1]} does not go into the model's grid: drawing {width}x{height}"
            )
            self.context.emit(Notice(said))
        own = sampling.scheduler_name(self.pipe)
        tile = min(int(TILE * max(usual)), MAX_SIDE)
        noise: dict[str, object] = {}
        if self.request.inputs.generator is None:
            noise["seed"] = secrets.randbelow(_RANDOM_SEEDS)
        if wishes.variation_strength:
            noise["variation_seed"] = secrets.randbelow(_RANDOM_SEEDS)
        if wishes.upscale > 1:
            noise["upscale_tile"] = tile
        filled = wishes.filled({"scheduler": own} | defaults.words() | noise)
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
        steps = filled.num_inference_steps or 1
        shares = {"upscale_strength": filled.upscale_strength} if filled.upscale > 1 else {}
        own = inspect.signature(self.pipe.__call__).parameters.get("strength")
        if self.request.inputs.image is not None and own is not None:
            shares["strength"] = own.default if filled.strength is None else filled.strength
        for name, strength in shares.items():
            if int(steps * strength) < 1:
                raise SettingsError(
                    f"{name} {strength:g} of {steps} steps leaves none to do: raise one of them"
                )

    def _draw_some(
        self, index: int, plans: Sequence[Plan], used: GenerationSettings, inputs: Inputs
    ) -> None:
        """One pass, or two with upscaling; `index` is the first plan's."""
        noise = self._noise(index, len(plans), used)
        drawn = [self._with_ratio(plan) for plan in plans]
        inputs = replace(inputs, **inputs.of_regions(plans[0]))  # by ids, which edits keep
        each, empty = used.num_images_per_prompt, self.model.defaults.empty_prompt
        upscaler = Upscaler.of(self.pipe, used, inputs, empty) if used.upscale > 1 else None
        tiles = sum(each * len(upscaler.tiles(plan)) for plan in drawn) if upscaler else 0
        progress = _Progress(self.context, index, upscaler, tiles)
        if upscaler is not None:
            self._warn(upscaler, drawn, index)
        if self.request.finished is None:
            images = self._first_pass(drawn, used, noise, inputs, progress)
            self.context.check()
            self._look_at(images, index, each)
        else:
            images = [self.request.finished.image]
        if upscaler is not None:
            images, used = self._upscaled(upscaler, images, drawn, noise, used, progress)
            self._look_at(images, index, each)
        for number, plan in enumerate(plans):
            own = slice(number * each, (number + 1) * each)
            seeds = zip(noise.seeds[own], self._variations(index + number, 1, used), strict=True)
            records = tuple(self._record(plan, used, *pair) for pair in seeds)
            self.context.emit(Rendered(images[own], records, plan, index + number))

    def _warn(self, upscaler: Upscaler, drawn: Sequence[Plan], index: int) -> None:
        for number, plan in enumerate(drawn, index):
            if names := ", ".join(upscaler.in_pieces(plan)):
                said = _IN_PIECES.format(names, upscaler.used.upscale_tile)
                self.context.emit(Notice(said, number))

    def _first_pass(
        self,
        drawn: Sequence[Plan],
        used: GenerationSettings,
        noise: sampling.Noise,
        inputs: Inputs,
        progress: _Progress,
    ) -> Any:
        """The pictures at the size of the canvas, as `output_type` asks."""
        previewer = Previewer(self.pipe, self.preview_every)

        def seen(i: int, n: int, latents: torch.Tensor, timestep: Any) -> None:
            progress.first(i, n, previewer.see(latents, timestep), self.pipe.scheduler)

        empty = self.model.defaults.empty_prompt
        area = self._inpaint_inputs(drawn[0], used, inputs)
        if area is None:
            inputs = _fitted(inputs, used)
            return sampling.render(
                self.pipe, drawn, used, noise, inputs, seen, empty=empty, tell=progress.tell
            )
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
            tell=progress.tell,
        )
        return area.put_back(images)

    def _upscaled(
        self,
        upscaler: Upscaler,
        images: Sequence[Image.Image],
        drawn: Sequence[Plan],
        noise: sampling.Noise,
        used: GenerationSettings,
        progress: _Progress,
    ) -> tuple[Sequence[Image.Image], GenerationSettings]:
        """The pictures enlarged, one by one, and settings that say so.

        Where that fails, pictures that were drawn in this call stay as they are, and that is told.

        Raises:
            GenerationError: Likewise, where there was nothing else to do.
        """
        each = len(images) // len(drawn)
        sources = noise.generator if isinstance(noise.generator, list) else [noise.generator]
        progress.shown = images[0] if self.preview_every >= 0 else None
        found = []
        try:
            for number, image in enumerate(images):
                seed = sources[number % len(sources)].initial_seed()
                plan = drawn[number // each]
                found.append(upscaler.drawn(image, plan, seed, progress.second))
        except GenerationError as error:
            if self.request.finished is not None:
                raise
            self.context.emit(Notice(_AS_DRAWN.format(error)))
            return images, used.reset("upscaling")
        return found, used

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
        first, count = index * each, plans * each
        if generator is not None:
            noise = sampling.given(generator, first, count)
        else:
            numbered = (used.numbered(first + i).seed for i in range(count))
            noise = sampling.seeded([seed for seed in numbered if seed is not None])
        if not used.variation_strength:
            return noise
        seeds = [seed for seed in self._variations(index, plans, used) if seed is not None]
        return varied(noise, seeds, used.variation_strength)

    def _variations(self, index: int, plans: int, used: GenerationSettings) -> Sequence[int | None]:
        """Variation seeds of these pictures; all the same where each has a generator of its own."""
        each = used.num_images_per_prompt
        first, step = (index * each, 1) if self.request.inputs.generator is None else (0, 0)
        numbers = (first + step * i for i in range(plans * each))
        return [used.numbered(number).variation_seed for number in numbers]

    def _record(
        self, plan: Plan, used: GenerationSettings, seed: int | None, variation: int | None
    ) -> Record:
        own = {"seed": seed, "variation_seed": variation, "num_images_per_prompt": 1}
        alone = used.model_copy(update=own)
        if self.request.settings.base_ratio is None:
            ratio: float | None = self.model.defaults.ratio_for(plan)
            if plan.says_base_ratio:
                plan, ratio = self._with_ratio(plan), None  # a setting would go before the plan's
            alone = alone.model_copy(update={"base_ratio": ratio})
        told = plan.model_dump_json().lower()
        taught = any(json.dumps(word.lower())[1:-1] in told for word in self.model.taught)
        extra = (("generator", seed is None), ("lora", self.model.lora), ("embedding", taught))
        beside = [name for name, is_so in extra if is_so]
        needs = (*self.request.inputs.needs(), *beside)
        record = Record(
            plan=plan,
            settings=alone,
            model=self.model.name,
            task=self.request.task,
            needs=needs,
            scale=_shown(self.model.defaults.display_scale, used),
        )
        return record if self.request.finished is None else _after(self.request.finished, record)

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


@dataclass
class _Progress:
    """The steps of one or two passes, told as one count.

    Attributes:
        context: Is told, and says when to stop.
        index: Of the prompt that they are told of.
        upscaler: Of the second pass; None where there is none.
        tiles: How many are still to be drawn in the second pass.
        shown: What the second pass starts from, for its first step to show.
    """

    context: StreamContext
    index: int
    upscaler: Upscaler | None
    tiles: int
    shown: Image.Image | None = None
    _before: int = 0

    def first(self, i: int, n: int, preview: Image.Image | None, scheduler: Any) -> None:
        """Step `i` of `n` of the first pass is done."""
        later = self.upscaler.steps(scheduler) * self.tiles if self.upscaler else 0
        self._before = n
        self._tell(i, n + later, preview)

    def second(self, i: int, n: int) -> None:
        """Step `i` of `n` of a tile is done in the second pass."""
        preview, self.shown = self.shown, None
        self._tell(self._before + i, self._before + n * self.tiles, preview)
        if i == n:
            self._before, self.tiles = self._before + n, self.tiles - 1

    def tell(self, text: str) -> None:
        """What was done otherwise than asked."""
        self.context.emit(Notice(text, self.index))

    def _tell(self, i: int, n: int, preview: Image.Image | None) -> None:
        self.context.check()
        self.context.emit(Step(i, n, preview, self.index))


def _after(finished: Finished, alone: Record) -> Record:
    """The record of a picture that was upscaled by itself.

    That of the picture before with the pass added, where it makes this one in one go; else one that
    says that it takes the picture before.

    Args:
        finished: The picture before.
        alone: A record of these settings, as if it were drawn from nothing.
    """
    before, settings = finished.record, alone.settings
    if before is not None and before.settings == settings.reset("upscaling"):
        scale = _shown(before.scale, settings)
        made = before.model_copy(update={"settings": settings, "scale": scale})
        acted, acts = (_IN_BOTH.intersection(one.needs) for one in (made, alone))
        if (made.plan, made.model, acted) == (alone.plan, alone.model, acts):
            return made
    needs = (*alone.needs, _ONLY_WITH_IT)
    return alone.model_copy(update={"task": "img2img", "needs": needs})


def _shown(scale: int, used: GenerationSettings) -> int:
    """Times that a picture is enlarged for showing, where it is so much larger already."""
    return max(round(scale / used.upscale), 1)


def _asked_size(
    wishes: GenerationSettings, request: GenerationRequest, default: tuple[int, int]
) -> tuple[int, int]:
    """Width and height in pixels: as asked for, else of the input picture, else the default."""
    inputs = request.inputs
    if request.finished is not None:
        return request.finished.image.size
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
