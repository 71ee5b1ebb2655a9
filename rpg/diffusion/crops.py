"""Crops of the latents: where each region is denoised, and how the canvas's tensors are cut."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from rpg.diffusion.masks import Layout
from rpg.diffusion.state import Reading, State

__all__ = ["Crop", "Group", "groups"]


@dataclass(frozen=True)
class Crop:
    """Rows y0:y1 and columns x0:x1 of the latents in which `region` is denoised."""

    region: int
    y0: int
    y1: int
    x0: int
    x1: int

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in latent cells."""
        return self.y1 - self.y0, self.x1 - self.x0

    def of(self, full: Tensor, height: int, width: int) -> Tensor:
        """Cut (B, C, h, w), the whole `height` x `width` canvas at its own or a coarser level."""
        factor = max(round(height / full.shape[-2]), round(width / full.shape[-1]), 1)
        rows = slice(self.y0 // factor, -(-self.y1 // factor))
        columns = slice(self.x0 // factor, -(-self.x1 // factor))
        return full[..., rows, columns]

    def of_picture(self, full: Tensor, height: int, width: int, scale: int) -> Tensor:
        """Cut (B, C, h, w) of any resolution, and bring it to `scale` pixels a cell."""
        high, wide = full.shape[-2:]
        rows = slice(self.y0 * high // height, max(-(-self.y1 * high // height), 1))
        columns = slice(self.x0 * wide // width, max(-(-self.x1 * wide // width), 1))
        size = [side * scale for side in self.size]
        return F.interpolate(full[..., rows, columns], size, mode="bilinear", antialias=True)


@dataclass(frozen=True, eq=False)
class Group:
    """Equal crops of every picture, as one batch: its rows are halves x crops x pictures.

    Attributes:
        crops: one a region, all of one size.
        shares: (crops, h, w), each region's share in its crop.
        halves: 2 under guidance, the negative first; else 1.
        pictures: how many are drawn at once.
        samples: (rows,), the row of the whole batch that each row is a crop of.
        reading: the texts that each row attends to.
    """

    crops: tuple[Crop, ...]
    shares: Tensor
    halves: int
    pictures: int
    samples: Tensor
    reading: Reading

    def cut(self, full: Tensor, height: int, width: int) -> Tensor:
        """(B, C, h, w) -> (rows, C, h', w')."""
        return self._stacked([crop.of(full, height, width) for crop in self.crops])

    def cut_picture(self, full: Tensor, height: int, width: int, scale: int) -> Tensor:
        """(1, n, h, w), one for all rows -> (rows, n, h', w')."""
        cuts = [crop.of_picture(full, height, width, scale) for crop in self.crops]
        return self._stacked([cut.expand(self.halves * self.pictures, -1, -1, -1) for cut in cuts])

    def put(self, predicted: Tensor, blended: Tensor) -> None:
        """Add predictions (rows, c, h', w') in the regions' shares to `blended` (B, c, H, W)."""
        shape = (self.halves, len(self.crops), self.pictures)
        pieces = predicted.view(*shape, *predicted.shape[1:])
        for index, crop in enumerate(self.crops):
            piece = pieces[:, index].flatten(0, 1)  # (B, c, h', w')
            place = blended[:, :, crop.y0 : crop.y1, crop.x0 : crop.x1]
            place += piece * self.shares[index].to(piece)

    def _stacked(self, cuts: list[Tensor]) -> Tensor:
        stacked = torch.stack(cuts)  # (crops, B, ...)
        split = stacked.view(len(cuts), self.halves, self.pictures, *stacked.shape[2:])
        return split.transpose(0, 1).flatten(0, 2)


def groups(state: State, total: int, multiple: int, device: torch.device) -> list[Group]:
    """The crops of a UNet call with `total` rows, kept for the next step.

    Args:
        state: layouts and texts.
        total: rows of the call's batch.
        multiple: what the sides of a crop are a multiple of, in latent cells, where the canvas is.
        device: where the tensors are wanted.
    """
    key = ("crops", total, state.guided, state.bank.text.shape[1], device)
    return state.kept(key, lambda: list(_groups(state, total, multiple, device)))


def _groups(state: State, total: int, multiple: int, device: torch.device) -> list[Group]:
    assert state.texts is not None
    least = state.bank.text.shape[1]  # the negative half brings the call's own length
    alike: dict[tuple[int, int, int], list[Crop]] = {}
    for crop in _crops(state.layout, multiple):
        length = max(state.texts.lengths[crop.region], least)
        alike.setdefault((*crop.size, length), []).append(crop)
    return [
        _group(state, members, length, total, device) for (_, _, length), members in alike.items()
    ]


def _group(state: State, crops: list[Crop], length: int, total: int, device: torch.device) -> Group:
    halves = 2 if state.guided else 1
    pictures = total // halves
    rows = torch.arange(total).view(halves, 1, pictures).expand(-1, len(crops), -1)
    regions = state.layout.regions
    shares = [regions[crop.region, crop.y0 : crop.y1, crop.x0 : crop.x1] for crop in crops]
    return Group(
        crops=tuple(crops),
        shares=torch.stack(shares).to(device),
        halves=halves,
        pictures=pictures,
        samples=rows.flatten().to(device),
        reading=Reading(_texts(state, crops, total, pictures).to(device), length),
    )


def _texts(state: State, crops: list[Crop], total: int, pictures: int) -> Tensor:
    """(rows,), rows of the bank: the call's first, then the regions', then their negatives."""
    assert state.texts is not None
    regions = torch.tensor([crop.region for crop in crops])[:, None].expand(-1, pictures)
    guided = (total + regions).flatten()
    if not state.guided:
        return guided
    own = torch.tensor(state.texts.own_negative)[regions]
    unguided = torch.where(own, total + len(state.layers) + regions, torch.arange(pictures))
    return torch.cat([unguided.flatten(), guided])


def _crops(layout: Layout, multiple: int) -> list[Crop]:
    """A crop for each region that has a share, widened to the UNet's multiple."""
    height, width = layout.base.shape
    found = []
    for region in range(len(layout.regions)):
        support = layout.support(region)
        if support is not None:
            y0, y1, x0, x1 = support
            rows = _widened(y0, y1, height, multiple)
            found.append(Crop(region, *rows, *_widened(x0, x1, width, multiple)))
    return found


def _widened(start: int, end: int, length: int, multiple: int) -> tuple[int, int]:
    """The span grown to whole multiples; at the far edge it ends where the canvas does."""
    return start // multiple * multiple, min(-(-end // multiple) * multiple, length)
