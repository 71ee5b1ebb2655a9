"""Crops of the latents: where each region is denoised, and how the canvas's tensors are cut.

A region's crop is its box as a canvas of its own, or a window: the box with so much around it that
the model draws well at that size (MultiDiffusion, arXiv 2302.08113, takes the whole canvas). A
window keeps the canvas's size conditioning, and the base prompt acts in its texts: in
cross-attention and the pooled embedding.
"""

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

_NO_REGION = -1  # of a batch of the whole canvas


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
        factor = 1
        while -(-height // factor) > full.shape[-2] or -(-width // factor) > full.shape[-1]:
            factor *= 2  # every downsampling halves, rounding up
        rows = slice(self.y0 // factor, -(-self.y1 // factor))
        columns = slice(self.x0 // factor, -(-self.x1 // factor))
        return full[..., rows, columns]

    def of_picture(self, full: Tensor, height: int, width: int, scale: int) -> Tensor:
        """Cut (B, C, h, w) of any resolution, and bring it to `scale` pixels a cell."""
        high, wide = full.shape[-2:]
        rows = slice(self.y0 * high // height, -(-self.y1 * high // height))
        columns = slice(self.x0 * wide // width, -(-self.x1 * wide // width))
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
        branches: which of the whole batch's parts, each with a row for every picture, are cut.
        parts: how many the whole batch has.
        pictures: how many are drawn at once.
        canvas: height and width of the whole in latent cells.
        samples: (rows,), the row of the whole batch that each row is a crop of.
        selection: the texts that each row attends to.
        apart: whether each crop is a canvas of its own, for the model's size conditioning.
    """

    pieces: tuple[Piece, ...]
    branches: tuple[int, ...]
    parts: int
    pictures: int
    canvas: Size
    samples: Tensor
    selection: TextSelection
    apart: bool = True

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

        return self._stacked(full.expand(self.parts * self.pictures, -1, -1, -1), cut)

    def rows(self, value: Any) -> Any:
        """What is given for each row of the whole batch, for each crop; anything else as it is."""
        whole = self.parts * self.pictures
        if isinstance(value, Tensor) and value.ndim and len(value) == whole:
            return value[self.samples]
        return value

    def put(self, predicted: Tensor, blended: Tensor) -> None:
        """Add predictions (rows, c, h', w') in the regions' shares to `blended` (B, c, H, W)."""
        found = predicted.view(len(self.branches), len(self.pieces), -1, *predicted.shape[1:])
        whole = blended.view(self.parts, self.pictures, *blended.shape[1:])
        for index, piece in enumerate(self.pieces):
            crop, share = piece.crop, piece.share.to(found)
            for number, branch in enumerate(self.branches):
                place = whole[branch, piece.pictures, :, crop.y0 : crop.y1, crop.x0 : crop.x1]
                place += found[number, index] * share

    def _stacked(self, full: Tensor, cut: Callable[[Crop, Tensor], Tensor]) -> Tensor:
        parts = full.reshape(self.parts, self.pictures, *full.shape[1:])
        if len(self.branches) < self.parts:
            parts = parts[list(self.branches)]
        cuts = [cut(piece.crop, parts[:, piece.pictures]) for piece in self.pieces]
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
    shared = state.shares_negative
    guided = tuple(i for i, branch in enumerate(state.branches) if branch == "cond" or not shared)
    least = state.bank.text.shape[1]  # the unconditional branch brings the call's own length
    alike: dict[tuple[int, int, int], list[Piece]] = {}
    for layout, first, pictures in state.shares:
        for crop in _crops(layout, multiple, state.layout.window):
            region = first + crop.region
            length = max(state.embeds.lengths[region], least)
            share = layout.regions[crop.region, crop.y0 : crop.y1, crop.x0 : crop.x1].to(device)
            piece = Piece(crop, region, pictures, share)
            alike.setdefault((*crop.size, length), []).append(piece)
    others = tuple(i for i in range(len(state.branches)) if i not in guided)
    if others and not state.passes_whole:
        whole = Crop(_NO_REGION, 0, state.size[0], 0, state.size[1])
        piece = Piece(
            whole, _NO_REGION, slice(0, state.pictures), torch.ones(state.size, device=device)
        )
        yield _batch(state, [piece], least, device, others)
    if guided:
        for (_, _, length), pieces in alike.items():
            yield _batch(state, pieces, length, device, guided)


def _batch(
    state: RegionalState,
    pieces: list[Piece],
    length: int,
    device: torch.device,
    branches: tuple[int, ...],
) -> CropBatch:
    parts, pictures = len(state.branches), state.pictures
    rows = torch.arange(parts * pictures).view(parts, pictures)[list(branches)]
    samples = torch.stack([rows[:, piece.pictures] for piece in pieces], dim=1)
    regions = _regions(pieces, samples)
    texts = _texts(state, regions, samples, branches)
    base = None
    of_regions = pieces[0].region != _NO_REGION  # else the call's own texts are heard already
    if state.layout.window and of_regions and any(ratios := state.layout.base_ratios):
        base = samples.flatten().to(device), torch.tensor(ratios)[regions].flatten().to(device)
    return CropBatch(
        pieces=tuple(pieces),
        branches=branches,
        parts=parts,
        pictures=pictures,
        canvas=state.size,
        samples=samples.flatten().to(device),
        selection=TextSelection(
            texts.to(device),
            length,
            regions.flatten().to(device),
            tuple(state.branches[index] for index in branches),
            base,
        ),
        apart=not state.layout.window,
    )


def _regions(pieces: list[Piece], samples: Tensor) -> Tensor:
    """Each row's region, among those of all plans; shaped as `samples`."""
    regions = torch.tensor([piece.region for piece in pieces])
    return regions[:, None].expand_as(samples[0]).expand_as(samples)


def _texts(
    state: RegionalState, regions: Tensor, samples: Tensor, branches: tuple[int, ...]
) -> Tensor:
    """(rows,), rows of the bank: the call's first, then the regions', then their negatives.

    Args:
        state: layouts and texts.
        regions: (branches, pieces, pictures of each), the crops' regions.
        samples: likewise the call's rows that they are crops of.
        branches: which of the call's they are.
    """
    assert state.embeds is not None
    total = len(state.branches) * state.pictures
    own = torch.tensor(state.embeds.own_negative)[regions]
    prompts, negatives = total + regions, total + state.layout.count + regions
    guided = torch.tensor([state.branches[i] == "cond" for i in branches]).view(-1, 1, 1)
    return torch.where(guided, prompts, torch.where(own, negatives, samples)).flatten()


def _crops(layout: BlendWeights, multiple: int, least: int = 0) -> list[Crop]:
    """A crop for each region that has a share, widened to the UNet's multiple.

    Args:
        layout: the shares.
        multiple: of the sides, in latent cells.
        least: cells that a side has at least, where the canvas has as many.
    """
    height, width = layout.base.shape
    found = []
    for region in range(len(layout.regions)):
        support = layout.support(region)
        if support is not None:
            y0, y1, x0, x1 = support
            rows = _widened(*_grown(y0, y1, height, least), height, multiple)
            found.append(
                Crop(region, *rows, *_widened(*_grown(x0, x1, width, least), width, multiple))
            )
    return found


def _grown(start: int, end: int, length: int, least: int) -> tuple[int, int]:
    """The span with at least so many cells, as much before it as after it while there is room."""
    missing = min(least, length) - (end - start)
    if missing <= 0:
        return start, end
    start = min(max(start - missing // 2, 0), length - (end - start) - missing)
    return start, start + min(least, length)


def _widened(start: int, end: int, length: int, multiple: int) -> tuple[int, int]:
    """The span grown to whole multiples; at the far edge it ends where the canvas does."""
    return start // multiple * multiple, min(-(-end // multiple) * multiple, length)
