"""A planner, a quick call and a comparison for the tests of the pipeline."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

from rpg.pipeline import RPGOutput, RPGPipeline
from rpg.plans.geometry import grid
from rpg.plans.plan import Plan, Region

STEPS = 3
QUICK: dict[str, Any] = {"num_inference_steps": STEPS, "width": 32, "height": 32}
PROMPT = "a red star and a blue moon"


class HalvesPlanner:
    """A planner that gives each half of the prompt a column, and counts how often it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def plan(
        self, prompt: str, *, previous: Plan | None = None, instruction: str | None = None
    ) -> Plan:
        self.asked.append(prompt)
        return columns(prompt, prompt.split(" and "))


def columns(prompt: str, subprompts: list[str]) -> Plan:
    boxes = grid(1, len(subprompts))
    regions = [
        Region(id=f"r{i}", prompt=words, box=box)
        for i, (words, box) in enumerate(zip(subprompts, boxes, strict=True))
    ]
    return Plan(prompt=prompt, regions=tuple(regions), source="test")


def pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image).astype(int)


def same(one: Image.Image, other: Image.Image, tolerance: int = 0) -> bool:
    return one.size == other.size and int(np.abs(pixels(one) - pixels(other)).max()) <= tolerance


def called(rpg: RPGPipeline, *args: Any, **words: Any) -> RPGOutput:
    output = rpg(*args, **{**QUICK, **words})
    assert isinstance(output, RPGOutput)
    return output
