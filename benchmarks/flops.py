"""What regions cost, counted: SDXL's real UNet on meta tensors, regional against plain.

`python -m benchmarks.flops [--json]`. One FLOP is half a multiply-add; an image is 30 steps with
guidance at 1024 x 1024 pixels. The first regional step computes the keys and values of every text,
the later ones find them, so one step of each is counted.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cache
from types import SimpleNamespace
from typing import Annotated, Any

import diffusers
import torch
import typer
from rich.console import Console
from rich.table import Table
from torch.utils.flop_counter import FlopCounterMode

from benchmarks import sdxl
from rpg.diffusion import regional
from rpg.plans.geometry import Box, grid
from rpg.plans.plan import Plan, Region

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
def count(composer: str, boxes: tuple[Box, ...], base_ratio: float) -> Row:
    """Count the first two steps of an image with a region in each box."""
    pipe = _pipe()
    regions = tuple(Region(id=str(i), prompt=f"thing {i}", box=box) for i, box in enumerate(boxes))
    plan = Plan(prompt="a scene", regions=regions)
    with regional(pipe, plan, composer=composer, base_ratio=base_ratio):  # type: ignore[arg-type]
        text, _, pooled, _ = pipe.encode_prompt(prompt=["no", "a scene"])
        first, later = (_step(pipe, text, pooled) for _ in range(2))
    image = first + (STEPS - 1) * later
    return Row(composer, len(boxes), base_ratio, first, later, image, image / (STEPS * plain()) - 1)


@cache
def plain() -> float:
    """TFLOP of a step without regions."""
    pipe = _pipe()
    text, _, pooled, _ = pipe.encode_prompt(prompt=["no", "a scene"])
    return _step(pipe, text, pooled)


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
def _pipe() -> Any:
    """What `regional` needs of a pipeline, around the UNet, without storage for a single number."""
    library: Any = diffusers
    with torch.device("meta"):
        unet = library.UNet2DConditionModel(**sdxl.UNET).eval()
    return SimpleNamespace(
        unet=unet,
        config={},
        vae_scale_factor=8,
        do_classifier_free_guidance=True,
        _num_timesteps=STEPS,
        tokenizer=_Tokenizer(),
        encode_prompt=_encode_prompt,
    )


class _Tokenizer:
    """A word is a token; none is too many."""

    model_max_length = sdxl.TOKENS
    added_tokens_encoder: dict[str, int] = {}
    all_special_tokens: tuple[str, ...] = ()

    def __call__(self, text: str, *, verbose: bool) -> SimpleNamespace:
        return SimpleNamespace(input_ids=text.split())


def _encode_prompt(
    prompt: list[str],
    device: Any = None,
    num_images_per_prompt: int = 1,
    do_classifier_free_guidance: bool = False,
    negative_prompt: str | None = None,
    lora_scale: float | None = None,
    clip_skip: int | None = None,
) -> tuple[torch.Tensor, None, torch.Tensor, None]:
    """Embeddings in the shape that SDXL's encoders give."""
    states = torch.empty(len(prompt), sdxl.TOKENS, sdxl.WIDTH, device="meta")
    return states, None, torch.empty(len(prompt), sdxl.POOLED, device="meta"), None


@torch.no_grad()
def _step(pipe: Any, text: torch.Tensor, pooled: torch.Tensor) -> float:
    """TFLOP of a UNet call with guidance."""
    sample = torch.empty(2, 4, sdxl.CELLS, sdxl.CELLS, device="meta")
    added = {"text_embeds": pooled, "time_ids": torch.empty(2, 6, device="meta")}
    timestep = torch.empty((), device="meta")
    with FlopCounterMode(display=False) as counter:
        pipe.unet(sample, timestep, text, added_cond_kwargs=added, return_dict=False)
    return float(counter.get_total_flops()) / 1e12


if __name__ == "__main__":
    typer.run(main)
