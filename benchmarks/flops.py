"""What regions cost, counted: SDXL's real UNet on meta tensors, regional against plain.

`python -m benchmarks.flops [--json]`. One FLOP is half a multiply-add; an image is 30 steps with
guidance at 1024 x 1024 pixels. The first regional step computes the keys and values of every text,
the later ones find them, so one step of each is counted.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cache
from typing import Annotated, Any

import diffusers
import torch
import typer
from rich.console import Console
from rich.table import Table
from torch.utils.flop_counter import FlopCounterMode

from benchmarks import sdxl
from rpg.diffusion.backbones.unet import UNet
from rpg.diffusion.denoiser import RegionalDenoiser
from rpg.diffusion.embeds import RegionalPromptEmbeds
from rpg.diffusion.layout import RegionalLayout
from rpg.diffusion.schedule import Composer, Schedule
from rpg.plans.geometry import Box, grid
from rpg.plans.plan import Plan, Region
from rpg.plans.scene import Scene

STEPS = 30
COUNTS = (1, 2, 4, 8, 16)
GRIDS = ((1, 1), (1, 2), (2, 2), (2, 4), (4, 4))


@dataclass(frozen=True, slots=True)
class Row:
    """The cost of one plan under one composer.

    Attributes:
        composer: of `regional`.
        regions: how many.
        base_ratio: b.
        first: TFLOP of the first step.
        later: TFLOP of every later one.
        image: TFLOP of an image's UNet calls.
        extra: share by which that is above the plain pipeline's.
    """

    composer: str
    regions: int
    base_ratio: float
    first: float
    later: float
    image: float
    extra: float


@cache
def count(
    composer: Composer,
    boxes: tuple[Box, ...],
    base_ratio: float,
    setting: str = "",
    share: float = 0.0,
    window: int = 0,
) -> Row:
    """Count an image with a region in each box, by the first two steps of each way of composing.

    Args:
        composer: of `regional`.
        boxes: of the regions.
        base_ratio: b.
        setting: what is left over is told.
        share: of latents, for "latent+attention".
        window: of latents, in pixels.
    """
    regions = tuple(Region(id=str(i), prompt=f"thing {i}", box=box) for i, box in enumerate(boxes))
    plan = Plan(prompt="a scene", regions=regions, scene=Scene(setting=setting))
    layout = RegionalLayout.of(plan, base_ratio=base_ratio, window=window // sdxl.SCALE)
    embeds = RegionalPromptEmbeds.of(*_texts(layout.count))
    schedule = Schedule(composer, latent_fraction=share)
    modes = [schedule.mode(at, STEPS) for at in range(STEPS)]
    costs: list[float] = []
    with RegionalDenoiser(_backbone(), layout, embeds, schedule) as denoiser:
        for at, mode in enumerate(modes):
            known = at > 1 and modes[at - 2 : at] == [mode, mode]
            costs.append(costs[-1] if known else _step(denoiser, at))
    first, later, image = costs[0], costs[1], sum(costs)
    return Row(composer, len(boxes), base_ratio, first, later, image, image / (STEPS * plain()) - 1)


@cache
def plain() -> float:
    """TFLOP of a step without regions."""
    layout = RegionalLayout.of(Plan(prompt="a scene"))
    return _step(RegionalDenoiser(_backbone(), layout, None, Schedule()), 0)


def rows() -> list[Row]:
    """Attention at b = 0.2 for 1 to 16 regions, and latents at b = 0 for grids that tile."""
    attention = [count("attention", grid(1, n), 0.2) for n in COUNTS]
    return attention + [count("latent", grid(*size), 0.0) for size in GRIDS]


def main(as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False) -> None:
    """Print the table."""
    counted = rows()
    if as_json:
        typer.echo(json.dumps({"plain_step": plain(), "rows": [asdict(row) for row in counted]}))
        return
    table = Table(title=f"TFLOP on SDXL, 1024 x 1024, guidance; a plain step is {plain():.3f}")
    for heading in ("composer", "regions", "b", "first step", "later steps", "image"):
        table.add_column(heading, justify="right")
    for row in counted:
        table.add_row(
            row.composer,
            str(row.regions),
            str(row.base_ratio),
            f"{row.first:.3f}",
            f"{row.later:.3f}",
            f"{row.extra:+.2%}",
        )
    Console().print(table)


@cache
def _backbone() -> UNet:
    """SDXL's UNet, without storage for a single number."""
    library: Any = diffusers
    with torch.device("meta"):
        return UNet(library.UNet2DConditionModel(**sdxl.UNET).eval(), pixels_per_cell=sdxl.SCALE)


@cache
def _base() -> tuple[torch.Tensor, torch.Tensor]:
    """Of the negative and the base prompt: the same tensors in every step, as in a loop."""
    return _texts(2)


def _texts(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Embeddings of so many texts in the shapes that SDXL's encoders give."""
    states = torch.empty(count, sdxl.TOKENS, sdxl.WIDTH, device="meta")
    return states, torch.empty(count, sdxl.POOLED, device="meta")


@torch.no_grad()
def _step(denoiser: RegionalDenoiser, at: int) -> float:
    """TFLOP of a step with guidance."""
    sample = torch.empty(2, 4, sdxl.CELLS, sdxl.CELLS, device="meta")
    text, pooled = _base()
    added = {"text_embeds": pooled, "time_ids": torch.empty(2, 6, device="meta")}
    timestep = torch.empty((), device="meta")
    denoiser.at(at, STEPS)
    with FlopCounterMode(display=False) as counter:
        denoiser.predict(sample, timestep, "both", text, {"added_cond_kwargs": added})
    return float(counter.get_total_flops()) / 1e12


if __name__ == "__main__":
    typer.run(main)
