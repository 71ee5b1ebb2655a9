"""Toybox pictures for tests of the page: rendered, so that no model has to draw them."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from PIL import Image

from rpg import metadata
from rpg.defaults import ModelDefaults
from rpg.metadata import Record
from rpg.plans.geometry import Box
from rpg.plans.plan import Plan, Region
from rpg.session import Session, Sessions
from rpg.settings import GenerationSettings
from rpg.toybox.detector import detect
from rpg.toybox.renderer import render
from rpg.toybox.scene import Scene, Thing

PROMPT = "a red star on the left and a blue circle on the right"
LEFT, RIGHT = Box(0, 0, 0.5, 1), Box(0.5, 0, 1, 1)


def model() -> Any:
    """What pages ask of a model that never draws."""
    return SimpleNamespace(model="toybox", defaults=ModelDefaults(display_scale=3))


def plan(star: str = "a red star", prompt: str = PROMPT) -> Plan:
    return Plan(
        prompt=prompt,
        base_prompt=prompt,
        regions=(
            Region(id="star-1", prompt=star, box=LEFT),
            Region(id="circle-1", prompt="a blue circle", box=RIGHT),
        ),
        source="rules",
    )


def picture(star: str = "red") -> Image.Image:
    """256x256 pixels of what `plan` says."""
    things = (Thing("star", star, 68, 160, 96), Thing("circle", "blue", 188, 96, 80))
    return render(Scene(256, 256, things))


def record(seed: int = 3, *, of: Plan | None = None, model: str = "toybox") -> Record:
    settings = GenerationSettings(
        seed=seed,
        width=256,
        height=256,
        num_inference_steps=20,
        guidance_scale=4.0,
        composer="latent",
        base_ratio=0.0,
    )
    return Record(plan=of or plan(), settings=settings, model=model, scale=3)


def session(sessions: Sessions, title: str = "", *, star: str = "red") -> Session:
    """One turn: a star and a circle, as planned or not."""
    kept = sessions.create(title)
    kept.add(picture(star), record(), parent=None)
    return kept


def saved(path: Path, *, model: str = "toybox") -> Path:
    """A file as the page gives it out: enlarged, with all its metadata."""
    return metadata.save(picture(), path, record(model=model))


def colours(kept: Session, turn: int) -> dict[str | None, str | None]:
    """What stands in a turn's picture: things and their colours."""
    return {one.name: one.colour for one in detect(kept.image(turn))}
