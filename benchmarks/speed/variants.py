"""What is compared: ways to draw the same plan, each a context around the same pipeline."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Literal

from benchmarks.suite.official import official
from rpg.diffusion import regional
from rpg.errors import SettingsError
from rpg.plans.geometry import grid
from rpg.plans.plan import Plan, Region
from rpg.settings import Composer

__all__ = ["AGAIN", "VARIANTS", "PLAIN", "SHARE", "Variant", "plan_of"]

PLAIN, AGAIN = "plain", "plain again"
SHARE = 0.4  # of the steps, by latents, in "latent+attention"
_RATIO = 0.2  # figure 3 of the paper
_GRIDS = {1: (1, 1), 2: (1, 2), 4: (2, 2), 6: (2, 3), 8: (2, 4), 9: (3, 3), 16: (4, 4)}
_COLOURS = ("red", "blue", "green", "yellow")
_THINGS = ("cat", "house", "tree", "fish")


@dataclass(frozen=True)
class Variant:
    """A way to draw; numbers and composer as in `regional`.

    Attributes:
        name: In the report.
        scheme: "plain" is the stock pipeline, "official" the published code's scheme.
    """

    name: str
    scheme: Literal["plain", "official", "ours"]
    composer: Composer = "attention"
    base_ratio: float = 0.0
    share: float = SHARE
    window: int = 0

    def on(self, pipe: Any, plan: Plan) -> AbstractContextManager[Any]:
        """The context in which the pipeline's calls draw this way."""
        if self.scheme == "plain":
            return nullcontext()
        if self.scheme == "official":
            return official(pipe, plan, base_ratio=self.base_ratio)
        words = {"composer": self.composer, "base_ratio": self.base_ratio, "window": self.window}
        return regional(pipe, plan, share=self.share, feather=0.0, **words)


VARIANTS = (
    Variant(PLAIN, "plain"),
    Variant(AGAIN, "plain"),
    Variant("official", "official", base_ratio=_RATIO),
    Variant("attention", "ours", "attention", _RATIO),
    Variant("latent", "ours", "latent"),
    Variant("latent+attention", "ours", "latent+attention"),
    Variant("windows", "ours", "latent+attention", 0.3, 0.1, 768),
)


def plan_of(count: int) -> Plan:
    """So many regions that tile the canvas, a thing in each.

    Raises:
        SettingsError: There is no grid of so many here.
    """
    if count not in _GRIDS:
        raise SettingsError(f"--regions {count}: one of {', '.join(map(str, _GRIDS))}")
    things = [f"a {_COLOURS[i % 4]} {_THINGS[i // 4 % 4]}" for i in range(count)]
    regions = tuple(
        Region(id=f"r{i}", prompt=thing, box=box)
        for i, (thing, box) in enumerate(zip(things, grid(*_GRIDS[count]), strict=True))
    )
    return Plan(prompt=", ".join(things), regions=regions)
