"""What a model is, before a weight of it is read: family, prediction, few steps, masks, tags.

Tensors, their shapes and configurations go before metadata, and metadata before names. What a
configuration or the user says outright is not told again; what follows from a name always is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

from rpg.checkpoints import (
    DISTILLATIONS,
    PredictionType,
    Recognised,
    distillation_named,
    likes_tags,
    prediction_named,
    steps_named,
    zero_snr_named,
)
from rpg.diffusion import file_kinds, sources
from rpg.diffusion.file_kinds import FIRST_LAYER, Contents
from rpg.errors import ModelError
from rpg.metadata import public_name

__all__ = ["family_of", "lora_advice", "recognise_file", "recognise_folder", "recognise_pipe"]

_Found = TypeVar("_Found")
_UNET, _SCHEDULER = "unet/config.json", "scheduler/scheduler_config.json"
_SAYS_PREDICTION = ("modelspec.prediction_type", "modelspec.predict_key")  # kohya's, ComfyUI's
_PREDICTIONS: Mapping[str, PredictionType] = {
    "v": "v_prediction",
    "v_prediction": "v_prediction",
    "epsilon": "epsilon",
}
_ARCHITECTURES: Mapping[str, PredictionType] = {
    "stable-diffusion-v2-768-v": "v_prediction",
    "stable-diffusion-v2-512": "epsilon",
}
_TITLES = ("modelspec.title", "ss_output_name", "modelspec.merged_from", "ss_sd_model_name")
_DISTILLED_BY = {"LCMScheduler": "lcm", "TCDScheduler": "tcd"}
_OTHERS = {  # by the channels of UNets that see more than latents
    5: "a Stable Diffusion 2 depth model",
    7: "an upscaler",
    8: "an InstructPix2Pix model",
}
_LATENTS, _MASKED = 4, 9
_CONVOLUTION = 4  # axes of its weights
_SD2_TEXTS = 1024  # their width
_SD2_SIDE = 768  # pixels, of those that predict v; of the others SD 1.5's
_METADATA, _NAME, _CONFIGURATION = "by its metadata", "by its name", "by its configuration"
_ASKED = "as asked"
_TITLES_OF_PREDICTIONS = {"epsilon": "noise prediction", "v_prediction": "v-prediction"}
_ASK = (
    "it does not say how it was taught to predict: give --prediction-type v_prediction (those for "
    "768 pixels) or epsilon (for 512), or its folder in diffusers' layout"
)


@dataclass
class _Notes:
    """What was found, with what it was found by."""

    evidence: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    def add(self, what: str, by: str, *, tell: bool = True) -> None:
        """Notes a finding; `tell` is for what acts although nobody asked for it."""
        self.evidence.append(f"{what}, {by}")
        if tell:
            self.told.append(self.evidence[-1])


def family_of(unet: Mapping[str, Any]) -> str:
    """The family of a UNet with that configuration; empty if regions do not work with it.

    One that projects its texts in a way of its own, as Kolors' does, is of none.
    """
    if unet.get("encoder_hid_dim_type") not in (None, "ip_image_proj"):
        return ""
    added = unet.get("addition_embed_type")
    if added is None:
        return "sd15" if unet.get("cross_attention_dim") else ""
    return "sdxl" if added == "text_time" else ""


def recognise_file(
    path: Path, words: Mapping[str, Any], prediction_type: str | None = None
) -> Recognised:
    """What a single file is, by its header.

    Args:
        path: The file.
        words: Of the call that loads it: components that the file need not hold, and `config`.
        prediction_type: What the user says, before whatever the file does.

    Raises:
        ModelError: It is nothing to draw with, or does not say how it predicts; says what to do.
    """
    _check(prediction_type)
    kind, contents = sources.checkpoint(path, words)
    notes, name = _Notes(), public_name(path)
    titles = ", ".join(filter(None, map(contents.metadata.get, _TITLES)))
    texts = ((titles, _METADATA), (name, _NAME))
    notes.add(kind.name, "by its tensors", tell=False)
    predicts, by = _prediction(contents, name)
    if prediction_type is not None:
        predicts, by = prediction_type, _ASKED
    elif predicts is None and not kind.predicts:
        raise ModelError(f"{path} is {kind.name}: {_ASK}")
    predicts, by = predicts or "epsilon", by or "as nothing says otherwise"
    zero, by_zero = _zero_snr(contents, name if predicts == "v_prediction" else "")
    _note_prediction(notes, predicts, by, by_zero, tell=prediction_type is None)
    channels = _channels(contents)
    _check_config(path, words, channels, kind.family)
    if channels == _MASKED:
        notes.add("inpainting", "by the channels of its UNet", tell=False)
    distillation, by = _first(distillation_named, texts)
    steps = _note_distillation(notes, distillation, by, f"{titles} {name}", own=False)
    options: dict[str, Any] = {"prediction_type": predicts}
    if zero:
        options["rescale_betas_zero_snr"] = True
    if zero or distillation:
        options["timestep_spacing"] = "trailing"
    return Recognised(
        family=kind.family,
        prediction_type=predicts,
        zero_terminal_snr=zero,
        distillation=distillation,
        steps=steps,
        inpainting=channels == _MASKED,
        likes=_likes(notes, texts),
        side=_side(distillation, not kind.predicts, predicts),
        scheduler_options=options,
        evidence=tuple(notes.evidence),
        told=tuple(notes.told),
    )


def recognise_folder(
    source: str,
    families: Mapping[str, str],
    words: Mapping[str, Any],
    prediction_type: str | None = None,
) -> Recognised:
    """What a folder or hub id is, by its configurations.

    Args:
        source: The folder or id.
        families: Family of each class of pipelines that can be loaded.
        words: Of the call that loads it; a `variant` among them.
        prediction_type: What the user says, before its scheduler's configuration.

    Raises:
        ModelError: It is nothing to draw with; says what it is.
    """
    _check(prediction_type)
    index = sources.check_pipeline(source, families, words)
    unet = sources.configuration(source, _UNET, words) if "unet" in index else {}
    family = families[index["_class_name"]]
    if unet and family_of(unet) != family:
        raise ModelError(
            f"{source}: {index['_class_name']} with a UNet of another kind: regions need SDXL or "
            "SD 1.5"
        )
    channels = unet.get("in_channels", _LATENTS)
    if channels in _OTHERS:
        raise ModelError(f"{source} is {_OTHERS[channels]}: regions need a model for texts alone")
    notes = _Notes()
    variant = sources.variant_of(source, words)
    if variant != words.get("variant"):
        notes.add(f"weights of the variant {variant}", "as no others are there")
    scheduler = sources.configuration(source, _SCHEDULER, words)
    fixed = "scheduler" in words
    known = _configured(family, unet, scheduler, public_name(source), notes, prediction_type, fixed)
    return replace(known, pipeline=index["_class_name"], variant=variant)


def recognise_pipe(pipe: Any, family: str, name: str) -> Recognised:
    """What a pipeline is that is there already, by its configurations; it is left as it is.

    Args:
        pipe: A pipeline of diffusers.
        family: The key of its family.
        name: Public name of the model.
    """
    unet = getattr(getattr(pipe, "unet", None), "config", {})
    scheduler = {**pipe.scheduler.config, "_class_name": type(pipe.scheduler).__name__}
    return _configured(family, unet, scheduler, name, _Notes(), None, True)


def lora_advice(source: str, weight_name: str | None = None) -> str:
    """What to draw with beside a LoRA for few steps, in a sentence; empty for any other.

    Args:
        source: Folder, file or hub id.
        weight_name: Which of several files.
    """
    file = Path(source) / (weight_name or "")
    titles = ""
    if file.is_file():
        metadata = file_kinds.read(file).metadata
        titles = ", ".join(filter(None, map(metadata.get, _TITLES[:2])))
    name = f"{public_name(source)} {public_name(weight_name or '')}".strip()
    key, by = _first(distillation_named, ((titles, _METADATA), (name, _NAME)))
    if not key:
        return ""
    row = DISTILLATIONS[key]
    return (
        f"{name} is for few steps ({row.title}, {by}): "
        f"--steps {steps_named(f'{titles} {name}', row.steps)} "
        f"--guidance-scale {row.guidance_scale:g} --scheduler {row.scheduler}"
    )


def _configured(
    family: str,
    unet: Mapping[str, Any],
    scheduler: Mapping[str, Any],
    name: str,
    notes: _Notes,
    prediction_type: str | None,
    fixed: bool,
) -> Recognised:
    """By the configurations of the parts; where `fixed`, the scheduler is the user's."""
    predicts = prediction_type or scheduler.get("prediction_type", "epsilon")
    zero = bool(scheduler.get("rescale_betas_zero_snr"))
    trailing = scheduler.get("timestep_spacing") == "trailing"
    is_sd2 = family == "sd15" and unet.get("cross_attention_dim") == _SD2_TEXTS
    title = "Stable Diffusion 2" if is_sd2 else f"the family {family}"
    notes.add(title, _CONFIGURATION, tell=False)
    by = _ASKED if prediction_type else _CONFIGURATION
    _note_prediction(notes, predicts, by, _CONFIGURATION if zero else "", tell=False)
    masked = unet.get("in_channels") == _MASKED
    if masked:
        notes.add("inpainting", "by the channels of its UNet", tell=False)
    distillation, by = _DISTILLED_BY.get(str(scheduler.get("_class_name")), ""), _CONFIGURATION
    if unet.get("time_cond_proj_dim"):
        distillation = "lcm-guided"
    elif not distillation:
        distillation, by = _first(distillation_named, ((name, _NAME),))
    # Few steps that are not spaced from the end are left over from the model it was made of.
    own = fixed or trailing or scheduler.get("_class_name") in _DISTILLED_BY or not distillation
    steps = _note_distillation(notes, distillation, by, name, own=own)
    options: dict[str, Any] = {}
    if prediction_type:
        options["prediction_type"] = prediction_type
    if (zero or not own) and not fixed and not trailing:
        options["timestep_spacing"] = "trailing"
    return Recognised(
        family=family,
        prediction_type=predicts,
        zero_terminal_snr=zero,
        distillation=distillation,
        steps=steps,
        inpainting=masked,
        likes=_likes(notes, ((name, _NAME),)),
        side=_side(distillation, is_sd2, predicts),
        own_scheduler=own,
        scheduler_options=options,
        evidence=tuple(notes.evidence),
        told=tuple(notes.told),
    )


