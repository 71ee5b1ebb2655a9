"""The call that draws one pass, the first time and again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rpg.errors import SettingsError

if TYPE_CHECKING:
    from PIL.Image import Image

    from rpg._call import Words
    from rpg.batch.manifest import Entry
    from rpg.pipeline import RPGPipeline
    from rpg.plan import Plan
    from rpg.settings import GenerationSettings

__all__ = ["redrawn", "words"]


def words(
    plan: Plan,
    settings: GenerationSettings,
    seeds: Sequence[int],
    base_prompt: str | None = None,
) -> Words:
    """A call for one picture of `plan` from each seed, all in one pass."""
    count = {"seed": None, "num_images_per_prompt": len(seeds)}
    generators = [_noise(seed) for seed in seeds]
    return {
        "plan": plan,
        "settings": settings.model_copy(update=count),
        "generator": generators,
        "base_prompt": base_prompt,
    }


def _noise(seed: int) -> Any:
    """What a call with this seed draws from."""
    from rpg import _render  # torch is not loaded before something is drawn

    generator = _render.seeded(seed, 0, 1).generator
    return generator[0] if isinstance(generator, list) else generator


def redrawn(entry: Entry, rpg: RPGPipeline) -> Image:
    """Draws the picture of a manifest's line again, at the model's own size.

    The same model on the same kind of machine gives the same pixels; another device, number format
    or version gives nearly the same.

    Raises:
        SettingsError: It was made by another model, or with a LoRA that is not loaded.
        RPGError: What the pipeline failed with.
    """
    record = entry.record
    if record.model not in ("", rpg.model):
        raise SettingsError(f"{entry.file} was made with {record.model}, not {rpg.model}")
    loaded = {"lora"} if getattr(rpg.pipe.unet, "peft_config", None) else set()
    if missing := sorted(set(record.needs) - loaded):
        raise SettingsError(f"{entry.file} was made with {', '.join(missing)}")
    image: Image = rpg(**words(record.plan, record.settings, entry.seeds))[0][entry.index]
    return image
