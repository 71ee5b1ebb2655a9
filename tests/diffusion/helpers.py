"""What the tests of regional diffusion share: plans, one way to draw, one way to compare."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from rpg.diffusion.masks import coefficients
from rpg.plans.geometry import FULL, Box
from rpg.plans.plan import Plan, Region
from rpg.plans.split_ratio import parse_split_ratio

BASE = "a scene"


def draw(pipe: Any, **words: Any) -> Tensor:
    """The final latents, (B, 4, h, w), of a short call."""
    asked: dict[str, Any] = {
        "prompt": BASE,
        "num_inference_steps": 2,
        "height": 64,
        "width": 64,
        "guidance_scale": 5.0,
        "generator": torch.Generator().manual_seed(0),
        "output_type": "latent",
    }
    latents: Tensor = pipe(**(asked | words)).images
    return latents


def noted_calls(pipe: Any) -> list[tuple[int, ...]]:
    """The sizes of every UNet call from now on: use a pipeline of your own."""
    calls: list[tuple[int, ...]] = []
    plain = pipe.unet.forward

    def noted(sample: Tensor, *args: Any, **words: Any) -> Any:
        calls.append(tuple(sample.shape))
        return plain(sample, *args, **words)

    pipe.unet.forward = noted
    return calls


def shares(base: Tensor, *regions: Tensor) -> Any:
    """The blend of these shares, (h, w) each."""
    return coefficients(torch.stack([*regions, base]), [0.0] * len(regions))


def plan_of(*regions: Region, **words: Any) -> Plan:
    return Plan(prompt=BASE, regions=regions, **words)


def whole(prompt: str = BASE, **words: Any) -> Plan:
    """One region over the whole canvas."""
    return plan_of(Region(id="all", prompt=prompt, box=FULL, **words))


def halves(left: str = "red star", right: str = "blue moon", **words: Any) -> Plan:
    return plan_of(
        Region(id="left", prompt=left, box=Box(0, 0, 0.5, 1)),
        Region(id="right", prompt=right, box=Box(0.5, 0, 1, 1)),
        **words,
    )


def split(ratio: str, **words: Any) -> Plan:
    """A region with words of its own in each cell of a split ratio."""
    things = ("red star", "blue moon", "green tree", "a cat", "old dog", "pink sea")
    regions = (
        Region(id=str(i), prompt=things[i % len(things)], box=box)
        for i, box in enumerate(parse_split_ratio(ratio))
    )
    return plan_of(*regions, **words)


def assert_close(one: Tensor, other: Tensor, tolerance: float = 1e-5) -> None:
    """Equal to `tolerance` of the largest value."""
    assert one.shape == other.shape
    scale = max(1.0, float(other.abs().max()))
    error = float((one - other).abs().max())
    assert error <= tolerance * scale, f"differ by {error:.2e} of {scale:.2e}"


def assert_differ(one: Tensor, other: Tensor) -> None:
    """Clearly different: what was changed has an effect."""
    assert float((one - other).abs().max()) > 1e-3
