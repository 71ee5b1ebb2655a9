"""Layouts brought to an attention layer: which tokens are whose, as index tensors.

Where no token is of several regions, tokens can be sorted by region, so that each region's are a
slice. Self-attention and feed-forward layers do not mind the order of tokens, so a transformer's
tokens are sorted once, at its entry, and put back at its exit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import torch
from torch import Tensor

from rpg.diffusion.masks import NEGLIGIBLE, BlendWeights

__all__ = [
    "TokenGroup",
    "TokenLayout",
    "TokenRun",
    "TokenSlice",
    "TokenPermutation",
    "token_layout",
    "token_permutation",
]


@dataclass(frozen=True)
class TokenGroup:
    """Regions with equally many tokens at one level and equally long texts: attended in one call.

    Attributes:
        regions: (G,), indices of the regions.
        length: tokens of their texts.
        tokens: (G, n), the tokens that each has a share of.
        shares: (G * n, 1), its share in each.
    """

    regions: Tensor
    length: int
    tokens: Tensor
    shares: Tensor

    def to(self, device: torch.device, dtype: torch.dtype) -> TokenGroup:
        """On a device, shares in a dtype."""
        regions, tokens = self.regions.to(device), self.tokens.to(device)
        return TokenGroup(regions, self.length, tokens, self.shares.to(device, dtype))


@dataclass(frozen=True)
class TokenLayout:
    """One plan's layout for one attention resolution.

    Attributes:
        base: (T, 1), the base prompt's share of each token.
        needs_base: whether any of it is above zero.
        groups: the regions.
        hard: whether no token is of several regions.
    """

    base: Tensor
    needs_base: bool
    groups: tuple[TokenGroup, ...]
    hard: bool

    def to(self, device: torch.device, dtype: torch.dtype) -> TokenLayout:
        """On a device, shares in a dtype."""
        groups = tuple(group.to(device, dtype) for group in self.groups)
        return TokenLayout(self.base.to(device, dtype), self.needs_base, groups, self.hard)

    @property
    def order(self) -> Tensor:
        """(T,), the tokens region after region, those of no region last."""
        free = torch.ones(len(self.base), dtype=torch.bool)
        laid = [group.tokens.flatten() for group in self.groups]
        for tokens in laid:
            free[tokens] = False
        return torch.cat([*laid, free.nonzero().flatten()])

    @property
    def form(self) -> tuple[tuple[int, int, int], ...]:
        """Regions, tokens of each, and length of their texts, of each group."""
        return tuple((*group.tokens.shape, group.length) for group in self.groups)


def token_layout(layout: BlendWeights, first: int, lengths: Sequence[int]) -> TokenLayout:
    """The layout's shares by token.

    Args:
        layout: one plan's, at this resolution.
        first: the index, among the regions of all plans, of this plan's first.
        lengths: tokens of every region's texts, of all plans.
    """
    alike: dict[tuple[int, int], list[tuple[int, Tensor]]] = {}
    flat = layout.regions.flatten(1)
    for index, shares in enumerate(flat):
        tokens = (shares > NEGLIGIBLE).nonzero().flatten()
        if len(tokens):
            alike.setdefault((len(tokens), lengths[first + index]), []).append((index, tokens))
    groups = []
    for (_, length), members in alike.items():
        own = torch.tensor([index for index, _ in members])
        tokens = torch.stack([tokens for _, tokens in members])
        shares = flat[own].gather(1, tokens).reshape(-1, 1)
        groups.append(TokenGroup(first + own, length, tokens, shares))
    hard = bool(((flat > NEGLIGIBLE).sum(0) <= 1).all())
    return TokenLayout(layout.base.view(-1, 1), layout.needs_base, tuple(groups), hard)


@dataclass(frozen=True)
class TokenSlice:
    """A group's tokens, now side by side.

    Attributes:
        count: regions of each picture.
        tokens: of each region.
        length: tokens of their texts.
        regions: (pictures * count,), index of each region.
        first: the first of them where they follow one another, else None.
    """

    count: int
    tokens: int
    length: int
    regions: Tensor
    first: int | None


@dataclass(frozen=True)
class TokenRun:
    """Pictures one after another whose sorted tokens are divided alike.

    Attributes:
        pictures: the first and the one after the last.
        slices: one after another, from token 0.
    """

    pictures: tuple[int, int]
    slices: tuple[TokenSlice, ...]


@dataclass(frozen=True)
class TokenPermutation:
    """A batch's tokens sorted by region, picture by picture.

    Attributes:
        forth: (B * T,), where each token of the flattened batch comes from.
        back: (B * T,), where it went.
        runs: the pictures of one branch.
        inside: (pictures, 1, T, 1), the regions' share of each sorted token.
        needs_base: whether the base has a share anywhere.
    """

    forth: Tensor
    back: Tensor
    runs: tuple[TokenRun, ...]
    inside: Tensor
    needs_base: bool

    def to(self, device: torch.device, dtype: torch.dtype) -> TokenPermutation:
        """On a device, shares in a dtype."""
        runs = tuple(
            TokenRun(run.pictures, tuple(_on(one, device) for one in run.slices))
            for run in self.runs
        )
        forth, back = self.forth.to(device), self.back.to(device)
        return TokenPermutation(forth, back, runs, self.inside.to(device, dtype), self.needs_base)

    def sort(self, states: Tensor) -> Tensor:
        """(B, T, C) in the picture's order -> region after region."""
        return _taken(states, self.forth)

    def unsort(self, states: Tensor) -> Tensor:
        """The other way round."""
        return _taken(states, self.back)


def token_permutation(levels: Sequence[TokenLayout], branches: int) -> TokenPermutation | None:
    """How a batch is sorted; None where a token is of several regions.

    Args:
        levels: of each picture of a branch.
        branches: Predictions for each picture, such as 2 under classifier-free guidance.
    """
    if not all(one.hard for one in levels):
        return None
    orders = torch.stack([one.order for one in levels])  # (pictures, T)
    pictures, tokens = orders.shape
    forth = (
        torch.arange(pictures * branches)[:, None] * tokens + orders.repeat(branches, 1)
    ).flatten()
    inside = (1 - torch.stack([one.base[:, 0] for one in levels])).gather(1, orders)
    return TokenPermutation(
        forth=forth,
        back=forth.argsort(),
        runs=tuple(_runs(levels)),
        inside=inside[:, None, :, None],
        needs_base=any(one.needs_base for one in levels),
    )


def _runs(levels: Sequence[TokenLayout]) -> list[TokenRun]:
    runs, at = [], 0
    for _, same in groupby(levels, key=lambda one: one.form):
        members = list(same)
        slices = tuple(
            _slice([one.groups[index] for one in members])
            for index in range(len(members[0].groups))
        )
        runs.append(TokenRun((at, at + len(members)), slices))
        at += len(members)
    return runs


def _slice(groups: Sequence[TokenGroup]) -> TokenSlice:
    """The same group of several pictures."""
    count, tokens = groups[0].tokens.shape
    regions = torch.cat([group.regions for group in groups])
    first = int(regions[0])
    follow = torch.equal(regions, torch.arange(first, first + len(regions)))
    return TokenSlice(count, tokens, groups[0].length, regions, first if follow else None)


def _on(one: TokenSlice, device: torch.device) -> TokenSlice:
    return TokenSlice(one.count, one.tokens, one.length, one.regions.to(device), one.first)


def _taken(states: Tensor, indices: Tensor) -> Tensor:
    """Tokens of the flattened batch (B, T, C) in another order."""
    return states.flatten(0, 1).index_select(0, indices).view(states.shape)
