r"""Prompt weights: how strongly phrases of a text count, as written by hand and in plain words.

    (red hat)          1.1, and 1.1 again for every pair more
    (red hat:1.3)      1.3
    [faint]            1 / 1.1
    (red hat)1.3       1.3
    red++  (red hat)+  1.1 for every sign; a bare word has two or more
    red--  (red hat)-  0.9 for every sign, likewise
    \( \) \[ \] \+ \- \\   the sign itself

The first three are those of AUTOMATIC1111's web UI, the others Compel's. Nested weights multiply.
What cannot be read as a weight is text: a bracket without its other half, one that touches a letter
or digit ("cat(s)", "f(x)") and gives no number, a smiley between spaces, "16:9", "C++", and
"[cat:dog:0.5]" or "[cat|dog]", which schedule words over the steps. So no text is an error.

Here a text is taken apart and put together; what weights do to an embedding: `rpg.diffusion.text`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import takewhile

__all__ = ["MAX_WEIGHT", "WeightedText", "carried", "clean", "literal", "read"]

MAX_WEIGHT = 10.0  # either way; a greater number is no weight, a greater product counts as this

_ROUND, _PLUS, _MINUS = 1.1, 1.1, 0.9
_ESCAPABLE = r"()\[\]\\+\-"
_SIGNS = r"(?<=\w)(?:\+\++|--+)(?![\w+-])"
_SYNTAX = re.compile(
    rf"""
    (?P<escape>\\)[{_ESCAPABLE}]
    | (?P<smiley>(?<!\S)[:;=8]['^o-]?[()\[\]]+(?!\S))
    | (?P<open>[(\[])
    | :\s*(?P<number>[+-]?(?:\d{{1,4}}(?:\.\d{{0,6}})?|\.\d{{1,6}}))\s*\)
    | \)(?P<suffix>(?:\++|-+|\d{{1,2}}(?:\.\d{{1,4}})?|\.\d{{1,4}})(?![\w+\-(\[]|\.\d))?
    | (?P<square>\])
    | (?P<schedule>[:|])
    | (?P<signs>{_SIGNS})
    """,
    re.VERBOSE,
)
_LITERAL = re.compile(rf"[()\[\]]|\\(?=[{_ESCAPABLE}]|\Z)|{_SIGNS}")
_WORD = re.compile(r"\w+(?:['\u2019-]\w+)*")
_LIGHT = frozenset("a an and as at by for from in is its of on or the their to with".split())


@dataclass(frozen=True, slots=True)
class WeightedText:
    """A text as runs of letters that count alike.

    Attributes:
        runs: each with its weight, -10 to 10; 1 is as if none were written. Neighbours differ.
    """

    runs: tuple[tuple[str, float], ...] = ()

    @property
    def clean(self) -> str:
        """The text without its weights: what is read, counted and encoded."""
        return "".join(run for run, _ in self.runs)

    @property
    def is_weighted(self) -> bool:
        """Whether anything counts more or less than the rest."""
        return any(weight != 1 for _, weight in self.runs)

    @property
    def text(self) -> str:
        """The text as it is written with its weights; `read` gives the same again."""
        if not self.is_weighted:
            return literal(self.clean)
        return "".join(_written(run, weight) for run, weight in self.runs)

    @property
    def letters(self) -> list[float]:
        """The weight of every character of the clean text."""
        return [weight for run, weight in self.runs for _ in run]

    def cut(self, pieces: Sequence[str]) -> list[WeightedText]:
        """The clean text cut into pieces that may differ from it in white space, with weights."""
        pairs = zip(self.clean, self.letters, strict=True)
        letters = (weight for letter, weight in pairs if not letter.isspace())
        return [
            _merged(piece, [1.0 if letter.isspace() else next(letters) for letter in piece])
            for piece in pieces
        ]

    def parts(self, spans: Sequence[tuple[int, int]]) -> list[WeightedText]:
        """Parts of the clean text, from and up to these characters, with their weights."""
        text, letters = self.clean, self.letters
        return [_merged(text[start:stop], letters[start:stop]) for start, stop in spans]


def clean(text: str) -> str:
    """A text without the weights that are written into it."""
    return read(text).clean


@lru_cache(maxsize=1024)
def read(text: str) -> WeightedText:
    """A text taken apart; what is no weight stays as it is."""
    found = _Found(text)
    for match in _SYNTAX.finditer(text):
        found.take(match)
    return _merged(*found.swept())


def carried(text: str, *sources: str) -> str:
    """A plain text as it is written with the weights that its words have in others.

    A word takes the weight that it has where most of its neighbours stand around it as well, in the
    first such source: of "a (red:1.4) cat and a red dog" the text "a red dog" takes none. Articles
    and the like take weights with other words only; a plural is its singular.

    Args:
        text: plain: what looks like a weight in it is text, and comes back escaped.
        sources: texts with weights, the nearest first.
    """
    nearest = next(filter(None, sources), "")
    if clean(nearest) == text:
        return nearest
    known = [read(source) for source in sources]
    if not any(source.is_weighted for source in known):
        return literal(text)
    spans = [match.span() for match in _WORD.finditer(text)]
    letters = [1.0] * len(text)
    before = 0
    for (start, stop), weight in zip(spans, _aligned(text, known), strict=True):
        letters[start:stop] = [weight] * (stop - start)
        if before and letters[before - 1] == weight and text[before:start].isspace():
            letters[before:start] = [weight] * (start - before)
        before = stop
    return _merged(text, letters).text


def _aligned(text: str, sources: Sequence[WeightedText]) -> list[float]:
    """The weight of every word of a text, from its longest run of words in a source."""
    words = [_key(match) for match in _WORD.finditer(text)]
    weights, lengths = [1.0] * len(words), [0] * len(words)
    for source in sources:
        matches, letters = list(_WORD.finditer(source.clean)), source.letters
        others = [_key(match) for match in matches]
        for at, other, length in _runs(words, others):
            if all(word in _LIGHT for word in words[at : at + length]):
                continue
            for step in range(length):
                if length > lengths[at + step]:
                    lengths[at + step] = length
                    weights[at + step] = letters[matches[other + step].start()]
    return weights


def _key(word: re.Match[str]) -> str:
    """A word for comparing, without the -s of a plural."""
    text = word[0].lower()
    return text[:-1] if text.endswith("s") and len(text) > 3 else text


def _runs(words: Sequence[str], others: Sequence[str]) -> Iterator[tuple[int, int, int]]:
    """Runs that stand in both, as long as can be: where in the one, where in the other, length."""
    places: dict[str, list[int]] = {}
    for at, word in enumerate(others):
        places.setdefault(word, []).append(at)
    for at, word in enumerate(words):
        for other in places.get(word, ()):
            if at and other and words[at - 1] == others[other - 1]:
                continue  # a part of the run that began before
            pairs = zip(words[at:], others[other:], strict=False)
            yield at, other, sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


@dataclass
class _Bracket:
    """One that is open: which, where, and whether what is in it schedules words."""

    sign: str
    at: int
    schedules: bool = False


@dataclass
class _Found:
    """The weights of a text, as far as it is read.

    Attributes:
        text: the text.
        stack: brackets that wait for their other half.
        opens: factors, by where their bracket stands.
        starts: factors of bare words, by where the word begins.
        closes: where what a factor is for ends, and where the syntax behind it does.
        escapes: backslashes that are not text.
    """

    text: str
    stack: list[_Bracket] = field(default_factory=list)
    opens: dict[int, float] = field(default_factory=dict)
    starts: dict[int, float] = field(default_factory=dict)
    closes: dict[int, int] = field(default_factory=dict)
    escapes: set[int] = field(default_factory=set)

    def take(self, match: re.Match[str]) -> None:
        """Notes what a piece of syntax means."""
        kind, start, stop = match.lastgroup, match.start(), match.end()
        if kind == "escape":
            self.escapes.add(start)
        elif kind == "open":
            self.stack.append(_Bracket(match[0], start))
        elif kind == "schedule":
            self._schedule(True)
        elif kind == "signs":
            self._word(start, stop, _factor(match[0]))
        elif kind == "square":
            self._close("[", start, stop, 1 / _ROUND)
        elif kind == "number" and (weight := self._weight(match)) is not None:
            self._close("(", start, stop, weight, numbered=True)
        elif kind in ("number", "suffix", None):
            end = match.start("suffix") if kind == "suffix" else stop
            self._close("(", end - 1, stop, _factor(match["suffix"] or ""))

    def _weight(self, match: re.Match[str]) -> float | None:
        """The number before a bracket; None for "16:9" and what is out of range."""
        before = self.text[match.start() - 1 : match.start()]
        weight = float(match["number"])
        ratio = match["number"].isdigit() and before.isdigit()
        return None if ratio or abs(weight) > MAX_WEIGHT else weight

    def _word(self, start: int, stop: int, factor: float) -> None:
        first = start
        while first and (_is_letter(self.text[first - 1]) or self.text[first - 1] in "'\u2019-"):
            first -= 1
        first += len(self.text[first:start]) - len(self.text[first:start].lstrip("'\u2019-"))
        if start - first > 1:  # "C++" is a word
            self.starts[first] = factor
            self.closes[start] = stop

    def _close(
        self, sign: str, end: int, stop: int, factor: float, *, numbered: bool = False
    ) -> None:
        """Joins a closing bracket with the nearest open one of its kind."""
        if all(one.sign != sign for one in self.stack):
            return
        while (bracket := self.stack.pop()).sign != sign:
            self._schedule(bracket.schedules)
        around = self.text[max(bracket.at - 1, 0) : bracket.at], self.text[stop : stop + 1]
        touches = not numbered and any(map(_is_letter, around))
        blank = not self.text[bracket.at + 1 : end].strip()
        if touches or blank or (sign == "[" and bracket.schedules):
            return
        self.opens[bracket.at] = factor
        self.closes[end] = stop

    def _schedule(self, schedules: bool) -> None:
        if self.stack and schedules:
            self.stack[-1].schedules = True

    def swept(self) -> tuple[str, list[float]]:
        """The clean text and the weight of each of its characters."""
        kept: list[str] = []
        letters: list[float] = []
        weights, at = [1.0], 0

        def keep(letter: str) -> None:
            kept.append(letter)
            letters.append(weights[-1])

        while at < len(self.text):
            if at in self.closes:
                weights.pop()
                at = self.closes[at]
                if kept and _is_letter(kept[-1]) and _is_letter(self.text[at : at + 1]):
                    keep(" ")  # a weight ends within a word, which is two to the encoder then
                continue
            if at in self.opens:
                if kept and _is_letter(kept[-1]) and _is_letter(self.text[at + 1]):
                    keep(" ")
                weights.append(_bounded(weights[-1] * self.opens[at]))
                at += 1
                continue
            if at in self.starts:
                weights.append(_bounded(weights[-1] * self.starts[at]))
            at += at in self.escapes
            keep(self.text[at])
            at += 1
        return "".join(kept), letters


def _factor(suffix: str) -> float:
    """What stands behind a bracket or a word: signs, a number, or nothing."""
    if not suffix:
        return _ROUND
    if suffix[0] in "+-":
        base: float = _PLUS if suffix[0] == "+" else _MINUS
        return float(_bounded(base ** min(len(suffix), 100)))
    return _bounded(float(suffix))


def _bounded(weight: float) -> float:
    return max(-MAX_WEIGHT, min(MAX_WEIGHT, weight))


def _is_letter(sign: str) -> bool:
    """Whether it is part of a word."""
    return sign.isalnum() or sign == "_"


def _merged(text: str, letters: Sequence[float]) -> WeightedText:
    """A text with the weight of each of its characters, as runs."""
    runs: list[tuple[str, float]] = []
    start = 0
    for at in range(1, len(text) + 1):
        if at == len(text) or letters[at] != letters[start]:
            runs.append((text[start:at], letters[start]))
            start = at
    return WeightedText(tuple(runs))


def literal(text: str) -> str:
    """A plain text so that nothing in it is read as a weight."""
    return text if read(text) == _merged(text, [1.0] * len(text)) else _escaped(text)


def _escaped(text: str) -> str:
    return _LITERAL.sub(lambda match: "\\" + match[0], text)


def _written(run: str, weight: float) -> str:
    """A run as it is written; white space around it needs no weight."""
    core = run.strip()
    if weight == 1 or not core:
        return _escaped(run)
    lead, trail = run[: len(run) - len(run.lstrip())], run[len(run.rstrip()) :]
    return f"{lead}({_escaped(core)}:{round(weight, 4)}){trail}"