def _check(prediction_type: str | None) -> None:
    if prediction_type is not None and prediction_type not in get_args(PredictionType):
        known = ", ".join(get_args(PredictionType))
        raise ModelError(f"prediction type {prediction_type!r:.40}: one of {known}")


def _prediction(contents: Contents, name: str) -> tuple[str | None, str]:
    """What a file says that it predicts, and where it says so."""
    metadata = contents.metadata
    if "v_pred" in contents.shapes:
        return "v_prediction", "by its keys"
    said = [metadata.get(key, "").lower() for key in _SAYS_PREDICTION]
    if metadata.get("ss_v_parameterization", "").lower() == "true":
        said.append("v")
    found = next((_PREDICTIONS[one] for one in said if one in _PREDICTIONS), None)
    found = found or _ARCHITECTURES.get(metadata.get("modelspec.architecture", ""))
    if found:
        return found, _METADATA
    return _first(prediction_named, ((name, _NAME),))


def _zero_snr(contents: Contents, name: str) -> tuple[bool, str]:
    if "ztsnr" in contents.shapes:
        return True, "by its keys"
    if contents.metadata.get("ss_zero_terminal_snr", "").lower() == "true":
        return True, _METADATA
    return _first(zero_snr_named, ((name, _NAME),))


def _channels(contents: Contents) -> int:
    """Of the latents and whatever else a file's UNet sees."""
    layers = (shape for name, shape in contents.shapes.items() if FIRST_LAYER.search(name))
    return next((shape[1] for shape in layers if len(shape) == _CONVOLUTION), _LATENTS)


