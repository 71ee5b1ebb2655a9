"""Words to be written in a picture: what people put in quotation marks, and what carries them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rpg.language.grammar.quotations import quotations, quoted
from rpg.language.lexicon.nouns import is_animate
from rpg.language.scene_graph.graph import Entity, SceneGraph
from rpg.language.scene_graph.parser import parse_prompt
from rpg.planners.rules.commands.text.wording import Mention, mentions

__all__ = ["Inscription", "carrier", "inscribed", "parted", "read_prompt"]

_TEXT = (
    r"(?:(?:the|a|an|its|his|her|their)\s+)?(?:\w+\s+){0,2}?"
    r"(?:words?|text|letters?|lettering|inscription|slogan|title|message|caption|phrase|writing)"
)
_SAYS = (
    r"says?|saying|said|reads?|reading|spells?|spelling|(?:is\s+|are\s+)?"
    r"(?:labell?ed|titled|entitled|inscribed|marked|printed|written|painted|engraved|stitched"
    r"|embroidered)(?:\s+with)?"
)
_CUE = re.compile(
    rf"(?:^|[\s,]+)(?:(?:(?:that|which|who)\s+)?(?:{_SAYS})(?:\s+{_TEXT})?"
    rf"|(?:with|bearing|showing|displaying)(?:\s+{_TEXT})?|{_TEXT})\s*:?\s*$",
    re.IGNORECASE,
)
_TAIL = re.compile(
    r"(?:\s+(?:is\s+|are\s+)?(?:written|painted|printed|engraved|stitched|embroidered))?"
    r"(?:\s+(?:on|across|over)\s+(?:it|them|him|her|its\s+\w+)\b)?",
    re.IGNORECASE,
)
_CARRIED = re.compile(
    r"\s+(?:(?:is\s+|are\s+)?(?:written|painted|printed)\s+)?(?:on|onto|across|over)\s+",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Inscription:
    """Words to be written.

    Attributes:
        words: Verbatim, without quotation marks.
        at: Where they stood, in characters of the text without them.
    """

    words: str
    at: int


def parted(text: str) -> tuple[str, tuple[Inscription, ...]]:
    """A text without the words to be written, and these.

    Quotation marks around what is said of a thing, as in 'a "hot" dog', stay as they are: words are
    written where something says, reads or bears them, or where they follow what could carry them.
    """
    bare, at = "", 0
    found: list[Inscription] = []
    for match in quotations(text):
        before = bare + text[at : match.start()]
        at = match.end()
        cue = _CUE.search(before)
        if cue is None and not _ends_in_a_carrier(before):
            bare = before + match[0]
            continue
        bare = before[: cue.start()] if cue else before.rstrip()
        after = _TAIL if bare.strip() else _CARRIED  # 'the words "OPEN" on a sign'
        tail = after.match(text, at)
        at = tail.end() if tail else at
        found.append(Inscription(quoted(match), len(bare)))
    return (bare + text[at:]).strip(), tuple(found)


def _ends_in_a_carrier(text: str) -> bool:
    """Whether a text ends in a lifeless thing: 'a neon sign | "BAR"', but not 'a | "hot" dog'."""
    named = [one for one in mentions(text) if one.end == len(text.rstrip())]
    return bool(named) and not is_animate(named[-1].head)


def carrier(bare: str, at: int) -> Mention | None:
    """What carries words that stood there: what was named last before them, else first after."""
    named = mentions(bare)
    return next((one for one in reversed(named) if one.end <= at), next(iter(named), None))


def read_prompt(text: str) -> SceneGraph:
    """The scene graph of a prompt, with the words that its entities carry."""
    bare, found = parted(text)
    graph = parse_prompt(bare)
    for one in found:
        entity = _carrying(graph, bare, one.at)
        if entity is None:
            graph.notes.append(f'"{one.words}": nothing is named that could carry these words')
        else:
            entity.words = f"{entity.words} {one.words}".strip()
    return graph


def _carrying(graph: SceneGraph, bare: str, at: int) -> Entity | None:
    """The entity of the mention that carries words; that of which it is a part, if it is one."""
    mention = carrier(bare, at)
    if mention is None:
        return None
    before = sum(one.head == mention.head and one.end < mention.end for one in mentions(bare))
    alike = [entity for entity in graph.entities if entity.head == mention.head]
    if alike:
        return alike[min(before, len(alike) - 1)]
    having = (one for one in graph.entities
              if mention.head in {part.head for part in mentions(one.described)})  # fmt: skip
    return next(having, None)


def inscribed(text: str, old: str, words: str, at: int) -> str:
    """A text with other words written on what it tells of; without any where they are empty.

    Args:
        text: That of a region.
        old: What is written there so far; empty for nothing.
        words: What is to be written.
        at: Where their carrier's name ends.
    """
    bare, found = parted(text)
    if old and found:
        text = bare
        at = min(at, len(text))
    if not words:
        return text
    rest = text[at:]
    if rest and not rest.startswith(","):
        return f'{text}, with the words "{words}"'
    return f'{text[:at]} that says "{words}"{rest}'
