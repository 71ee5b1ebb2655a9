"""The families that are known, and the one of a pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rpg.checkpoints import Recognised
from rpg.defaults import ModelDefaults, of_model
from rpg.diffusion.backbones.base import Family
from rpg.diffusion.backbones.unet import SD15, SDXL
from rpg.errors import ModelError

__all__ = ["FAMILIES", "defaults_of", "family", "register"]

FAMILIES: dict[str, Family] = {known.name: known for known in (SDXL, SD15)}


def register(family: Family) -> Family:
    """Make a family known, in the place of another of its name.

    Args:
        family: facts and functions; its name may stand in `rpg.defaults.FAMILIES`.
    """
    FAMILIES[family.name] = family
    return family


def family(pipe: Any) -> Family:
    """The family that a pipeline belongs to.

    Raises:
        ModelError: regions do not work with it.
    """
    for known in FAMILIES.values():
        if known.has(pipe):
            return known
    titles = " or ".join(known.title for known in FAMILIES.values())
    raise ModelError(f"{type(pipe).__name__}: regions need a pipeline of the {titles} family")


def defaults_of(pipe: Any, known: Recognised | None = None) -> ModelDefaults:
    """What suits a pipeline's model: by the folder that it was loaded from, else by its family.

    Args:
        pipe: a pipeline of diffusers.
        known: what its model was recognised as, which goes before the family.

    Raises:
        ModelError: regions do not work with it, or its folder's `rpg.json` cannot be read.
    """
    name = getattr(pipe.config, "_name_or_path", "") or ""
    return of_model(Path(name) if name else None, family(pipe).name, known)
