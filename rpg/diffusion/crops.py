"""Crops of the latents: where each region is denoised, and how the canvas's tensors are cut."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from rpg.diffusion.embeds import TextSelection
from rpg.diffusion.masks import BlendWeights
from rpg.diffusion.state import RegionalState, Size

__all__ = ["Crop", "CropBatch", "crop_batches"]


@dataclass(frozen=True)
class Crop:
    """Rows y0:y1 and columns x0:x1 of the latents in which `region` is denoised.

    `region` counts the regions of its own plan.
    """

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
        """Cut (..., h, w), the whole `height` x `width` canvas at its own or a coarser level."""
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


@dataclass(frozen=True)
class Piece:
    """A crop of every picture of one plan.

    Attributes:
        crop: where.
        region: its region's index among those of all plans.
        pictures: which, of a half.
        share: (h, w), the region's share in the crop.
    """

    crop: Crop
    region: int
    pictures: slice
    share: Tensor


@dataclass(frozen=True, eq=False)
class CropBatch:
    """Equal crops of every picture, as one batch: its rows are branches x pieces x pictures.

    Attributes:
        pieces: one a region, crops all of one size, each of equally many pictures.
        branches: predictions for each picture.
        pictures: how many are drawn at once.
        canvas: height and width of the whole in latent cells.
        samples: (rows,), the row of the whole batch that each row is a crop of.
        selection: the texts that each row attends to.
    """

    pieces: tuple[Piece, ...]
    branches: int
    pictures: int
    canvas: Size
    samples: Tensor
    selection: TextSelection

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the crops in latent cells."""
        return self.pieces[0].crop.size

    def cut(self, full: Tensor) -> Tensor:
        """(B, C, h, w) at the canvas's own or a coarser level -> (rows, C, h', w')."""
        return self._stacked(full, lambda crop, some: crop.of(some, *self.canvas))

    def cut_picture(self, full: Tensor, scale: int) -> Tensor:
        """(1, n, h, w), one for all rows, of any resolution -> (rows, n, scale h', scale w')."""

        def cut(crop: Crop, some: Tensor) -> Tensor:
            return crop.of_picture(full, *self.canvas, scale).expand(*some.shape[:2], -1, -1, -1)

        return self._stacked(full.expand(self.branches * self.pictures, -1, -1, -1), cut)

    def rows(self, value: Any) -> Any:
        """What is given for each row of the whole batch, for each crop; anything else as it is."""
        whole = self.branches * self.pictures
        if isinstance(value, Tensor) and value.ndim and len(value) == whole:
            return value[self.samples]
        return value

    def put(self, predicted: Tensor, blended: Tensor) -> None:
        """Add predictions (rows, c, h', w') in the regions' shares to `blended` (B, c, H, W)."""
        found = predicted.view(self.branches, len(self.pieces), -1, *predicted.shape[1:])
        whole = blended.view(self.branches, self.pictures, *blended.shape[1:])
        for index, piece in enumerate(self.pieces):
            crop = piece.crop
            place = whole[:, piece.pictures, :, crop.y0 : crop.y1, crop.x0 : crop.x1]
            place += found[:, index] * piece.share.to(found)

    def _stacked(self, full: Tensor, cut: Callable[[Crop, Tensor], Tensor]) -> Tensor:
        apart = full.reshape(self.branches, self.pictures, *full.shape[1:])
        cuts = [cut(piece.crop, apart[:, piece.pictures]) for piece in self.pieces]
        return torch.stack(cuts, dim=1).flatten(0, 2)


def crop_batches(state: RegionalState, multiple: int, device: torch.device) -> list[CropBatch]:
    """The crops of a UNet call, kept for the next step.

    Args:
        state: layouts and texts.
        multiple: what the sides of a crop are a multiple of, in latent cells, where the canvas is.
        device: where the tensors are wanted.
    """
    key = ("crops", state.bank.text.shape[1], device)
    return state.kept(key, lambda: list(_batches(state, multiple, device)))


def _batches(state: RegionalState, multiple: int, device: torch.device) -> Iterator[CropBatch]:
    assert state.embeds is not None
    least = state.bank.text.shape[1]  # the unconditional branch brings the call's own length
    alike: dict[tuple[int, int, int], list[Piece]] = {}
    for layout, first, pictures in state.shares:
        for crop in _crops(layout, multiple):
            region = first + crop.region
            length = max(state.embeds.lengths[region], least)
            share = layout.regions[crop.region, crop.y0 : crop.y1, crop.x0 : crop.x1].to(device)
            piece = Piece(crop, region, pictures, share)
            alike.setdefault((*crop.size, length), []).append(piece)
    for (_, _, length), pieces in alike.items():
        yield _batch(state, pieces, length, device)


def _batch(
    state: RegionalState, pieces: list[Piece], length: int, device: torch.device
) -> CropBatch:
    branches, pictures = len(state.branches), state.pictures
    rows = torch.arange(branches * pictures).view(branches, pictures)
    samples = torch.stack([rows[:, piece.pictures] for piece in pieces], dim=1)
    regions = torch.tensor([piece.region for piece in pieces])[:, None].expand_as(samples)
    return CropBatch(
        pieces=tuple(pieces),
        branches=branches,
        pictures=pictures,
        canvas=state.size,
        samples=samples.flatten().to(device),
        selection=TextSelection(
            _texts(state, regions, samples).to(device), length, regions.flatten().to(device)
        ),
    )


def _texts(state: RegionalState, regions: Tensor, samples: Tensor) -> Tensor:
    """(rows,), rows of the bank: the call's first, then the regions', then their negatives.

    Args:
        state: layouts and texts.
        regions: (branches, pieces, pictures of each), the crops' regions.
        samples: likewise the call's rows that they are crops of.
    """
    assert state.embeds is not None
    total = len(state.branches) * state.pictures
    regions = regions[0]
    own = torch.tensor(state.embeds.own_negative)[regions]
    prompts, negatives = total + regions, total + state.layout.count + regions
    found = [
        prompts if branch == "cond" else torch.where(own, negatives, rows)
        for branch, rows in zip(state.branches, samples, strict=True)
    ]
    return torch.cat([rows.flatten() for rows in found])


def _crops(layout: BlendWeights, multiple: int) -> list[Crop]:
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
