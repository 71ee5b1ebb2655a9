"""The ways of drawing that are compared, as data: all on the same weights, seeds, steps, canvas."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

from benchmarks.suite.truth import Item
from rpg.defaults import ModelDefaults
from rpg.planners import RulePlanner
from rpg.plans.plan import Plan
from rpg.settings import COMPOSERS, Composer

__all__ = ["LOOP", "PLAIN", "Variant", "Method", "ablations", "variants", "canvas", "plan_of"]

PLAIN, LOOP = "plain", "loop"
MENDED, PUBLISHED = "official, mended", "official, as published"
ROUNDS = 4  # of the loop
OFFICIAL_RATIO = 0.2  # the base ratio of the paper's figure
PUBLISHED_RATIO = 0.5  # of the published code's RPG.py
_RATIOS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
_SPANS = ((0.0, 0.25), (0.0, 0.5), (0.0, 0.75), (0.25, 1.0), (0.5, 1.0))
_FEATHERS = (0.1, 0.2, 0.4)
_SHARES = (0.2, 0.4, 0.6, 0.8)


@dataclass(frozen=True)
class Method:
    """What, beside prompt and seed, decides about a picture; fields as in `regional`.

    Attributes:
        scheme: "plain" is the stock pipeline, "official" the published code's scheme, "rpg" ours,
            "loop" goes on from the picture of "rpg" with the same fields.
        plan: "rules" is the rule planner's; "truth" the prompt's own layout; "bare" the rule
            planner's with subprompts that do not name the scene.
        last_pooled: See `benchmarks.suite.official`.
        rounds: Of the loop.
    """

    scheme: Literal["plain", "official", "rpg", "loop"]
    plan: Literal["rules", "truth", "bare"] = "rules"
    composer: Composer = "latent"
    base_ratio: float = 0.0
    start: float = 0.0
    end: float = 1.0
    feather: float = 0.0
    share: float = 0.0
    window: int = 0
    last_pooled: bool = False
    rounds: int = 0

    @property
    def first(self) -> Method:
        """What a loop begins with."""
        return replace(self, scheme="rpg", rounds=0)


@dataclass(frozen=True)
class Variant:
    """One column of the tables.

    Attributes:
        method: How its pictures are drawn.
        loop: Where given, the best of as many pictures is shown, from seed upwards, as take no
            fewer UNet evaluations than this loop took; the critic chooses.
    """

    method: Method
    loop: Method | None = None


def variants(defaults: ModelDefaults) -> dict[str, Variant]:
    """The variants by name, the plain pipeline first; ours as the model's own defaults say."""
    ours = _ours(defaults)
    loop = replace(ours, scheme="loop", rounds=ROUNDS)
    plain = Method("plain")
    composers: dict[str, Variant] = {
        name: Variant(_composed(ours, name, defaults)) for name in COMPOSERS[::-1]
    }
    return {
        PLAIN: Variant(plain),
        MENDED: Variant(Method("official", base_ratio=OFFICIAL_RATIO)),
        PUBLISHED: Variant(Method("official", base_ratio=PUBLISHED_RATIO, last_pooled=True)),
        **composers,
        LOOP: Variant(loop),
        "best of N, plain": Variant(plain, loop),
        "best of N, ours": Variant(ours, loop),
    }


def ablations(defaults: ModelDefaults) -> dict[str, dict[str, Variant]]:
    """For every ablation its points by label; one of them is always the default."""
    ours = _ours(defaults)
    attention, mixed = (
        _composed(ours, name, defaults) for name in ("attention", "latent+attention")
    )
    ratios = {
        f"base ratio, {name}": {
            f"{b:g}": replace(_composed(ours, name, defaults), base_ratio=b) for b in _RATIOS
        }
        for name in ("latent", "attention")
    }
    spans = {f"{a:g} to {b:g}": replace(ours, start=a, end=b) for a, b in _SPANS}
    pooled = Method("official", base_ratio=OFFICIAL_RATIO, last_pooled=True)
    found: Mapping[str, Mapping[str, Method]] = {
        **ratios,
        "steps in which regions act": {"0 to 1": ours, **spans},
        "feather": {"0": ours, **{f"{f:g}": replace(ours, feather=f) for f in _FEATHERS}},
        "share of latents, latent+attention": {
            f"{share:g}": replace(mixed, share=share) for share in _SHARES
        },
        "plan": {
            "rules": ours,
            "rules, scene not in subprompts": replace(ours, plan="bare"),
            "ground truth": replace(ours, plan="truth"),
        },
        "official scheme": {
            "as described": replace(pooled, last_pooled=False),
            "with the last region's pooled embedding": pooled,
            "our attention composer, same base ratio": replace(
                attention, base_ratio=OFFICIAL_RATIO
            ),
        },
    }
    return {name: {label: Variant(one) for label, one in of.items()} for name, of in found.items()}


def _ours(defaults: ModelDefaults) -> Method:
    return _composed(Method("rpg"), defaults.composer, defaults)


def _composed(method: Method, composer: Composer, defaults: ModelDefaults) -> Method:
    return replace(
        method,
        scheme="rpg",
        composer=composer,
        base_ratio=defaults.base_ratio,
        feather=defaults.feather,
        window=defaults.window,
        share=defaults.share if composer == "latent+attention" else 0.0,
    )


def plan_of(item: Item, method: Method) -> Plan:
    """The regions that a method draws; the plain pipeline none."""
    if method.scheme == "plain":
        return Plan(prompt=item.prompt)
    if method.plan == "truth":
        return item.plan()
    plan = _planned(item.prompt)
    return _bare(plan) if method.plan == "bare" and item.scene else plan


@cache
def _planned(prompt: str) -> Plan:
    return RulePlanner().plan(prompt)


def _bare(plan: Plan) -> Plan:
    """The plan whose regions are not told the setting."""
    scene = plan.scene.model_copy(update={"setting": ""})
    return plan.model_copy(update={"scene": scene})


def canvas(item: Item, defaults: ModelDefaults) -> tuple[int, int]:
    """Width and height for a prompt, the same for all methods: enough for either plan's cells."""
    planned = [region.box for region in _planned(item.prompt).layers()]
    sizes = [defaults.canvas(planned), defaults.canvas(box for _, box in item.layout)]
    return max(width for width, _ in sizes), max(height for _, height in sizes)
