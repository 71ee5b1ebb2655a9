"""Texts as tensors: the regions', encoded, and all that one batch of predictions attends to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

__all__ = ["Encoded", "PromptBank", "RegionalPromptEmbeds", "TextSelection", "filled", "unfilled"]

Encoded = tuple[Tensor, Tensor | None]  # (B, L, D), and (B, P) in a family that pools


@dataclass(frozen=True)
class RegionalPromptEmbeds:
    """The regions' texts, encoded.

    Attributes:
        prompts: (R, L, D), the subprompts.
        pooled: (R, P), or None for a family without pooled embeddings.
        negatives: (R, L, D) for the regions in `own_negative`, others undefined.
        negatives_pooled: (R, P) likewise.
        own_negative: for each region whether it has a negative of its own.
        lengths: for each region the tokens of its texts; what follows them up to L is filling.
        empty: (1, l, D), the empty text, which fills up what is shorter.
    """

    prompts: Tensor
    pooled: Tensor | None
    negatives: Tensor
    negatives_pooled: Tensor | None
    own_negative: tuple[bool, ...]
    lengths: tuple[int, ...]
    empty: Tensor

    @classmethod
    def of(cls, prompts: Tensor, pooled: Tensor | None = None) -> RegionalPromptEmbeds:
        """Embeddings of equally long texts, without negatives of the regions' own.

        Args:
            prompts: (R, L, D), the subprompts.
            pooled: (R, P), or None for a family without pooled embeddings.
        """
        count, length, _ = prompts.shape
        no, empty = (False,) * count, torch.zeros_like(prompts[:1])
        return cls(prompts, pooled, prompts, pooled, no, (length,) * count, empty)

    def with_texts(
        self, region: int, prompt: Encoded | None, negative: Encoded | None
    ) -> RegionalPromptEmbeds:
        """With other texts for one region; None leaves what it has.

        Args:
            region: its index.
            prompt: its subprompt, (1, l, D), and what is pooled of it, (1, P) or None.
            negative: its negative, likewise.
        """
        given = {
            ("prompts", "pooled"): prompt,
            ("negatives", "negatives_pooled"): negative,
        }
        lengths = [one[0].shape[1] for one in given.values() if one is not None]
        length = max([self.prompts.shape[1], *lengths])
        changed: dict[str, Any] = {}
        for (states_name, pooled_name), text in given.items():
            states = filled(getattr(self, states_name), self.empty, length)
            pooled = getattr(self, pooled_name)
            if text is not None:
                row = torch.tensor([region], device=states.device)
                states = states.index_copy(0, row, filled(text[0], self.empty, length).to(states))
                if pooled is not None and text[1] is not None:
                    pooled = pooled.index_copy(0, row, text[1].to(pooled))
            changed |= {states_name: states, pooled_name: pooled}
        own, needed = list(self.own_negative), list(self.lengths)
        own[region] = own[region] or negative is not None
        needed[region] = max([needed[region], *lengths])
        return replace(self, **changed, own_negative=tuple(own), lengths=tuple(needed))

    def sources(self, text: Tensor) -> Tensor:
        """The call's rows (B, l, D), the regions' and their negatives: (B + R [+ R], L, D)."""
        parts = [text, self.prompts.to(text)]
        if any(self.own_negative):
            parts.append(self.negatives.to(text))
        length = max(part.shape[1] for part in parts)
        return torch.cat([filled(part, self.empty, length) for part in parts])

    def pooled_sources(self, pooled: Tensor) -> Tensor:
        """Likewise of pooled embeddings, (B, P) -> (B + 2 R, P).

        Raises:
            ValueError: the regions have none.
        """
        if self.pooled is None or self.negatives_pooled is None:
            raise ValueError("the regions have no pooled embeddings")
        regions = (self.pooled, self.negatives_pooled)
        return torch.cat([pooled, *(part.to(pooled) for part in regions)])


@dataclass(frozen=True, eq=False)
class PromptBank:
    """Every text of a batch in one tensor, from which keys and values are computed once.

    Attributes:
        text: (B, l, D), the call's own, as it is passed.
        version: of `text`, which a callback may change in place.
        states: (B + R, L, D), or (B + 2 R, L, D) where a region has a negative: the call's rows,
            the regions' prompts, the regions' negatives; all filled up to L.
        attended: (B + R, L, D') or (B + 2 R, L, D'), what attention layers are given of them.
    """

    text: Tensor
    version: int
    states: Tensor
    attended: Tensor

    @classmethod
    def of(
        cls, text: Tensor, embeds: RegionalPromptEmbeds, project: Callable[[Tensor], Tensor]
    ) -> PromptBank:
        """The bank of a call's text; `project` is what the model does to it before attention."""
        states = embeds.sources(text)
        return cls(text, _version(text), states, project(states))

    def is_of(self, text: Tensor) -> bool:
        """Whether it still holds what `text` says."""
        return text is self.text and _version(text) == self.version


@dataclass(frozen=True)
class TextSelection:
    """Which texts the rows of a call attend to.

    Attributes:
        rows: (B,), rows of the bank.
        length: tokens that they are cut to.
        regions: (B,), index of the region, among those of all plans, that each row is a crop of.
        branches: what the parts of the rows are, one after another.
        base: (B,) rows of the bank and (B,) their shares, of what is heard beside; None: nothing.
    """

    rows: Tensor
    length: int
    regions: Tensor
    branches: tuple[str, ...]
    base: tuple[Tensor, Tensor] | None = None


def filled(embeds: Tensor, empty: Tensor, length: int) -> Tensor:
    """(B, l, D) filled up to `length` tokens with the empty text, (1, m, D)."""
    missing = length - embeds.shape[1]
    if missing <= 0:
        return embeds
    copies = -(-missing // empty.shape[1])
    filling = empty.repeat(len(embeds), copies, 1)[:, :missing]
    return torch.cat([embeds, filling.to(embeds)], dim=1)


def unfilled(embeds: Tensor, empty: Tensor) -> Tensor:
    """(B, l, D) without what fills it up, or chunks that are all alike; the first is left."""
    size = empty.shape[1]
    while embeds.shape[1] >= 2 * size:
        before, last = embeds[:, -2 * size : -size], embeds[:, -size:]
        if not torch.equal(last, before) and not torch.equal(last, empty.to(last).expand_as(last)):
            break
        embeds = embeds[:, :-size]
    return embeds


def _version(text: Tensor) -> int:
    return 0 if text.is_inference() else text._version
