"""Families of models, a module each, and loading their pipelines."""

from __future__ import annotations

from rpg.diffusion.backbones.base import Backbone, Family, Task
from rpg.diffusion.backbones.loading import (
    device_named,
    load_pipeline,
    load_recognised,
    load_single_file,
    recognised,
    sibling,
)
from rpg.diffusion.backbones.registry import FAMILIES, defaults_of, family, register

__all__ = [
    "FAMILIES",
    "Backbone",
    "Family",
    "Task",
    "defaults_of",
    "device_named",
    "family",
    "load_pipeline",
    "load_recognised",
    "load_single_file",
    "recognised",
    "register",
    "sibling",
]
