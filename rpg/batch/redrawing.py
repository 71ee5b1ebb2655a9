"""The call that draws one pass, the first time and again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from rpg.errors import SettingsError
from rpg.generation.reproducibility import lacking

if TYPE_CHECKING:
    from PIL.Image import Image

    from rpg.batch.manifest import Entry
    from rpg.generation.request import CallKwargs
    from rpg.pipeline import RPGPipeline
    from rpg.plans.plan import Plan
    from rpg.settings import GenerationSettings

__all__ = ["redrawn", "words"]


def words(plans: Sequence[Plan], settings: GenerationSettings, seeds: Sequence[int]) -> CallKwargs:
    """A call that draws equally many pictures of each plan in one pass, from a seed each."""
    each = {"seed": None, "num_images_per_prompt": len(seeds) // len(plans), "negative_prompt": ""}
    generators = [_noise(seed) for seed in seeds]
    return {
        "plan": plans,
        "settings": settings.model_copy(update=each),
        "generator": generators,
        "batch_size": len(plans),
    }


def _noise(seed: int) -> Any:
    """What a call with this seed draws from."""
    from rpg.generation import sampling  # torch is not loaded before something is drawn

    generator = sampling.seeded([seed]).generator
    return generator[0] if isinstance(generator, list) else generator


def redrawn(entry: Entry, rpg: RPGPipeline, among: Iterable[Entry | None] = ()) -> Image:
    """Draws the picture of a manifest's line again, at the model's own size.

    The same model on the same kind of machine gives the same pixels; another device, number format
    or version gives nearly the same.

    Args:
        entry: The line.
        rpg: The model that drew it.
        among: The manifest's other lines, where pictures of several plans were drawn at once.

    Raises:
        SettingsError: It was made by another model, with a LoRA that is not loaded or without one
            that is, or at once with pictures that are not among the lines given.
        RPGError: What the pipeline failed with.
    """
    record = entry.record
    if lacks := lacking(record, rpg.model, rpg.pipe, "manifest", rpg.brought):
        raise SettingsError(f"{entry.file} was made {lacks}")
    plans = _plans(entry, among)
    image: Image = rpg(**words(plans, record.settings, entry.seeds))[0][entry.index]
    return image


def _plans(entry: Entry, among: Iterable[Entry | None]) -> list[Plan]:
    """The plans that were drawn at once, in their order."""
    if not entry.beside:
        return [entry.record.plan]
    known = {one.id: one.record.plan for one in among if one is not None}
    known[entry.id] = entry.record.plan
    try:
        return [known[id] for id in entry.beside]
    except KeyError:
        said = f"{entry.file} was drawn at once with pictures that no line given is about"
        raise SettingsError(said) from None
