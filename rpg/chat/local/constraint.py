"""An answer held to a JSON schema, token by token, in such a way that it can always be closed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import copy
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from llguidance import LLMatcher

from rpg.chat.local.vocabulary import Vocabulary
from rpg.errors import ChatError, ChatLengthError

_OPTIONS: Any = {
    "whitespace_flexible": False,  # a model that has lost its way writes blanks for ever
    "item_separator": ", ",
    "key_separator": ": ",
    "json_allowed_escapes": '"\\nt',
    "coerce_one_of": True,  # pydantic's tagged unions
    "lenient": True,  # keywords that it cannot enforce: the answer is validated all the same
}
# What leads out soonest, the best first: outside strings and in them.
_OUTSIDE = ("}", "]", ",", '"', "n", *"0123456789", ".", "-", "t", "f", "[", "{")
_INSIDE = ('"', "a", "0")
_ESCAPE = 16  # tokens that at most complete an escape or a character: "\ud83d\ude00", bytes
_RESERVE = 16  # tokens, beside half of the way out, left for filling in what is begun
_LONGEST = 10_000  # tokens of a shortest answer that is looked for
_NUMBER = 24  # tokens of a number; a model that has lost its way writes digits for ever


class Constraint:
    """Where an answer stands within its schema, and how many tokens it may still take.

    A token is right if the schema allows it and if it `fits`: afterwards the shortest way to close
    the answer, found by trying it on a copy, must fit into the tokens left. So the answer is
    complete when they end, whatever the model does. Nothing is begun, such as another item of a
    list, that could not be filled in as well. And no string takes more than half of what was to
    spare where it began: thoughts at the start leave room for what follows.

    Args:
        vocabulary: The model's tokens.
        schema: The JSON schema. Properties come in its order.
        room: Tokens that the answer may take, its end token included.

    Raises:
        ChatError: The schema cannot be enforced.
        ChatLengthError: The shortest answer is too long already.
    """

    def __init__(self, vocabulary: Vocabulary, schema: Mapping[str, Any], room: int) -> None:
        self._vocabulary = vocabulary
        grammar = LLMatcher.grammar_from_json_schema(json.dumps(schema), overrides=_OPTIONS)
        self._matcher = LLMatcher(vocabulary.ll, grammar, log_level=0)
        _check(self._matcher)
        self._left = room
        self._place = _Place()
        self._way: list[int] | None = self._way_from_here(_LONGEST)
        self._most = len(self._way)  # tokens that closing takes at most
        if self._most >= room:
            raise ChatLengthError(
                f"the answer needs {self._most + 1} tokens or more and has room for {room}: raise "
                "max_new_tokens, or ask in fewer words"
            )
        self._tried: tuple[int, list[int]] | None = None

    @property
    def complete(self) -> bool:
        """Whether nothing may follow but the end."""
        return self._matcher.is_stopped()

    def allowed(self, rows: int) -> torch.Tensor:
        """The tokens that the schema allows next, of the first `rows` in the vocabulary."""
        return torch.from_numpy(np.flatnonzero(_bits(self._matcher)[:rows]))

    def fits(self, token: int) -> bool:
        """Whether the answer can still be closed after an allowed token, and no part grows wild."""
        if token in self._vocabulary.ends:
            return True
        piece = self._vocabulary.bytes_of(token)
        if self._place.overlong(piece):
            return False
        if self._way is not None and self._way[:1] == [token]:
            return True
        left = self._left - 1
        if self._place.stays_inside(piece) and self._most + _ESCAPE < left:
            return True  # what closes a string does not depend on what is in it
        way = self._way_after(token, left)
        self._tried = (token, way)
        begins = len(way) > self._most + _ESCAPE
        return len(way) + (_RESERVE + len(way) // 2 if begins else 0) < left

    def way_out(self) -> int:
        """The next token of the shortest way to close the answer."""
        if self._way is None:
            self._way = self._way_from_here(self._left)
        return self._way[0] if self._way else min(self._vocabulary.ends)

    def take(self, token: int) -> None:
        """Go on by a token.

        Raises:
            ChatError: The schema's grammar cannot go on: it is too complex.
        """
        self._left -= 1
        if token in self._vocabulary.ends:
            return
        self._matcher.consume_token(token)
        _check(self._matcher)
        self._place.read(self._vocabulary.bytes_of(token), self._left - self._most)
        self._remember(token)

    def _remember(self, token: int) -> None:
        """Keep what is known of the way out after `token`."""
        if self._way is not None and self._way[:1] == [token]:
            self._way = self._way[1:]
        elif self._tried is not None and self._tried[0] == token:
            self._way = self._tried[1]
        else:
            self._way = None
        if self._way is not None:
            self._most = len(self._way)
        self._tried = None

    def _way_from_here(self, limit: int) -> list[int]:
        return self._way_from(self._matcher.deep_copy(), copy(self._place), limit)

    def _way_after(self, token: int, limit: int) -> list[int]:
        matcher, place = self._matcher.deep_copy(), copy(self._place)
        matcher.consume_token(token)
        place.read(self._vocabulary.bytes_of(token), limit)
        return self._way_from(matcher, place, limit)

    def _way_from(self, matcher: LLMatcher, place: _Place, limit: int) -> list[int]:
        """Tokens that close the answer from there; over `limit` the search is given up."""
        way: list[int] = []
        while not matcher.is_accepting() and len(way) <= limit:
            _check(matcher)
            step = self._step(matcher, place)
            for token in step:
                place.read(self._vocabulary.bytes_of(token), limit)
            way += step
        return way

    def _step(self, matcher: LLMatcher, place: _Place) -> list[int]:
        """Takes the matcher on by a few tokens that lead out; returns them."""
        if forced := matcher.compute_ff_bytes():
            tokens = self._vocabulary.ll.tokenize_bytes(forced)
            if taken := matcher.try_consume_tokens(tokens):
                return tokens[:taken]
        for text in _INSIDE if place.inside else _OUTSIDE:
            tokens = list(self._vocabulary.spell(text))
            if taken := matcher.try_consume_tokens(tokens):
                return tokens[:taken]
        first = int(_bits(matcher).argmax())
        matcher.consume_token(first)
        return [first]


class _Place:
    """Whether the answer stands in a string, and for how many tokens it has been in one value."""

    def __init__(self) -> None:
        self.inside = False
        self._escaped = False
        self._run = 0
        self._share = 0

    def read(self, piece: bytes, left: int) -> None:
        """Goes on by a token's bytes; `left` tokens may follow."""
        self._run += 1
        for byte in piece:
            if self.inside and self._escaped:
                self._escaped = False
            elif byte == ord('"'):
                self.inside = not self.inside
                self._run, self._share = 0, left // 2
            elif self.inside:
                self._escaped = byte == ord("\\")
            elif byte in b"{}[],:":
                self._run = 0

    def stays_inside(self, piece: bytes) -> bool:
        """Whether a token only continues the string that we are in."""
        return self.inside and b'"' not in piece

    def overlong(self, piece: bytes) -> bool:
        """Whether a token continues a string or number that has had its share."""
        if self.inside:
            return self._run >= self._share and b'"' not in piece
        return self._run >= _NUMBER and not any(byte in b'{}[],:"' for byte in piece)


def _bits(matcher: LLMatcher) -> npt.NDArray[np.bool_]:
    """Which tokens may come next."""
    mask = np.frombuffer(matcher.compute_bitmask(), dtype=np.uint8)
    return np.unpackbits(mask, bitorder="little").view(np.bool_)


def _check(matcher: LLMatcher) -> None:
    if matcher.is_error():
        reason = (matcher.get_error().strip().splitlines() or ["unknown reason"])[0]
        raise ChatError(f"the answer cannot be held to its schema: {reason[:200]}")
