"""The regions of one or several plans, as a denoiser takes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from rpg.diffusion.masks import BlendWeights, coefficients, region_weights, wanted
from rpg.diffusion.schedule import check_range
from rpg.plans.geometry import FULL
from rpg.plans.plan import Plan, Region
from rpg.plans.wording import worded

__all__ = ["PlanRegions", "RegionalLayout"]

DEFAULT_BASE_RATIO = 0.2  # figure 3 of the paper


@dataclass(frozen=True)
class PlanRegions:
    """The regions of one plan, and their texts.

    Attributes:
        regions: in painting order, the lowest first.
        prompts: what each is told; see `rpg.plans.wording`.
        base_ratios: weight b of the base prompt in each, 0 to 1.
        negatives: what each region is not to show, with its plan's; empty where it adds nothing.
        leftover: whether the lowest is what no region of the plan covers.
    """

    regions: tuple[Region, ...]
    prompts: tuple[str, ...]
    base_ratios: tuple[float, ...]
    negatives: tuple[str, ...]
    leftover: bool = False

    @classmethod
    def of(
        cls,
        plan: Plan,
        base_ratio: float | None = None,
        fits: Callable[[str], bool] | None = None,
        empty: str = "",
    ) -> PlanRegions:
        """A plan's; `base_ratio` goes before what it says itself, other words as in `worded`."""
        texts, regions = worded(plan, fits, empty=empty), plan.layers()
        ratios = [_first(base_ratio, one.base_ratio, plan.base_ratio) for one in regions]
        prompts, negatives = texts.regions, tuple(_negative(plan, one) for one in regions)
        if not texts.leftover:
            return cls(regions, prompts, tuple(ratios), negatives)
        rest = Region(id="leftover", prompt=texts.leftover, box=FULL)
        return cls(
            (rest, *regions), (rest.prompt, *prompts), (0.0, *ratios), ("", *negatives), True
        )


@dataclass(frozen=True)
class RegionalLayout:
    """Where what is drawn. Several plans take equal shares of a batch's pictures, in their order.

    A region's index counts the regions of all plans.

    Attributes:
        plans: the regions of each plan.
        feather: width of the blend between regions as a share of the shorter side, 0 to 0.5.
        inpaint_mask: (h, w) of any size, above zero where the prediction counts; None: everywhere.
        window: latent cells that a side of a region's crop has at least, among latents; its
            surroundings are in it, then. 0: the crop is the region's box, as a canvas of its own.
    """

    plans: tuple[PlanRegions, ...]
    feather: float = 0.0
    inpaint_mask: Tensor | None = None
    window: int = 0

    @classmethod
    def of(
        cls,
        plan: Plan | Sequence[Plan],
        *,
        base_ratio: float | None = None,
        feather: float = 0.0,
        inpaint_mask: Tensor | None = None,
        window: int = 0,
        fits: Callable[[str], bool] | None = None,
        empty: str = "",
    ) -> RegionalLayout:
        """The layout of a plan, or of several.

        Args:
            plan: one for every picture, or a plan for each.
            base_ratio: weight of the base prompt in every region, 0 to 1; None: what region or plan
                says, else 0.2.
            feather: as in the class.
            inpaint_mask: as in the class.
            window: as in the class.
            fits: whether the model reads a text at once; None: all are.
            empty: what is told of canvas that is left over by a scene without setting and style.

        Raises:
            SettingsError: a number is out of its range.
        """
        if base_ratio is not None:
            check_range("base_ratio", base_ratio)
        check_range("feather", feather, 0.5)
        plans = [plan] if isinstance(plan, Plan) else plan
        found = tuple(PlanRegions.of(one, base_ratio, fits, empty) for one in plans)
        return cls(found, feather, inpaint_mask, window)

    @property
    def count(self) -> int:
        """Regions of all plans."""
        return len(self.prompts)

    @property
    def prompts(self) -> list[str]:
        """What all regions are told."""
        return [text for plan in self.plans for text in plan.prompts]

    @property
    def base_ratios(self) -> list[float]:
        """Of all regions."""
        return [ratio for plan in self.plans for ratio in plan.base_ratios]

    @property
    def negatives(self) -> list[str]:
        """The negatives of all regions; empty where a region has none of its own."""
        return [text for plan in self.plans for text in plan.negatives]

    def weights(self, height: int, width: int) -> list[Tensor]:
        """Of each plan (R + 1, h, w): how much of each cell is each region's; see `masks`."""
        return [region_weights(one.regions, height, width, self.feather) for one in self.plans]

    def blend(self, weights: Sequence[Tensor]) -> list[BlendWeights]:
        """Of each plan the shares among latents, without what the inpainting mask leaves out.

        The base prompt has none in windows, where it acts in cross-attention.
        """
        pairs = zip(weights, self.plans, strict=True)
        return [
            self._counting(
                coefficients(one, [0.0] * len(plan.regions) if self.window else plan.base_ratios)
            )
            for one, plan in pairs
        ]

    def carried_by_base(self, blends: Sequence[BlendWeights]) -> list[BlendWeights] | None:
        """The shares with what is left over in the base's, where a base pass has to run anyhow.

        That pass then attends to the leftover's text in the leftover's cells, so that latent
        composition costs no second pass over the whole canvas. None: nothing changes.
        """
        needed = any(one.needs_base for one in blends)
        if self.window or not needed or not any(plan.leftover for plan in self.plans):
            return None
        pairs = zip(blends, self.plans, strict=True)
        return [_merged(one) if plan.leftover else one for one, plan in pairs]

    def _counting(self, blend: BlendWeights) -> BlendWeights:
        if self.inpaint_mask is None:
            return blend
        mask = self.inpaint_mask[None, None].float()
        cells = F.adaptive_max_pool2d(mask, blend.base.shape)[0, 0] > 0
        return wanted(blend, cells) if cells.any() else blend


def _merged(blend: BlendWeights) -> BlendWeights:
    """The share of the lowest region goes to the base."""
    rest = torch.zeros_like(blend.regions[:1])
    return BlendWeights(blend.base + blend.regions[0], torch.cat([rest, blend.regions[1:]]))


def _first(*values: float | None) -> float:
    return next((value for value in values if value is not None), DEFAULT_BASE_RATIO)


def _negative(plan: Plan, region: Region) -> str:
    """What a region adds to the plan's negative; empty where it adds nothing."""
    own = region.negative
    return ", ".join(filter(None, (plan.effective_negative, own))) if own else ""
