"""The regions of one or several plans, as a denoiser takes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional as F

from rpg.diffusion.masks import BlendWeights, coefficients, region_weights, wanted
from rpg.diffusion.schedule import check_range
from rpg.plans.plan import Plan, Region

__all__ = ["PlanRegions", "RegionalLayout"]

DEFAULT_BASE_RATIO = 0.2  # figure 3 of the paper


@dataclass(frozen=True)
class PlanRegions:
    """The regions of one plan.

    Attributes:
        regions: in painting order, the lowest first.
        base_ratios: weight b of the base prompt in each, 0 to 1.
        negatives: what each region is not to show, with its plan's; empty where it adds nothing.
    """

    regions: tuple[Region, ...]
    base_ratios: tuple[float, ...]
    negatives: tuple[str, ...]

    @classmethod
    def of(cls, plan: Plan, base_ratio: float) -> PlanRegions:
        """A plan's, with `base_ratio` where neither region nor plan says one."""
        regions = plan.layers()
        ratios = [_first(region.base_ratio, plan.base_ratio, base_ratio) for region in regions]
        return cls(tuple(regions), tuple(ratios), tuple(_negative(plan, one) for one in regions))


@dataclass(frozen=True)
class RegionalLayout:
    """Where what is drawn. Several plans take equal shares of a batch's pictures, in their order.

    A region's index counts the regions of all plans.

    Attributes:
        plans: the regions of each plan.
        feather: width of the blend between regions as a share of the shorter side, 0 to 0.5.
        inpaint_mask: (h, w) of any size, above zero where the prediction counts; None: everywhere.
    """

    plans: tuple[PlanRegions, ...]
    feather: float = 0.0
    inpaint_mask: Tensor | None = None

    @classmethod
    def of(
        cls,
        plan: Plan | Sequence[Plan],
        *,
        base_ratio: float | None = None,
        feather: float = 0.0,
        inpaint_mask: Tensor | None = None,
    ) -> RegionalLayout:
        """The layout of a plan, or of several.

        Args:
            plan: one for every picture, or a plan for each.
            base_ratio: weight of the base prompt where neither region nor plan says one, 0 to 1;
                None is 0.2.
            feather: as in the class.
            inpaint_mask: as in the class.

        Raises:
            SettingsError: a number is out of its range.
        """
        base_ratio = DEFAULT_BASE_RATIO if base_ratio is None else base_ratio
        check_range("base_ratio", base_ratio)
        check_range("feather", feather, 0.5)
        plans = [plan] if isinstance(plan, Plan) else plan
        return cls(tuple(PlanRegions.of(one, base_ratio) for one in plans), feather, inpaint_mask)

    @property
    def count(self) -> int:
        """Regions of all plans."""
        return len(self.prompts)

    @property
    def prompts(self) -> list[str]:
        """The subprompts of all regions."""
        return [region.prompt for plan in self.plans for region in plan.regions]

    @property
    def negatives(self) -> list[str]:
        """The negatives of all regions; empty where a region has none of its own."""
        return [text for plan in self.plans for text in plan.negatives]

    def weights(self, height: int, width: int) -> list[Tensor]:
        """Of each plan (R + 1, h, w): how much of each cell is each region's; see `masks`."""
        return [region_weights(one.regions, height, width, self.feather) for one in self.plans]

    def blend(self, weights: Sequence[Tensor]) -> list[BlendWeights]:
        """Of each plan the shares in the blend, without what the inpainting mask leaves out."""
        plans = zip(weights, self.plans, strict=True)
        return [self._counting(coefficients(one, plan.base_ratios)) for one, plan in plans]

    def _counting(self, blend: BlendWeights) -> BlendWeights:
        if self.inpaint_mask is None:
            return blend
        mask = self.inpaint_mask[None, None].float()
        cells = F.adaptive_max_pool2d(mask, blend.base.shape)[0, 0] > 0
        return wanted(blend, cells) if cells.any() else blend


def _first(*values: float | None) -> float:
    return next(value for value in values if value is not None)


def _negative(plan: Plan, region: Region) -> str:
    """What a region adds to the plan's negative; empty where it adds nothing."""
    return ", ".join(filter(None, (plan.negative, region.negative))) if region.negative else ""
