"""From the words of a call to checked prompts, plans and settings, before any model runs."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from PIL.Image import Image

from rpg.defaults import ModelDefaults
from rpg.diffusion.text import embedding_widths
from rpg.errors import PromptError, SettingsError
from rpg.metadata import Record, Task
from rpg.pictures import loaded
from rpg.plans.naming import region_named
from rpg.plans.plan import Plan
from rpg.settings import MAX_IMAGES, SETTINGS, GenerationSettings, SettingKwargs

if TYPE_CHECKING:
    import torch


EMBEDS = (
    "prompt_embeds",
    "pooled_prompt_embeds",
    "negative_prompt_embeds",
    "negative_pooled_prompt_embeds",
)


class CallKwargs(SettingKwargs, total=False):
    """Every word of a call but the prompt; described at `rpg.pipeline.RPGPipeline.__call__`."""

    plan: Plan | Sequence[Plan] | None
    settings: GenerationSettings | None
    preset: str | None
    base_prompt: str | Sequence[str] | None
    split_ratio: str | None
    generator: torch.Generator | Sequence[torch.Generator] | None
    batch_size: int | None
    image: Any
    mask_image: Any
    control_image: Any
    controlnet: Any
    control_mode: Any
    region_loras: Mapping[Any, Sequence[tuple[Any, float]]] | None
    region_images: Mapping[Any, Any] | None
    region_image_scale: float
    output_type: str
    callback_on_step_end: Any
    callback_on_step_end_tensor_inputs: Sequence[str]
    prompt_embeds: Any
    pooled_prompt_embeds: Any
    negative_prompt_embeds: Any
    negative_pooled_prompt_embeds: Any
    latents: Any
    eta: float
    timesteps: Any
    sigmas: Any
    ip_adapter_image: Any
    ip_adapter_image_embeds: Any
    cross_attention_kwargs: Mapping[str, Any] | None
    original_size: tuple[int, int]
    target_size: tuple[int, int]
    crops_coords_top_left: tuple[int, int]
    negative_original_size: tuple[int, int]
    negative_target_size: tuple[int, int]
    negative_crops_coords_top_left: tuple[int, int]
    controlnet_conditioning_scale: Any
    control_guidance_start: Any
    control_guidance_end: Any
    padding_mask_crop: int | None


OF_REGIONS = ("region_loras", "region_images")


@dataclass(frozen=True)
class Inputs:
    """What takes part in a call that no text can hold; `extra` goes to the pipeline as it is.

    `region_loras`, `region_images` and their scale are as `rpg.diffusion.regional` takes them.
    """

    image: Any = None
    mask_image: Any = None
    control_image: Any = None
    controlnet: Any = None
    control_mode: Any = None
    region_loras: Mapping[Any, Any] | None = None
    region_images: Mapping[Any, Any] | None = None
    region_image_scale: float | None = None
    generator: torch.Generator | Sequence[torch.Generator] | None = None
    output_type: str = "pil"
    callback_on_step_end: Any = None
    callback_on_step_end_tensor_inputs: Sequence[str] = ("latents",)
    extra: Mapping[str, Any] = field(default_factory=dict)

    def needs(self) -> tuple[str, ...]:
        """Names of the inputs that whoever makes the picture again has to bring."""
        named = ["image", "mask_image", "control_image", "controlnet", "control_mode"]
        named.append("callback_on_step_end")
        given = {name: getattr(self, name) for name in (*named, *OF_REGIONS)} | dict(self.extra)
        return tuple(sorted(name for name, value in given.items() if value is not None))

    @property
    def regions_alone(self) -> Inputs:
        """What single regions are given, and nothing else."""
        names = (*OF_REGIONS, "region_image_scale")
        return Inputs(**{name: getattr(self, name) for name in names})

    def within(self, plan: Plan) -> Inputs:
        """Of what regions are given by their ids, that of those alone which a plan has."""
        ids = {region.id for region in plan.layers()}
        kept: dict[str, Any] = {}
        for name in OF_REGIONS:
            given = getattr(self, name) or {}
            kept[name] = {key: value for key, value in given.items() if key in ids} or None
        return replace(self, **kept)

    def of_regions(self, plan: Plan) -> dict[str, Any]:
        """What `regional` is given for single regions, which go by their ids in a plan.

        Raises:
            SettingsError: The plan has none that is named so.
        """
        words: dict[str, Any] = {}
        for name in OF_REGIONS:
            given = getattr(self, name) or {}
            words[name] = {region_named(plan, key).id: value for key, value in given.items()}
            if len(words[name]) < len(given):
                raise SettingsError(f"{name} names a region twice")
        if self.region_image_scale is not None:
            words["region_image_scale"] = self.region_image_scale
        return words


@dataclass(frozen=True)
class Finished:
    """A picture that is there already, for a call that only upscales it.

    Attributes:
        image: In RGB, at its own size.
        record: What it was made with; None where only its plan is known.
    """

    image: Image
    record: Record | None = None


@dataclass(frozen=True)
class PromptItem:
    """One prompt of a call; `plan` is None where it has to be planned."""

    prompt: str
    plan: Plan | None
    base_prompt: str | None
    negative: str | None

    def finished(self, plan: Plan) -> Plan:
        """The plan with what the call says about base and negative prompt written into it."""
        return plan.with_words(base_prompt=self.base_prompt, negative=self.negative)


@dataclass(frozen=True)
class GenerationRequest:
    """A checked call: its prompts, its wishes, its inputs, and prompts that are drawn at once.

    `finished`: a picture that is only upscaled; None: pictures are drawn first.
    """

    items: tuple[PromptItem, ...]
    settings: GenerationSettings
    inputs: Inputs
    batch_size: int = 1
    finished: Finished | None = None

    @property
    def task(self) -> Task:
        """What kind of call the inputs make it."""
        if self.inputs.control_image is not None:
            return "controlnet"
        if self.inputs.image is None:
            return "text2img"
        return "img2img" if self.inputs.mask_image is None else "inpaint"


def checked(
    prompt: str | Sequence[str] | None, words: Mapping[str, Any], defaults: ModelDefaults
) -> GenerationRequest:
    """The call, or a reason why it cannot be.

    Args:
        prompt: One or several; None where plans say it.
        words: As in `CallKwargs`; words that are not ours are kept for the pipeline.
        defaults: The model's, which know its presets.

    Raises:
        PromptError: No prompt or plan, an empty prompt, or lists of different lengths.
        SettingsError: A word out of its range, or words that exclude each other.
        LayoutError: A split ratio that cannot be read.
    """
    settings, inputs = _settings(words, defaults), _inputs(words)
    plan, base = words.get("plan"), words.get("base_prompt")
    if words.get("split_ratio") is not None:
        plan, prompt = _official(prompt, words["split_ratio"], base, plan), None
    items = _items(
        prompt, plan, base, words.get("negative_prompt") or settings.negative_prompt or None
    )
    _check_images(inputs)
    _check_passes(settings, inputs)
    _check_generator(settings, inputs, len(items) * settings.num_images_per_prompt)
    size = _batch_size(words.get("batch_size"))
    return GenerationRequest(
        items, settings.model_copy(update={"negative_prompt": ""}), inputs, size
    )


def enlarging(finished: Finished, plan: Plan, settings: GenerationSettings) -> GenerationRequest:
    """The call that only upscales a picture.

    Args:
        finished: The picture.
        plan: What it shows.
        settings: How it was drawn, and how it is upscaled.

    Raises:
        SettingsError: It is not upscaled at all, or would be too large.
    """
    if settings.upscale == 1:
        raise SettingsError("upscale: 1 leaves the picture as it is; give more, at most 4")
    size = dict(zip(("width", "height"), finished.image.size, strict=True))
    items = (PromptItem(plan.prompt, plan, None, None),)
    own = settings.reset("count").updated(size)
    return GenerationRequest(items, own, Inputs(), finished=finished)


def check_extra(extra: Iterable[str], accepted: Collection[str], pipeline: str) -> None:
    """Refuses words that the pipeline would swallow without effect.

    Raises:
        TypeError: A word that neither we nor the pipeline know; says the nearest that is known.
    """
    known = (set(accepted) | set(CallKwargs.__annotations__)) - (set(EMBEDS) - set(accepted))
    for name in extra:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise TypeError(f"{pipeline} takes no argument {name!r}{hint}")


def check_embeds(request: GenerationRequest, accepted: Collection[str], pipe: Any) -> None:
    """Refuses embeddings that cannot take the place of a base prompt, or of a negative, in words.

    Args:
        request: The call.
        accepted: Names of the pipeline's arguments.
        pipe: A pipeline with the text encoders.

    Raises:
        SettingsError: They come without a plan or in part only, or are of another shape.
    """
    extra, count = request.inputs.extra, len(request.items)
    given = {name: extra[name] for name in EMBEDS if extra.get(name) is not None}
    if not given:
        return
    width, pooled_width = embedding_widths(pipe)
    for name, value in given.items():
        if any(item.plan is None for item in request.items):
            raise SettingsError(
                f"{name}: regions are planned from words; pass plan as well, and the embeddings "
                "stand for its base prompt"
            )
        shape = [pooled_width] if "pooled" in name else ["tokens", width]
        found = list(getattr(value, "shape", ()))
        fits = found[:1] in ([1], [count]) and len(found) == len(shape) + 1
        if not fits or found[-1] != shape[-1]:
            wanted = ", ".join(map(str, [count, *shape]))
            raise SettingsError(f"{name}: expected a tensor of shape ({wanted}), not {found}")
    for tokens, pooled in (EMBEDS[:2], EMBEDS[2:]):
        together = [name for name in (EMBEDS[0], tokens, pooled) if name in accepted]
        missing = [name for name in together if name not in given]
        if missing and (tokens in given or pooled in given):
            raise SettingsError(
                f"pass {' and '.join(dict.fromkeys(together))} together: {missing[0]} is missing"
            )
    shapes = [list(given[name].shape) for name in EMBEDS[::2] if name in given]
    if len(shapes) > 1 and shapes[0] != shapes[1]:
        raise SettingsError(
            f"prompt_embeds is {shapes[0]} and negative_prompt_embeds {shapes[1]}: both have to be "
            "alike"
        )


def _settings(words: Mapping[str, Any], defaults: ModelDefaults) -> GenerationSettings:
    base = words.get("settings") or GenerationSettings()
    fields = SETTINGS.keys() - {"negative_prompt"}
    said = base.updated({name: value for name, value in words.items() if name in fields})
    preset = words.get("preset")
    return said if preset is None else said.filled(defaults.preset(preset))


def _batch_size(value: Any) -> int:
    size = 1 if value is None else value
    if not isinstance(size, int) or not 1 <= size <= MAX_IMAGES:
        raise SettingsError(f"batch_size is {value!r}: must be from 1 to {MAX_IMAGES}")
    return size


def _inputs(words: Mapping[str, Any]) -> Inputs:
    ours = Inputs.__dataclass_fields__.keys() - {"extra"}
    planned = {"plan", "settings", "preset", "base_prompt", "split_ratio", "batch_size"}
    known = ours | planned | SETTINGS.keys()
    extra = {name: value for name, value in words.items() if name not in known}
    given = {name: words[name] for name in ours if name in words}
    given |= {name: given.get(name) or None for name in OF_REGIONS}
    return Inputs(**given, extra=extra)


def _items(prompt: Any, plan: Any, base: Any, negative: Any) -> tuple[PromptItem, ...]:
    plans = _listed("plan", plan, Plan)
    prompts = _listed("prompt", prompt, str) or [one.prompt for one in plans]
    if not prompts:
        raise PromptError("no prompt: pass a prompt, a list of prompts or a plan")
    columns = {"plan": plans or None, "base_prompt": base, "negative_prompt": negative}
    spread = [_spread(name, value, len(prompts)) for name, value in columns.items()]
    return tuple(_item(*row) for row in zip(prompts, *spread, strict=True))


def _item(prompt: str, plan: Plan | None, base: str | None, negative: str | None) -> PromptItem:
    if not prompt.strip():
        raise PromptError("the prompt is empty: say what should be in the picture")
    if plan is not None and plan.prompt != prompt.strip():
        plan = plan.with_words(prompt=prompt)
    return PromptItem(prompt, plan, base, negative)


def _listed(name: str, value: Any, kind: type) -> list[Any]:
    values = [] if value is None else [value] if isinstance(value, kind) else value
    if not isinstance(values, Sequence) or not all(isinstance(one, kind) for one in values):
        raise PromptError(f"{name}: expected {kind.__name__} or a list of them, not {value!r:.80}")
    return list(values)


def _spread(name: str, value: Any, count: int) -> list[Any]:
    """One value for every prompt, or a list with one for each."""
    if value is None or isinstance(value, str):
        return [value] * count
    values = list(value)
    if len(values) != count:
        raise PromptError(f"{name}: {len(values)} for {count} prompts; pass one for each")
    return values


def _official(prompt: Any, split_ratio: str, base_prompt: Any, plan: Any) -> Plan:
    """The plan in the official code's words: "a BREAK b" in `prompt`, the layout apart."""
    if not isinstance(prompt, str) or plan is not None or not isinstance(base_prompt, str | None):
        raise SettingsError(
            "split_ratio goes with one prompt of the form 'a BREAK b' and without plan"
        )
    text = f"Final split ratio: {split_ratio}\nRegional Prompt: {prompt}"
    whole = base_prompt or ", ".join(part.strip() for part in prompt.split("BREAK"))
    return Plan.from_rpg_text(text, prompt=whole)


