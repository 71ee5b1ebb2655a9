"""Regional predictions, whatever asks for them: no pipeline, no scheduler, no guidance in here."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Any, Literal, Self

import torch
from torch import Tensor

from rpg.diffusion import latent
from rpg.diffusion.backbones.base import Backbone
from rpg.diffusion.embeds import RegionalPromptEmbeds
from rpg.diffusion.layout import RegionalLayout
from rpg.diffusion.region_images import RegionImage
from rpg.diffusion.schedule import CompositionMode, Schedule
from rpg.diffusion.state import Branches, RegionalState
from rpg.errors import ModelError

__all__ = ["RegionalDenoiser"]

_ACTIVE: weakref.WeakSet[torch.nn.Module] = weakref.WeakSet()
_ACTIVE_LOCK = threading.Lock()
_NAMED: Mapping[str, Branches] = {
    "cond": ("cond",),
    "uncond": ("uncond",),
    "both": ("uncond", "cond"),
}


class RegionalDenoiser:
    """A model that draws regions (RPG, arXiv 2401.11708, sections 3.2 and 3.3).

    A context manager: while it lasts, the model's cross-attention layers are patched; whatever
    calls the model by itself meanwhile finds the plain one. Several calls of `predict` in a step,
    for several branches or guiders, are one step. `at` says which.

    Args:
        backbone: the model; see `backbones`.
        layout: where what is drawn.
        embeds: the regions' texts; None until `begin_image`, and till then all is plain.
        schedule: which composer acts in which steps.
    """

    def __init__(
        self,
        backbone: Backbone,
        layout: RegionalLayout,
        embeds: RegionalPromptEmbeds | None,
        schedule: Schedule,
    ) -> None:
        """Patch nothing yet."""
        self.backbone = backbone
        self._state = RegionalState(layout, schedule, backbone.token_grid, backbone.attended_text)
        self._stack = ExitStack()
        self._refresh: Callable[[], int] | None = None
        self._embeds = embeds

    def __enter__(self) -> Self:
        """Patch the model's attention.

        Raises:
            ModelError: regions act in the model already.
        """
        with ExitStack() as stack:
            stack.enter_context(_alone(self.backbone.model))
            stack.callback(self._state.close)
            if self._embeds is not None:
                self.begin_image(self._embeds)
            self._refresh = stack.enter_context(self.backbone.attention(self._state))
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Put the model's attention back, and drop all texts."""
        self._refresh = None
        self._stack.close()

    @property
    def drawing(self) -> bool:
        """Whether an image has begun, so that predictions may be regional."""
        return self._state.embeds is not None

    @property
    def state(self) -> RegionalState:
        """What its layers know of the image."""
        return self._state

    def begin_image(self, embeds: RegionalPromptEmbeds, images: Sequence[RegionImage] = ()) -> None:
        """Go to the first step of another image, with these texts and pictures of the regions."""
        self._state.begin_image(embeds, images)

    def at(self, step: int, steps: int) -> None:
        """Go to `step`, counted from 0, of `steps`."""
        self._state.at(step, steps)

    def predict(
        self,
        sample: Tensor,
        timestep: Any,
        branch: Literal["cond", "uncond", "both"] | Branches,
        text: Tensor,
        conditions: Mapping[str, Any] | None = None,
    ) -> Tensor:
        """What the model predicts for this step, with each region under its own text.

        Args:
            sample: (B, C, H, W), the noisy latents, branches one after another, each with a row
                for every picture.
            timestep: a number, or (B,).
            branch: what the rows are: "cond" is drawn by regions; "uncond" is told the negatives;
                "both" is the unconditional half, then the conditional one; a tuple names any
                others in their order, such as ("uncond", "cond", "cond") for perturbed attention.
            text: (B, L, D), the base prompt or its negative for each row.
            conditions: the model's other arguments by name, of the whole canvas.

        Returns:
            (B, c, H, W), noise, velocity or clean latents as the model predicts them.

        Raises:
            ModelError: a cache in the model skipped layers in a region's call.
            RuntimeError: the context that patches the model was not entered.
            ValueError: rows and branches do not go together.
        """
        branches = _NAMED[branch] if isinstance(branch, str) else branch
        if not branches or len(sample) % len(branches) or len(text) != len(sample):
            raise ValueError(
                f"{len(sample)} latents and {len(text)} texts for {len(branches)} branches"
            )
        if self._refresh is None and self._state.layout.count:
            raise RuntimeError("regions act within `with denoiser:` alone")
        conditions = conditions or {}
        state, backbone = self._state, self.backbone
        if self._refresh is not None:
            state.layers = self._refresh()
        sorts = not backbone.minds_order(conditions)
        state.begin_call(sample, branches, text, may_sort=sorts)
        try:
            if state.mode is CompositionMode.LATENT:
                return latent.compose(backbone, state, sample, timestep, text, conditions)
            return backbone.predict(sample, timestep, text, conditions)
        finally:
            state.end_call()


@contextmanager
def _alone(model: torch.nn.Module) -> Iterator[None]:
    """The only context in which regions act in a model.

    Raises:
        ModelError: there is one already.
    """
    with _ACTIVE_LOCK:
        if model in _ACTIVE:
            raise ModelError(
                "regions act in this model already: leave the first context, or load another"
            )
        _ACTIVE.add(model)
    try:
        yield
    finally:
        with _ACTIVE_LOCK:
            _ACTIVE.discard(model)
