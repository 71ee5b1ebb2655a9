"""What a family of models is: a backbone to predict with, and facts as data."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import diffusers
import torch
from torch import Tensor

from rpg import defaults
from rpg.diffusion.crops import CropBatch
from rpg.diffusion.state import Branches, RegionalState, Size
from rpg.diffusion.text import Encoder
from rpg.errors import SettingsError
from rpg.settings import Scheduler

__all__ = ["Backbone", "Call", "Family", "Task"]

_FEW_STEPS = (diffusers.LCMScheduler, diffusers.TCDScheduler)

Task = Literal["text2img", "img2img", "inpaint", "controlnet"]


@dataclass(frozen=True)
class Call:
    """A call of a model, taken apart.

    Attributes:
        sample: (B, C, H, W), the noisy latents.
        timestep: a number, or (B,).
        text: (B, L, D), what the rows are told.
        conditions: the other arguments by name.
        returned: from a prediction to what the call returns.
    """

    sample: Tensor
    timestep: Any
    text: Tensor
    conditions: Mapping[str, Any]
    returned: Callable[[Tensor], Any]


class Backbone(Protocol):
    """A model that predicts noise, velocity or the clean latents, as composition needs it.

    Attributes:
        model: the model.
        crop_multiple: latent cells that a crop's sides should be a multiple of.
    """

    model: torch.nn.Module
    crop_multiple: int

    def predict(
        self, sample: Tensor, timestep: Any, text: Tensor, conditions: Mapping[str, Any]
    ) -> Tensor:
        """The model's own prediction, (B, c, H, W), past whatever watches calls of it."""

    def parsed(self, args: Sequence[Any], words: Mapping[str, Any]) -> Call:
        """A call of the model with these arguments, taken apart."""

    def cropped(
        self, conditions: Mapping[str, Any], batch: CropBatch, state: RegionalState
    ) -> dict[str, Any]:
        """The conditions of a whole call, for crops of it."""

    def token_grid(self, canvas: Size, tokens: int) -> Size:
        """Rows and columns that the tokens of an attention layer stand in.

        Args:
            canvas: height and width in latent cells.
            tokens: of the layer.
        """

    def attended_text(self, text: Tensor) -> Tensor:
        """Texts (B, L, D) as attention layers are given them."""

    def minds_order(self, conditions: Mapping[str, Any]) -> bool:
        """Whether conditions speak of places, so that tokens have to keep their order."""

    def attention(self, state: RegionalState) -> AbstractContextManager[Callable[[], int]]:
        """Regional attention, in a context.

        Yields:
            What takes in layers that were changed since, and counts them all.
        """


@dataclass(frozen=True)
class Family:
    """Facts about a family of models. Adding one is a module with its `Family`, registered.

    Attributes:
        name: what it is called in settings and in `rpg.defaults`, which has its size and numbers.
        title: what people call it.
        pipelines: diffusers' class for each task, whose loops guidance can end early in.
        others: names of further classes of pipelines that regions act in.
        denoiser: name of the model among a pipeline's components.
        holds: whether a model is of the family.
        backbone: from a pipeline to its backbone.
        branches: from a pipeline and the predictions for each picture to what they are.
        doubled: what the loops hold once for each branch and let a callback change.
        encoder: as `text.Encoder`: from a pipeline, the subprompts and negatives to their encoder.
        preview: (C, 3), a linear map from latents to red, green and blue in -1..1.
        schedulers: class name and options of each sampler that can be named.
    """

    name: str
    title: str
    pipelines: Mapping[Task, type[Any]]
    others: tuple[str, ...]
    denoiser: str
    holds: Callable[[Any], bool]
    backbone: Callable[[Any], Backbone]
    branches: Callable[[Any, int], Branches]
    doubled: tuple[str, ...]
    encoder: Callable[..., Encoder]
    preview: tuple[tuple[float, float, float], ...]
    schedulers: Mapping[Scheduler, tuple[str, Mapping[str, Any]]]

    @property
    def defaults(self) -> defaults.ModelDefaults:
        """Size, steps and guidance where neither user nor model says any."""
        return defaults.FAMILIES[self.name]

    def has(self, pipe: Any) -> bool:
        """Whether a pipeline is of the family, and its loop is known, or one derived from it."""
        model = getattr(pipe, self.denoiser, None)
        if model is None or not self.holds(model):
            return False
        names = {*self.others, *(one.__name__ for one in self.pipelines.values())}
        return any(kind.__name__ in names for kind in type(pipe).__mro__)

    def model(self, pipe: Any) -> torch.nn.Module:
        """The model that predicts in a pipeline."""
        model: torch.nn.Module = getattr(pipe, self.denoiser)
        return model

    def scheduler(self, name: Scheduler, own: Any) -> Any:
        """The scheduler of that name, otherwise like a pipeline's own.

        Raises:
            SettingsError: The two do not go together.
        """
        wanted, options = self.schedulers[name]
        classes = {one.__name__: one for one in own.compatibles}
        if len(classes) > 1:  # diffusers' usual ones, whose noise LCM's and TCD's share
            classes |= {one.__name__: one for one in _FEW_STEPS}
        if wanted not in classes:
            raise SettingsError(f"scheduler: {name} does not go with {type(own).__name__}")
        kind = classes[wanted]
        zero_snr = own.config.get("rescale_betas_zero_snr")
        if zero_snr and "rescale_betas_zero_snr" not in inspect.signature(kind).parameters:
            raise SettingsError(
                f"scheduler: {name} knows no zero terminal SNR, which this model was taught with: "
                "euler does"
            )
        return kind.from_config(own.config, **options)

    def has_lora(self, pipe: Any) -> bool:
        """Whether a LoRA is loaded into a pipeline, or fused with its weights."""
        held = (self.denoiser, "text_encoder", "text_encoder_2")
        loaded = any(getattr(getattr(pipe, name, None), "peft_config", None) for name in held)
        return loaded or bool(getattr(pipe, "fused_loras", ()))
