"""What no schema can say: whether a plan shows what the prompt names, as often as it names it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from rpg.planners.llm.schema import Entity
from rpg.planners.rules.lexicon.inflect import singular
from rpg.planners.rules.lexicon.nouns import ABSTRACT, CANVAS, MEASURES, PEOPLE, PLACES, TIMES
from rpg.planners.rules.lexicon.words import MAX_COUNT
from rpg.planners.rules.planner import read
from rpg.plans.geometry import Box

_WORD = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*")
_ARTICLES = frozenset(("a", "an", "the"))
# Nouns that a good plan need not repeat: "a couple" is a man and a woman, "autumn" is red leaves.
_PORTIONS = frozenset("half third quarter part split left right top bottom front hour".split())
_LOOSE = ABSTRACT | CANVAS | MEASURES | PEOPLE | PLACES | TIMES | _PORTIONS


@dataclass(frozen=True)
class Shown:
    """What one region says it shows."""

    shows: Sequence[str]
    prompt: str

    @cached_property
    def _names(self) -> set[tuple[str, ...]]:
        return {_words(name) for name in self.shows}

    @cached_property
    def _said(self) -> set[str]:
        return {singular(word) for word in _WORD.findall(self.prompt.lower())}

    def has(self, name: str) -> bool:
        """Whether the region shows the thing: by name, or by its noun in the subprompt."""
        words = _words(name)
        if not words or words in self._names:
            return True
        if not name.isascii() and name.lower() in self.prompt.lower():
            return True  # also in scripts that do not part words
        return words[-1] in self._said


def contradictions(entities: Sequence[Entity], regions: Sequence[Shown], prompt: str) -> list[str]:
    """Where the answer breaks its own word, or a number that both it and the prompt give.

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


def _shortfall(entity: Entity, regions: Sequence[Shown], numbers: dict[str, int]) -> str | None:
    words = _words(entity.name)
    there = sum(region.has(entity.name) for region in regions)
    if not there:
        return f'the entity "{entity.name}" is shown by no region: give it one'
    said = max(entity.count, numbers.get(words[-1], 0) if words else 0)
    if there < said <= MAX_COUNT:
        return (
            f'there should be {said} x "{entity.name}", but only {there} of the regions show one: '
            f"give each of the {said} a region of its own"
        )
    return None


def left_out(entities: Sequence[Entity], regions: Sequence[Shown], prompt: str) -> list[str]:
    """Nouns of the prompt that the answer does not speak of at all, as our own grammar reads it.

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
    found: dict[str, int] = {}
    for head, count in _things(prompt):
        found[head] = max(count, found.get(head, 0))
    return found


@lru_cache(maxsize=8)
def _things(prompt: str) -> tuple[tuple[str, int], ...]:
    """The nouns of a prompt and their numbers, as our own grammar reads it."""
    return tuple((thing.head, thing.count) for thing in read(prompt).things) if prompt else ()


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
