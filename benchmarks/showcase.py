"""The README's picture: one prompt and seed drawn plainly and with RPG, and the plan beside them.

`python -m benchmarks.showcase -o docs/images/demo.png`
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from PIL import Image

from rpg import Plan, RPGPipeline
from rpg.cli.demo import PROMPT, SEED
from rpg.pipeline import RPGOutput
from rpg.plans.overlay import draw_plan
from rpg.toybox import weights_path

_HEIGHT = 384
_GAP = 12


def main(
    output: Annotated[Path, typer.Option("--output", "-o", help="PNG file to write.")],
    prompt: Annotated[str, typer.Option(help="What to draw.")] = PROMPT,
    seed: Annotated[int, typer.Option(help="Seed of both pictures.")] = SEED,
) -> None:
    """Draw the prompt without and with its plan, from the same noise, side by side."""
    rpg = RPGPipeline.from_pretrained(weights_path())
    plan = rpg.plan(prompt)
    composed = _drawn(rpg, plan, seed)
    plain = _drawn(rpg, plan.model_copy(update={"regions": ()}), seed, size=composed.size)
    output.parent.mkdir(parents=True, exist_ok=True)
    pictures = (plain, composed, draw_plan(composed, plan))
    _row([_shown(picture) for picture in pictures]).save(output, optimize=True)


def _drawn(
    rpg: RPGPipeline, plan: Plan, seed: int, *, size: tuple[int, int] | None = None
) -> Image.Image:
    """One picture of the plan; the size is the model's choice where none is given."""
    width, height = size or (None, None)
    drawn = rpg(plan=plan, seed=seed, width=width, height=height)
    assert isinstance(drawn, RPGOutput)
    picture: Image.Image = drawn.images[0]
    return picture


def _shown(image: Image.Image) -> Image.Image:
    """Enlarged to the row's height."""
    width = round(image.width * _HEIGHT / image.height)
    return image.convert("RGB").resize((width, _HEIGHT), Image.Resampling.LANCZOS)


def _row(images: list[Image.Image]) -> Image.Image:
    """The pictures beside one another on white."""
    width = sum(image.width for image in images) + _GAP * (len(images) - 1)
    row = Image.new("RGB", (width, _HEIGHT), "white")
    left = 0
    for image in images:
        row.paste(image, (left, 0))
        left += image.width + _GAP
    return row


if __name__ == "__main__":
    typer.run(main)
