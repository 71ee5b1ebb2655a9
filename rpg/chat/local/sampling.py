"""How each token of an answer is chosen."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

from rpg.chat.local.constraint import Constraint
from rpg.chat.local.vocabulary import Vocabulary
from rpg.errors import Cancelled, ChatError

_TRIES = 8  # likely tokens tried before the shortest way out is taken
_END_OF_THOUGHTS = "</think>"
_AFTER_THOUGHTS = "\n\n"


class Draw:
    """Draws a token from a model's scores, reproducibly.

    Args:
        temperature: 0 takes the likeliest token.
        top_k: Only so many of the likeliest tokens; 0 is all.
        top_p: Only the likeliest tokens that together have this probability.
        seed: None differs every time.
    """

    def __init__(self, temperature: float, top_k: int, top_p: float, seed: int | None) -> None:
        self._greedy = temperature == 0
        self._generator = torch.Generator()
        if seed is None:
            self._generator.seed()
        else:
            self._generator.manual_seed(seed)
        self._warpers: list[Any] = []
        if not self._greedy:
            self._warpers = _warpers(temperature, top_k, top_p)

    def __call__(self, scores: Tensor) -> int:
        """A place in scores (n,) on the CPU; those at minus infinity are never drawn."""
        if self._greedy:
            return int(scores.argmax())
        for warper in self._warpers:
            scores = warper(None, scores[None])[0]
        edges = scores.double().softmax(dim=-1).cumsum(dim=-1)
        point = torch.rand(1, generator=self._generator, dtype=torch.float64)
        # torch.multinomial draws a number for each word of the vocabulary: 20 times as slow
        return int(torch.searchsorted(edges / edges[-1], point, right=True))


def _warpers(temperature: float, top_k: int, top_p: float) -> list[Any]:
    warpers = [TemperatureLogitsWarper(float(temperature))]
    if top_k > 0:
        warpers.append(TopKLogitsWarper(top_k))
    if top_p < 1:
        warpers.append(TopPLogitsWarper(top_p))
    return warpers


@dataclass
class Sampler:
    """Chooses every token itself: a logits processor that leaves `generate` no choice.

    Attributes:
        vocabulary: The model's tokens.
        draw: How a token is drawn.
        room: Tokens that the answer may take.
        constrain: Makes the constraint for the tokens then left, once the thoughts are over; None
            leaves the answer free.
        thinking: Whether the answer begins inside thoughts. They get half of the room.
        emit: Told every token.
        stop: Set where nobody waits for the answer any more.
        made: Tokens so far.
        ended: Whether the answer came to its end.
        cut: Whether the answer had to be closed before the model would have.
    """

    vocabulary: Vocabulary
    draw: Draw
    room: int
    constrain: Callable[[int], Constraint] | None
    thinking: bool
    emit: Callable[[int], None]
    stop: threading.Event
    made: int = 0
    ended: bool = False
    cut: bool = False

    def __post_init__(self) -> None:
        """Nothing is said yet."""
        self._said = b""
        self._forced: deque[int] = deque()
        self._constraint: Constraint | None = None
        self._only: Tensor | None = None
        self._last = 0

    def __call__(self, ids: Tensor, scores: Tensor) -> Tensor:
        """Scores (1, V) in which one token alone is possible.

        Raises:
            Cancelled: Nobody waits for the answer any more.
            ChatError: The scores are not numbers, or the answer cannot be constrained.
        """
        if self.stop.is_set():
            raise Cancelled("the answer is not wanted any more")
        token = min(self.vocabulary.ends)
        if not self.ended:  # some devices go on for a step before they notice
            token = self._chosen(_checked(scores[0].float().cpu()))
            self._take(token)
        return self._certain(token, scores)

    def _certain(self, token: int, scores: Tensor) -> Tensor:
        """Scores like these in which one token alone is possible; the same tensor every time."""
        if self._only is None:
            self._only = torch.full_like(scores, -torch.inf)
        self._only[0, self._last] = -torch.inf
        self._only[0, token] = 0
        self._last = token
        return self._only

    def _chosen(self, scores: Tensor) -> int:
        if self._forced:
            return self._forced.popleft()
        if self.constrain is None:
            return self.draw(scores)
        if self.thinking:
            return self._thought(scores)
        if self._constraint is None:
            self._constraint = self.constrain(self.room - self.made)
        return self._allowed(scores, self._constraint)

    def _thought(self, scores: Tensor) -> int:
        """A token of the thoughts, which neither end the answer nor take more than half of it."""
        scores[sorted(self.vocabulary.ends)] = -torch.inf
        if self.made < self.room // 2:
            return self.draw(scores)
        self._forced.extend(self.vocabulary.tag(_END_OF_THOUGHTS))
        return self._forced.popleft()

    def _allowed(self, scores: Tensor, constraint: Constraint) -> int:
        """The token that the model would like best of those that the constraint bears."""
        if constraint.complete:
            return min(self.vocabulary.ends)
        allowed = constraint.allowed(len(scores))
        liked = scores[allowed]
        for _ in range(min(_TRIES, int((liked > -torch.inf).sum()))):
            place = self.draw(liked)
            token = int(allowed[place])
            if constraint.fits(token):
                return token
            liked[place] = -torch.inf
        self.cut = True
        return constraint.way_out()

    def _take(self, token: int) -> None:
        self.made += 1
        self.ended = token in self.vocabulary.ends
        if not self.ended:
            self.emit(token)
        if self._constraint is not None:
            self._constraint.take(token)
        elif self.thinking:
            self._think(token)

    def _think(self, token: int) -> None:
        """See whether the thoughts are over; an answer under constraint then begins."""
        tag = _END_OF_THOUGHTS.encode()
        self._said = (self._said + self.vocabulary.bytes_of(token))[-len(tag) :]
        if self._said == tag:
            self.thinking = False
            self._forced.extend(self.vocabulary.spell(_AFTER_THOUGHTS) if self.constrain else ())


def _checked(scores: Tensor) -> Tensor:
    if not torch.isfinite(scores.max()):
        raise ChatError(
            "the model's scores are not numbers: load it with dtype float32 or bfloat16"
        )
    return scores
