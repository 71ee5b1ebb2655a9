"""The scheme of RPG's published code, written out from its description, as a baseline.

In every cross-attention layer each region's prompt is attended to over the whole canvas; what lies
in the region's box is cut out and put into its place, by rows and columns; and the outcome is
blended with the base prompt's attention: out = b A_base + (1 - b) A_regions. There is one UNet pass
a step and there are no latents of regions. Nothing is done about cost: every region repeats the
whole layer, also for the negative prompt, as that code does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from rpg.plans.geometry import Box
from rpg.plans.plan import Plan
from rpg.plans.wording import worded

__all__ = ["official"]


@dataclass
class _Canvas:
    """What all layers share.

    Attributes:
        boxes: Of the regions, those painted first at the front.
        texts: (1, L, D) for each region.
        base_ratio: Weight b of the base prompt, 0 to 1.
        size: Latent cells, height and width, of the step that is being done.
    """

    boxes: Sequence[Box]
    texts: Sequence[Tensor]
    base_ratio: float
    size: tuple[int, int] = field(default=(0, 0))

    def level(self, tokens: int) -> tuple[int, int]:
        """Height and width of a layer with so many tokens; every level halves, rounding up."""
        height, width = self.size
        while height * width > tokens:
            height, width = -(-height // 2), -(-width // 2)
        return height, width


class _Processor:
    """Stands in for a layer's processor, which it calls once for the base and for each region."""

    def __init__(self, inner: Any, canvas: _Canvas) -> None:
        self.inner, self.canvas = inner, canvas

    def __call__(
        self,
        attn: Any,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor,
        attention_mask: Tensor | None = None,
        temb: Tensor | None = None,
    ) -> Tensor:
        """Attend, (B, T, C) in and out; the second half of the batch is the guided one."""
        rest = (attention_mask, temb)
        base: Tensor = self.inner(attn, hidden_states, encoder_hidden_states, *rest)
        height, width = self.canvas.level(hidden_states.shape[1])
        put = base.clone().view(len(base), height, width, -1)
        for box, text in zip(self.canvas.boxes, self.canvas.texts, strict=True):
            said = _guided_by(text, encoder_hidden_states)
            whole = self.inner(attn, hidden_states, said, *rest)
            x0, y0, x1, y1 = box.to_pixels(width, height)
            put[:, y0:y1, x0:x1] = whole.view(put.shape)[:, y0:y1, x0:x1]
        b = self.canvas.base_ratio
        blended: Tensor = b * base + (1 - b) * put.flatten(1, 2)
        return blended


def _guided_by(text: Tensor, states: Tensor) -> Tensor:
    """The call's text (B, L, D) with a region's in place of the prompt; the negative stays."""
    half = len(states) // 2
    return torch.cat([states[:half], text.to(states).expand(len(states) - half, -1, -1)])


@contextmanager
def official(
    pipe: Any, plan: Plan, *, base_ratio: float, last_pooled: bool = False
) -> Iterator[None]:
    """Draw the plan in calls of an SDXL pipeline, under guidance; undone on leaving.

    Args:
        pipe: A stock `StableDiffusionXLPipeline`.
        plan: The regions. Their boxes need not be rows and columns: each is painted over those
            before it, and where there is none, the base prompt is.
        base_ratio: Weight of the base prompt, 0 to 1.
        last_pooled: Whether the last region's pooled embedding takes the place of the prompt's, as
            it does in the published code, by mistake.
    """
    layers = plan.layers()
    encoded = [_encoded(pipe, text) for text in worded(plan).regions]
    boxes, texts = [region.box for region in layers], [text for text, _ in encoded]
    canvas = _Canvas(boxes, texts, base_ratio)
    before = dict(pipe.unet.attn_processors)
    chosen = {
        name: _Processor(one, canvas) if name.endswith("attn2.processor") else one
        for name, one in before.items()
    }

    def seen(_: Any, args: Any, words: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        canvas.size = args[0].shape[-2:]
        return args, _with_pooled(encoded[-1][1], words) if last_pooled else words

    hook = pipe.unet.register_forward_pre_hook(seen, with_kwargs=True)
    pipe.unet.set_attn_processor(chosen)
    try:
        yield
    finally:
        hook.remove()
        pipe.unet.set_attn_processor(before)


def _encoded(pipe: Any, prompt: str) -> tuple[Tensor, Tensor]:
    """Hidden states (1, L, D) and pooled (1, P) of a text, cut where the tokenizer ends."""
    hidden, _, pooled, _ = pipe.encode_prompt(
        prompt=prompt,
        device=pipe._execution_device,
        num_images_per_prompt=1,
        do_classifier_free_guidance=False,
    )
    return hidden, pooled


def _with_pooled(pooled: Tensor, words: dict[str, Any]) -> dict[str, Any]:
    """A UNet call's words with another pooled embedding in the guided half."""
    added = words["added_cond_kwargs"]
    changed = _guided_by(pooled[:, None], added["text_embeds"][:, None])[:, 0]
    return {**words, "added_cond_kwargs": {**added, "text_embeds": changed}}
