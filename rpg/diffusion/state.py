"""What one image knows while it is drawn: layout, texts, and where in the schedule it is."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any, Literal, TypeVar

import torch
from torch import Tensor

from rpg.diffusion.embeds import PromptBank, RegionalPromptEmbeds, TextSelection
from rpg.diffusion.layout import RegionalLayout
from rpg.diffusion.masks import BlendWeights, coefficients, to_level
from rpg.diffusion.region_images import RegionImage
from rpg.diffusion.schedule import CompositionMode, Schedule
from rpg.diffusion.token_layout import (
    TokenLayout,
    TokenPermutation,
    token_layout,
    token_permutation,
)

__all__ = ["Branch", "Branches", "RegionalState", "Size"]

Branch = Literal["cond", "uncond"]
Branches = tuple[Branch, ...]  # what the parts of a batch are; each has a row for each picture
Size = tuple[int, int]  # height and width
T = TypeVar("T")


class RegionalState:
    """Layouts, texts and progress, shared by a denoiser and the attention layers that it patches.

    Args:
        layout: the regions.
        schedule: what acts when.
        token_grid: from a canvas in latent cells and the tokens of an attention layer to the rows
            and columns that they stand in.
        attended_text: from texts (B, L, D) to what attention layers are given of them.
    """

    def __init__(
        self,
        layout: RegionalLayout,
        schedule: Schedule,
        token_grid: Callable[[Size, int], Size],
        attended_text: Callable[[Tensor], Tensor],
    ) -> None:
        """Know the layout; sizes and texts come with the calls."""
        self.layout, self.schedule = layout, schedule
        self._token_grid, self._attended_text = token_grid, attended_text
        self.mode = CompositionMode.PLAIN
        self.branches: Branches = ("cond",)
        self.pictures = 0  # of a branch
        self.embeds: RegionalPromptEmbeds | None = None
        self.images: Sequence[RegionImage] = ()
        self.selection: TextSelection | None = None  # set around a call on crops
        self.may_sort = True
        self.permutation: TokenPermutation | None = None  # set where tokens are sorted
        self.layers = 0  # cross-attention layers that are patched
        self.layers_run = 0  # of these, those that the last call of the model has reached
        self._progress = (0, 1)
        self._bank: PromptBank | None = None
        self._banks: dict[Branches, PromptBank] = {}
        self._used: set[Branches] = set()
        self._size: Size | None = None
        self._weights: list[Tensor] = []
        self._blends: list[BlendWeights] = []  # for latents
        self._carries_leftover = False  # the base pass of latents, in its cross-attention
        self._kept: dict[Hashable, Any] = {}

    def begin_image(self, embeds: RegionalPromptEmbeds, images: Sequence[RegionImage] = ()) -> None:
        """Forget the last image's texts and reference pictures."""
        before = self.embeds
        if (
            before is None
            or (embeds.lengths, embeds.own_negative) != (before.lengths, before.own_negative)
            or bool(images) != bool(self.images)
        ):
            self._kept = {}
        self.images = images
        self.embeds, self._bank, self._banks = embeds, None, {}
        self._progress, self._used = (0, 1), set()

    def at(self, step: int, steps: int) -> None:
        """Be at `step`, counted from 0, of `steps`."""
        if (step, steps) != self._progress:
            self._progress = (step, steps)
            self._banks = {key: self._banks[key] for key in self._used}
            self._used = set()

    def begin_call(
        self, sample: Tensor, branches: Branches, text: Tensor, *, may_sort: bool
    ) -> None:
        """Take note of a batch to predict, and choose its mode.

        Args:
            sample: (B, C, H, W), the branches one after another.
            branches: what they are.
            text: (B, L, D).
            may_sort: whether transformers may sort their tokens.
        """
        self.mode = CompositionMode.PLAIN
        if self.embeds is not None and self.layout.count:
            self.mode = self.schedule.mode(*self._progress)
        self.permutation, self.may_sort = None, may_sort
        if self.mode is not CompositionMode.PLAIN:
            self.branches, self.pictures = branches, len(sample) // len(branches)
            self._resize((sample.shape[-2], sample.shape[-1]))
            self._bank = self._bank_of(text)

    def end_call(self) -> None:
        """Let what is not a call of the denoiser be plain."""
        self.mode, self.permutation = CompositionMode.PLAIN, None

    @property
    def parts(self) -> Iterator[tuple[Branch, slice]]:
        """Each branch and its rows in the batch."""
        for index, branch in enumerate(self.branches):
            yield branch, slice(index * self.pictures, (index + 1) * self.pictures)

    @property
    def shares(self) -> Iterator[tuple[BlendWeights, int, slice]]:
        """Each plan's shares among latents, its first region's index, its pictures."""
        plans = self.layout.plans
        each, first = self.pictures // len(plans), 0
        for index, (blend, plan) in enumerate(zip(self._blends, plans, strict=True)):
            yield blend, first, slice(index * each, (index + 1) * each)
            first += len(plan.regions)

    @property
    def composes_base(self) -> bool:
        """Whether the pass over the whole canvas, among latents, hears more than the call's texts.

        It may carry what is left over, or in the place of windows the regions' own negatives.
        """
        assert self.embeds is not None
        return self._carries_leftover or (self.shares_negative and any(self.embeds.own_negative))

    @property
    def shares_negative(self) -> bool:
        """Whether windows have one negative prediction, the whole canvas's, which is cheaper.

        It does for early steps. In all of them, what a window's surroundings lack would be guided
        for and show as a patch. Not under perturbed attention, whose processors tell the branches
        by their places in a whole batch.
        """
        perturbed = self.branches.count("cond") > 1
        return self.layout.window > 0 and self.schedule.settles_later and not perturbed

    @property
    def passes_whole(self) -> bool:
        """Whether all branches are predicted for the whole canvas, among latents."""
        if any(blend.needs_base for blend in self._blends):
            return True
        negatives = self.shares_negative and any(one != "cond" for one in self.branches)
        return negatives and (self.composes_base or bool(self.images))

    @property
    def size(self) -> Size:
        """Of the canvas, in latent cells."""
        assert self._size is not None
        return self._size

    @property
    def bank(self) -> PromptBank:
        """The texts of the call."""
        assert self._bank is not None
        return self._bank

    def kept(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` gives, made once for a size, a batch and a kind of texts."""
        key = (key, self.pictures, self.branches)
        if key not in self._kept:
            self._kept[key] = make()
        value: T = self._kept[key]
        return value

    def spread(
        self, factors: tuple[float, ...], cells: int | Size, device: torch.device
    ) -> Tensor | None:
        """How strongly something of the regions' own acts in each cell of a layer.

        Base ratios do not count: what is added to a region's features is added once, whichever
        text they attend to.

        Args:
            factors: a number for each region of all plans.
            cells: of the layer: how many tokens, or its height and width.
            device: where the tensor is wanted.

        Returns:
            (B, cells), each region's factor by its share of the cell; (B, 1) for crops, whose rows
            are of one region each; None where nothing acts: in plain calls, and in latents' base
            pass, but for negatives that all regions share. Of tokens in the order that they are in.
        """
        if self.mode is CompositionMode.PLAIN:
            return None
        if self.selection is not None:
            values = self.kept(
                ("factors", factors, device), lambda: torch.tensor(factors, device=device)
            )
            return values[self.selection.regions, None]
        if self.mode is CompositionMode.LATENT and not self.shares_negative:
            return None
        size = self._token_grid(self.size, cells) if isinstance(cells, int) else cells
        found = self.kept(
            ("spread", self.mode, factors, size, device),
            lambda: self._spread(factors, size).to(device),
        )
        if self.permutation is None or not isinstance(cells, int):
            return found
        return self.permutation.sort(found[..., None])[..., 0]

    def token_layouts(
        self, tokens: int, device: torch.device, dtype: torch.dtype, *, negative: bool = False
    ) -> Sequence[tuple[slice, TokenLayout]]:
        """Each plan's pictures and its layout for an attention layer with so many tokens.

        Args:
            tokens: cells of the layer.
            device: where its tensors are.
            dtype: what they are of.
            negative: for the negatives, where a region without one of its own is the base's.
        """
        return self.kept(
            ("layouts", self.mode, tokens, device, dtype, negative),
            lambda: [
                (pictures, found.to(device, dtype))
                for pictures, found in self._token_layouts(tokens, negative)
            ],
        )

    def permutation_for(
        self, tokens: int, device: torch.device, dtype: torch.dtype
    ) -> TokenPermutation | None:
        """How a transformer with so many tokens sorts them; None where it does not."""

        def made() -> TokenPermutation | None:
            if self.embeds is None or any(self.embeds.own_negative):
                return None
            each = self.pictures // len(self.layout.plans)
            found = [one for _, one in self._token_layouts(tokens, False) for _ in range(each)]
            permutation = token_permutation(found, len(self.branches))
            return None if permutation is None else permutation.to(device, dtype)

        return self.kept(("permutation", tokens, device, dtype), made)

    def close(self) -> None:
        """Drop the texts and everything derived from them."""
        self.end_call()
        self.embeds = self._bank = self.selection = None
        self.images = ()
        self._kept, self._banks = {}, {}

    def _bank_of(self, text: Tensor) -> PromptBank:
        """The bank of these branches; those of the step before are kept, older ones are not."""
        bank = self._banks.get(self.branches)
        if bank is None or not bank.is_of(text):
            assert self.embeds is not None
            bank = PromptBank.of(text, self.embeds, self._attended_text)
            self._banks[self.branches] = bank
        self._used.add(self.branches)
        return bank

    def _resize(self, size: Size) -> None:
        if size != self._size:
            self._size, self._kept = size, {}
            self._weights = self.layout.weights(*size)
            blends = self.layout.blend(self._weights)
            carried = self.layout.carried_by_base(blends)
            self._carries_leftover = carried is not None
            self._blends = blends if carried is None else carried

    def _spread(self, factors: Sequence[float], size: Size) -> Tensor:
        """(B, h * w) of the whole canvas; among latents of the branches that are not cut."""
        rows, first = [], 0
        each = self.pictures // len(self._weights)
        for weights in self._weights:
            own = torch.tensor(factors[first : first + len(weights) - 1])
            row = torch.tensordot(own, to_level(weights, *size)[:-1], dims=1)
            rows += [row.flatten()] * each
            first += len(own)
        whole = torch.stack(rows)
        cut = [self.mode is CompositionMode.LATENT and one == "cond" for one in self.branches]
        return torch.cat([torch.zeros_like(whole) if one else whole for one in cut])

    def _token_layouts(self, tokens: int, negative: bool) -> Iterator[tuple[slice, TokenLayout]]:
        assert self._size is not None and self.embeds is not None
        height, width = self._token_grid(self._size, tokens)
        plans = zip(self.shares, self._weights, self.layout.plans, strict=True)
        for (_, first, pictures), weights, plan in plans:
            ratios: Sequence[float] = plan.base_ratios
            whole = negative and self.shares_negative
            if self.mode is CompositionMode.LATENT and not whole:  # crops have a text a row
                ratios = [float(index > 0 or not plan.leftover) for index in range(len(ratios))]
            if negative:
                owns = self.embeds.own_negative[first : first + len(ratios)]
                ratios = [b if own else 1.0 for b, own in zip(ratios, owns, strict=True)]
            blend = coefficients(to_level(weights, height, width), ratios)
            yield pictures, token_layout(blend, first, self.embeds.lengths)
