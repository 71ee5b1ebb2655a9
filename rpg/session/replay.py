"""A turn's picture made again, by the very calls that made it first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rpg.errors import SessionError
from rpg.generation.reproducibility import lacking

if TYPE_CHECKING:
    from PIL.Image import Image

    from rpg.pipeline import RPGPipeline
    from rpg.session.turn import Making, Turn
    from rpg.settings import GenerationSettings

__all__ = ["replayed"]

_KEPT = ("image", "mask_image")  # what a session holds of a turn's inputs


def replayed(turn: Turn, rpg: RPGPipeline, parent: Image | None, mask: Image | None) -> Image:
    """Draws the turn again.

    The same model on the same kind of machine gives the same pixels; another device or number
    format gives nearly the same.

    Args:
        turn: What to draw.
        rpg: With the model that drew it.
        parent: The picture of the turn's parent, for a turn that has a mask.
        mask: Where that was drawn anew.

    Raises:
        SessionError: It was made by another model, with what the session does not hold, or without
            the LoRA that is loaded.
        RPGError: What the pipeline failed with.
    """
    if lacks := lacking(
        turn.made.record,
        rpg.model,
        rpg.pipe,
        "session",
        (*rpg.brought, *(_KEPT if mask is not None else ())),
    ):
        raise SessionError(f"turn {turn.id} was made {lacks}")
    words: dict[str, Any] = {} if mask is None else {"image": parent, "mask_image": mask}
    output = rpg(plan=turn.plan, settings=_batch(turn.made), **words)
    image: Image = output[0][turn.made.index]
    return image


def _batch(made: Making) -> GenerationSettings:
    """The settings of the call, whose picture number `index` had the seeds of the record."""
    first = made.record.settings.numbered(-made.index)
    return first.updated({"num_images_per_prompt": made.of})
