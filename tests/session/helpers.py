"""Little pictures, records and critiques to fill sessions with."""

from __future__ import annotations

import numpy as np
from PIL import Image

from rpg.critique import Check, Critique, Finding
from rpg.metadata import Record
from rpg.plans.edits import ModifyRegion
from rpg.plans.geometry import Box
from rpg.plans.plan import Plan, Region
from rpg.session import Session, Turn
from rpg.settings import GenerationSettings

SIZE = (16, 8)
EDIT = ModifyRegion(id="star", prompt="a blue star")


def picture(number: int) -> Image.Image:
    """One that tells its number."""
    image = Image.new("RGB", SIZE, (number % 256, number // 256 % 256, 7))
    image.putpixel((number % SIZE[0], 0), (255, 255, 255))
    return image


def same(one: Image.Image | None, other: Image.Image) -> bool:
    """Whether two pictures are of one kind and the same in every pixel."""
    alike = one is not None and (one.mode, one.size) == (other.mode, other.size)
    return alike and np.array_equal(np.asarray(one), np.asarray(other))


def mask() -> Image.Image:
    image = Image.new("L", SIZE, 0)
    image.paste(255, (0, 0, 8, 8))
    return image


def plan(words: str = "a red star") -> Plan:
    return Plan(
        prompt="a star\nat night",
        regions=(Region(id="star", prompt=words, box=Box(0.1, 0.2, 0.7, 1 / 3)),),
    )


def record(seed: int = 1, words: str = "a red star", *, task: str = "text2img") -> Record:
    settings = GenerationSettings(seed=seed, width=SIZE[0], height=SIZE[1], guidance_scale=1 / 3)
    needs = () if task == "text2img" else ("image", "mask_image")
    return Record.model_validate(
        {
            "plan": plan(words),
            "settings": settings,
            "model": "little",
            "task": task,
            "needs": needs,
            "scale": 4,
        }
    )


def critique(star: float, moon: float = 1.0) -> Critique:
    findings = tuple(
        Finding(check=Check(id=name, kind="presence", says=f"there is a {name}"), score=score)
        for name, score in (("star", star), ("moon", moon))
    )
    return Critique(score=(star + moon) / 2, findings=findings)


def drawn(session: Session, number: int, parent: int | None) -> Turn:
    """A turn with a picture of its own."""
    return session.add(picture(number), record(number), parent=parent).turn


def edited(session: Session, number: int, parent: int) -> Turn:
    """A turn that was an edit of its parent."""
    return session.add(
        picture(number),
        record(number, "a blue star", task="inpaint"),
        parent=parent,
        edits=(EDIT,),
        instruction="make it blue",
        mask=mask(),
    ).turn