def _check_config(path: Path, words: Mapping[str, Any], channels: int, family: str) -> None:
    """Whether the folder that is to say how a file's parts are built can be meant for it.

    Raises:
        ModelError: It cannot; else the library would find that out with every tensor in memory.
    """
    config = words.get("config")
    if config is None or not Path(config).is_dir() or "unet" in words:
        return
    unet = sources.configuration(str(config), _UNET, {})
    seen = unet.get("in_channels", channels)
    if unet and (seen != channels or family_of(unet) != family):
        raise ModelError(
            f"{path} does not fit config {config}: give the configuration of a model like the file"
        )


def _first(
    question: Callable[[str], _Found], texts: Iterable[tuple[str, str]]
) -> tuple[_Found, str]:
    """The first answer that says anything, and by what; else what no text at all is answered."""
    for text, by in texts:
        if answer := question(text):
            return answer, by
    return question(""), ""


def _note_prediction(notes: _Notes, predicts: str, by: str, zero_by: str, *, tell: bool) -> None:
    what = _TITLES_OF_PREDICTIONS.get(predicts, f"{predicts!s:.40} prediction")
    if not zero_by:
        notes.add(what, by, tell=tell and predicts != "epsilon")
    elif zero_by == by:
        notes.add(f"{what} with zero terminal SNR", by)
    else:
        notes.add(f"{what}, {by}, with zero terminal SNR", zero_by)


def _note_distillation(notes: _Notes, key: str, by: str, text: str, *, own: bool) -> int:
    """Notes how a distilled model is drawn with; returns its steps, 0 for any other."""
    if not key:
        return 0
    row = DISTILLATIONS[key]
    steps = steps_named(text, row.steps)
    count = "1 step" if steps == 1 else f"{steps} steps"
    scheduler = "its own scheduler" if own else f"scheduler {row.scheduler}"
    notes.add(f"{row.title} ({count}, guidance {row.guidance_scale:g}, {scheduler})", by)
    return steps


def _likes(notes: _Notes, texts: Iterable[tuple[str, str]]) -> Literal["sentences", "tags"]:
    found, by = _first(likes_tags, texts)
    if not found:
        return "sentences"
    notes.add("taught with tags", by)
    return "tags"


def _side(distillation: str, is_sd2: bool, predicts: str) -> int:
    """Pixels that a model was taught at, where these are not its family's; else 0."""
    taught = DISTILLATIONS[distillation].side if distillation else 0
    return taught or (_SD2_SIDE if is_sd2 and predicts == "v_prediction" else 0)
