"""Regions in stock diffusers pipelines: `regional` is the door."""

from __future__ import annotations

from rpg.diffusion.backbones import load_pipeline, load_single_file, sibling
from rpg.diffusion.context import regional

__all__ = ["load_pipeline", "load_single_file", "regional", "sibling"]
