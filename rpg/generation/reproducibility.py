"""Whether a pipeline can make a picture again."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rpg.metadata import Record

__all__ = ["has_lora", "lacking"]


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
    loaded = {"lora"} if has_lora(pipe) else set()
    taught = {"embedding"} if _has_embedding(pipe) else set()
    if missing := sorted(set(record.needs) - loaded - taught - set(held)):
        return f"with {', '.join(missing)}, which the {keeper} does not hold"
    return "without a LoRA, and one is loaded" if loaded - set(record.needs) else ""


def _has_embedding(pipe: Any) -> bool:
    from rpg.diffusion.text import taught_words  # which loads torch

    return bool(taught_words(pipe))


def has_lora(pipe: Any) -> bool:
    """Whether a LoRA is loaded into a pipeline of diffusers, or fused with its weights."""
    from rpg.diffusion.backbones import family  # which loads torch

    return family(pipe).has_lora(pipe)
