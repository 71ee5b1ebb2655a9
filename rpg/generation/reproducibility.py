"""Whether a pipeline can make a picture again."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rpg.metadata import Record

__all__ = ["ACTING", "acting", "has_lora", "lacking", "without"]

# Of what a record may need, all that acts on whatever is drawn over the picture as well.
ACTING = frozenset(
    (
        *("cross_attention_kwargs", "eta", "ip_adapter_image", "ip_adapter_image_embeds"),
        *("region_loras", "region_images", "lora", "embedding", "prediction_type", "vae"),
        *("prompt_embeds", "negative_prompt_embeds"),
    )
)


def lacking(record: Record, model: str, pipe: Any, keeper: str, held: Collection[str] = ()) -> str:
    """How a picture was made that it cannot be made now, in words that go after "was made".

    Args:
        record: The picture's.
        model: Public name of the model that is to draw it again.
        pipe: Its pipeline.
        keeper: What keeps the record, such as "session".
        held: Names of inputs that it keeps too, as in `Record.needs`.

    Returns:
        Empty where nothing is missing, nor too much.
    """
    if record.model not in ("", model):
        return f"with {record.model}, not {model}"
    there = acting(pipe, held)
    if missing := sorted(set(record.needs) - there):
        return f"with {', '.join(missing)}, which the {keeper} does not hold"
    return "without a LoRA, and one is loaded" if {"lora"} & there - set(record.needs) else ""


def acting(pipe: Any, held: Collection[str] = ()) -> set[str]:
    """What a pipeline brings of that which records may need, and what else is held."""
    loaded = {"lora"} if has_lora(pipe) else set()
    taught = {"embedding"} if _has_embedding(pipe) else set()
    return {*held} | loaded | taught


def without(record: Record, acting: Collection[str]) -> str:
    """A notice that what a picture was drawn with does not act while it is drawn over.

    Args:
        record: The picture's.
        acting: Names of what does act, as in `Record.needs`.

    Returns:
        Empty where all of it does.
    """
    lost = sorted(ACTING & set(record.needs) - set(acting))
    return f"the picture was made with {', '.join(lost)}, and is drawn over without" if lost else ""


def _has_embedding(pipe: Any) -> bool:
    from rpg.diffusion.text import taught_words  # which loads torch

    return bool(taught_words(pipe))


def has_lora(pipe: Any) -> bool:
    """Whether a LoRA is loaded into a pipeline of diffusers, or fused with its weights."""
    from rpg.diffusion.backbones import family  # which loads torch

    return family(pipe).has_lora(pipe)
