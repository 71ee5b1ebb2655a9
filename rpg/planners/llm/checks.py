"""Semantic checks of an answer: whether its regions show what the prompt names, and how many."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from rpg.language.lexicon.function_words import MAX_COUNT
from rpg.language.lexicon.inflect import singular
from rpg.language.lexicon.nouns import ABSTRACT, CANVAS, MEASURES, PEOPLE, PLACES, TIMES
from rpg.language.scene_graph.parser import parse_prompt
from rpg.planners.llm.schema import EntityAnswer
from rpg.plans.geometry import Box

_WORD = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*")
_ARTICLES = frozenset(("a", "an", "the"))
# Nouns that a good plan need not repeat: "a couple" is a man and a woman, "autumn" is red leaves.
_PORTIONS = frozenset("half third quarter part split left right top bottom front hour".split())
_LOOSE = ABSTRACT | CANVAS | MEASURES | PEOPLE | PLACES | TIMES | _PORTIONS


@dataclass(frozen=True)
class Shown:
    """The names and the subprompt of one region."""

    shows: Sequence[str]
    prompt: str

    @cached_property
    def _names(self) -> set[tuple[str, ...]]:
        return {_words(name) for name in self.shows}

    @cached_property
    def _nouns(self) -> set[str]:
        return {singular(word) for word in _WORD.findall(self.prompt.lower())}

    def has(self, name: str) -> bool:
        """Whether the region shows the thing: by name, or by its noun in the subprompt."""
        words = _words(name)
        if not words or words in self._names:
            return True
        if not name.isascii() and name.lower() in self.prompt.lower():
            return True  # also in scripts that do not part words
        return words[-1] in self._nouns


def contradictions(
    entities: Sequence[EntityAnswer], regions: Sequence[Shown], prompt: str
) -> list[str]:
    """Entities that no region shows, or fewer regions than the answer and the prompt count.

    Args:
        entities: What the model found in the prompt.
        regions: What it made of them.
        prompt: The prompt, for its numbers; empty where the plan was changed since.
    """
    numbers = _numbers(prompt)
    return [
        problem
        for entity in entities
        if (problem := _shortfall(entity, regions, numbers)) is not None
    ]


def _shortfall(
    entity: EntityAnswer, regions: Sequence[Shown], numbers: dict[str, int]
) -> str | None:
    words = _words(entity.name)
    shown = sum(region.has(entity.name) for region in regions)
    if not shown:
        return f'the entity "{entity.name}" is shown by no region: give it one'
    expected = max(entity.count, numbers.get(words[-1], 0) if words else 0)
    if shown < expected <= MAX_COUNT:
        return (
            f'there should be {expected} x "{entity.name}", but only {shown} of the regions show '
            f"one: give each of the {expected} a region of its own"
        )
    return None


def left_out(entities: Sequence[EntityAnswer], regions: Sequence[Shown], prompt: str) -> list[str]:
    """Nouns of the prompt, as the grammar parses it, that the answer does not name at all.

    Grammar errs, and a thing can be called by another word: so this is a reason to ask, not one to
    refuse.
    """
    attributes = [word for entity in entities for word in entity.attributes]
    names = [name for region in regions for name in region.shows]
    spoken = Shown((), " ".join([*attributes, *names, *(region.prompt for region in regions)]))
    return [head for head in dict.fromkeys(_heads(prompt)) if not spoken.has(head)]


def _heads(prompt: str) -> Iterator[str]:
    for head, _ in _things(prompt):
        if head.isascii() and head not in _LOOSE:
            yield head


def _numbers(prompt: str) -> dict[str, int]:
    """How many of each noun the prompt asks for, where it says so."""
    counts: dict[str, int] = {}
    for head, count in _things(prompt):
        counts[head] = max(count, counts.get(head, 0))
    return counts


@lru_cache(maxsize=8)
def _things(prompt: str) -> tuple[tuple[str, int], ...]:
    """The nouns of a prompt and their numbers, as the grammar parses it."""
    return (
        tuple((thing.head, thing.count) for thing in parse_prompt(prompt).entities)
        if prompt
        else ()
    )


def _words(name: str) -> tuple[str, ...]:
    """A name without article, its noun in the singular: "The Hot Balloons" -> hot, balloon."""
    words = [word for word in _WORD.findall(name.lower()) if word not in _ARTICLES]
    return (*words[:-1], singular(words[-1])) if words else ()


def hidden(boxes: Sequence[Box]) -> list[int]:
    """Which boxes are wholly covered by those after them, by number from 0."""
    return [place for place, box in enumerate(boxes) if _covered(box, boxes[place + 1 :])]


def _covered(box: Box, above: Sequence[Box]) -> bool:
    """Whether every cell between the edges of all boxes lies under one of them."""
    parts = [part for part in (box.intersection(other) for other in above) if part is not None]
    across = sorted({box.x0, box.x1, *(edge for part in parts for edge in (part.x0, part.x1))})
    down = sorted({box.y0, box.y1, *(edge for part in parts for edge in (part.y0, part.y1))})
    return all(any(part.contains(x, y) for part in parts) for x in across[:-1] for y in down[:-1])
