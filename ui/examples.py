"""Prompts to begin with, in words that the model knows."""

from __future__ import annotations

__all__ = ["RICH", "TOYBOX", "examples"]

TOYBOX = (
    "a red house, a green tree and a striped orange cat in the meadow",
    "a yellow moon at night, a purple house below it",
    "a checkered teal fish, a dotted pink bird and a blue boat in a row, at sea",
    "two green trees next to a big red mushroom in the snow",
)
RICH = (
    "A red fox asleep on the left, an old lighthouse on the right, a full moon above the sea",
    "A glass teapot on a wooden table, a blue cup to its left, three lemons to its right, morning",
    "An astronaut beside a white horse in a field of poppies, snow-capped mountains behind them",
    "A street market at dusk: a fruit stall on the left, a musician on the right, paper lanterns "
    "above",
)


def examples(model: str) -> tuple[str, ...]:
    """Those for a model, by the name that `RPGPipeline.model` gives."""
    return TOYBOX if model == "toybox" else RICH