def _read(image: Image, name: str) -> None:
    """Decodes what a caller has only opened: later it would fail among the model's own errors."""
    loaded(image, lambda reason: SettingsError(f"{name} cannot be read: {reason}"))


def _check_images(inputs: Inputs) -> None:
    for name in ("image", "mask_image", "control_image"):
        given = getattr(inputs, name)
        for one in given if isinstance(given, list) else [given]:
            if isinstance(one, Image):
                _read(one, name)
    if inputs.control_image is not None and inputs.image is not None:
        raise SettingsError("pass image or control_image, not both")
    if inputs.mask_image is not None and inputs.image is None:
        raise SettingsError("mask_image needs image: the picture to redraw a part of")
    for name in ("controlnet", "control_mode"):
        if getattr(inputs, name) is not None and inputs.control_image is None:
            raise SettingsError(f"{name} needs control_image: the picture that is to be followed")


def _check_passes(settings: GenerationSettings, inputs: Inputs) -> None:
    if settings.variation_strength and (inputs.image is not None or "latents" in inputs.extra):
        raise SettingsError(
            "variation_strength mixes the noise of pictures from words: leave it out, or the image "
            "or latents"
        )
    if settings.upscale > 1 and inputs.output_type != "pil":
        raise SettingsError('upscale works on pictures: leave out output_type, which is then "pil"')
    if settings.upscale > 1 and (given := [name for name in EMBEDS if name in inputs.extra]):
        raise SettingsError(f"upscale draws from words a second time: leave out {given[0]}")


def _check_generator(settings: GenerationSettings, inputs: Inputs, count: int) -> None:
    generator = inputs.generator
    if generator is None:
        return
    if settings.seed is not None:
        raise SettingsError("pass seed or generator, not both")
    if isinstance(generator, Sequence) and len(generator) != count:
        raise SettingsError(f"{len(generator)} generators for {count} pictures; pass one for each")
