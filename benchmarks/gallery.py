"""The page of pictures: what Toybox makes of prompts with up to nine things.

`python -m benchmarks.gallery` writes `docs/gallery.md` and `docs/images/gallery`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.tools import tracked
from rpg.pipeline import RPGOutput, RPGPipeline
from rpg.plans.overlay import draw_plan
from rpg.toybox import weights_path

_HEAD = """# Gallery

What [Toybox](toybox.md), the model that is shipped here, makes of prompts with up to nine things,
by `rpg generate PROMPT --seed 1` and no other settings: the rule planner's plan, which stands on
the right, and the model's own steps and guidance. `python -m benchmarks.gallery` draws the page
again.
"""
_SEED = 1


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture of the page: its file's name, and what was asked for."""

    name: str
    prompt: str


PICTURES = (
    Shown(
        "meadow",
        "a red house between two green trees, a striped orange cat below them, in the meadow",
    ),
    Shown("night", "a yellow moon and a pink star above a red house and a teal boat, at night"),
    Shown(
        "sea",
        "a teal boat above a striped orange fish, a dotted pink fish and a checkered blue fish, "
        "at sea",
    ),
    Shown("snow", "a brown bird above a red cup and a dotted purple mushroom, in the snow"),
    Shown("desert", "two red cars and a checkered blue car in the desert"),
    Shown(
        "paper",
        "a striped green heart, a pink circle, a checkered orange diamond and a teal triangle",
    ),
    Shown(
        "row",
        "a purple flower, a yellow flower, a red flower and an orange flower above "
        "four green trees",
    ),
    Shown(
        "nine",
        "a red circle, an orange square, a yellow triangle, a green tree, a teal fish, "
        "a blue bird, a purple cat, a pink heart and a brown cup",
    ),
)


def main(
    docs: Annotated[Path, typer.Option(help="Folder of the page.")] = Path("docs"),
) -> None:
    """Draw the pictures and write the page around them."""
    folder = docs / "images" / "gallery"
    folder.mkdir(parents=True, exist_ok=True)
    rpg = RPGPipeline.from_pretrained(weights_path())
    rpg.pipe.set_progress_bar_config(disable=True)
    for shown in tracked(PICTURES, "pictures"):
        drawn = rpg(shown.prompt, seed=_SEED)
        assert isinstance(drawn, RPGOutput)
        image = drawn.images[0]
        image.save(folder / f"{shown.name}.png", optimize=True)
        draw_plan(image, drawn.plans[0]).save(folder / f"{shown.name}-plan.png", optimize=True)
    (docs / "gallery.md").write_text(page(PICTURES), "utf-8")


def page(pictures: Iterable[Shown]) -> str:
    """The page's Markdown."""
    parts = [_HEAD]
    for shown in pictures:
        files = (f"images/gallery/{shown.name}{end}.png" for end in ("", "-plan"))
        drawn, planned = (
            f"![{alt}]({file})" for alt, file in zip(("picture", "plan"), files, strict=True)
        )
        parts.append(f"\n*{shown.prompt}*\n\n{drawn} {planned}\n")
    return "".join(parts)


if __name__ == "__main__":
    typer.run(main)
