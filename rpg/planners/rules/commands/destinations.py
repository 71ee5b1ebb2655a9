"""Destinations in words: "top right", "to the left of the house", "in a corner"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rpg.language.grammar.elements import Anchor, Rel, RelationKind
from rpg.language.grammar.phrases import match_phrase
from rpg.language.grammar.tokens import Token, join, tokenize
from rpg.language.lexicon.function_words import ADVERBS, DETERMINERS
from rpg.planners.rules.commands.placement.placements import anywhere, at_anchor, beside
from rpg.planners.rules.commands.placement.tree_levels import Placement
from rpg.planners.rules.commands.plan_editor import PlanEditor, RegionNode
from rpg.planners.rules.commands.references import resolve, resolve_list

_PREPOSITIONS = {
    "in": RelationKind.INSIDE,
    "into": RelationKind.INSIDE,
    "on": RelationKind.ON,
    "onto": RelationKind.ON,
    "to": RelationKind.BESIDE,
    "by": RelationKind.BESIDE,
    "with": RelationKind.BESIDE,
}
_IN = re.compile(
    r"\b(?:to|into|towards?) (?=(?:the |a )?(?:very |exact )?(?:middle|cent(?:er|re)|foreground"
    r"|background|corner)\b)",
    re.IGNORECASE,
)  # what the grammar knows with "in"
_AT = re.compile(
    r"\b(?:to|into) (?=the (?:very )?(?:top|bottom|upper|lower)\b(?![ -](?:left|right)))",
    re.IGNORECASE,
)
_FILLING = ADVERBS | {"all", "way", "the", "to", "over", "right", "up", "down", "a", "bit"}


@dataclass(frozen=True, slots=True)
class Where:
    """A place in words.

    Attributes:
        anchor: On the canvas; None where it is beside something.
        kinds: How it stands to the others; none where it is anywhere.
        others: What it stands beside.
    """

    anchor: Anchor | None = None
    kinds: tuple[RelationKind, ...] = ()
    others: tuple[RegionNode, ...] = ()

    def find(
        self, editor: PlanEditor, size: float = 1.0, moving: RegionNode | None = None
    ) -> Placement:
        """The placement in the plan as it is now.

        Raises:
            PlanError: There is no room.
        """
        if self.anchor is not None:
            return at_anchor(editor, self.anchor, size, moving)
        if self.kinds:
            others = [editor.item(other.id) for other in self.others]
            return beside(editor, self.kinds, others, size, moving)
        return anywhere(editor, size)


def read_where(editor: PlanEditor, text: str) -> Where | None:
    """The place that the words name; None where they name none.

    Raises:
        PlanError: They name something that is not in the plan.
    """
    tokens = _tokens(text)
    starts = [at for at in range(len(tokens)) if all(t.low in _FILLING for t in tokens[:at])]
    for at in starts:
        found = _where(editor, tokens, at, strict=at == starts[-1])
        if found is not None:
            return found
    return None


def _tokens(text: str) -> tuple[Token, ...]:
    return tokenize(_AT.sub("at ", _IN.sub("in ", text)))


def cuts(editor: PlanEditor, text: str) -> Iterator[tuple[str, Where | None]]:
    """The words before a place, with the place; at last the whole text, which names none."""
    tokens = _tokens(text)
    for at in range(1, len(tokens)):
        found = _where(editor, tokens, at, strict=False)
        if found is not None:
            yield join(token.text for token in tokens[:at]).rstrip(" ,"), found
    yield text, None


def _where(editor: PlanEditor, tokens: tuple[Token, ...], at: int, *, strict: bool) -> Where | None:
    """The place that all tokens from `at` on name."""
    if at >= len(tokens):
        return None
    phrase = match_phrase(tokens, at)
    end = at + phrase[1] if phrase else at
    rest = join(token.text for token in tokens[end:])
    if phrase and isinstance(phrase[0], Anchor) and not rest.strip(" ."):
        return Where(anchor=phrase[0])
    if phrase and isinstance(phrase[0], Rel) and phrase[0].implied and not rest:
        return Where(kinds=phrase[0].kinds, others=resolve(editor, "it") or ())
    if phrase and isinstance(phrase[0], Rel) and rest:
        return _related(editor, phrase[0].kinds, rest, strict=strict)
    kind = _PREPOSITIONS.get(tokens[at].low)
    if phrase is None and kind is not None and at + 1 < len(tokens):
        rest = join(token.text for token in tokens[at + 1 :])
        others = resolve(editor, rest)
        return Where(kinds=(kind,), others=others) if others else None
    return None


def _related(
    editor: PlanEditor, kinds: tuple[RelationKind, ...], rest: str, *, strict: bool
) -> Where | None:
    others = resolve_list(editor, rest)
    if others:
        return Where(kinds=kinds, others=others)
    words = rest.lower().split()
    if strict or (words and words[0] in DETERMINERS - {"a", "an"}):
        raise editor.no(rest)
    return None


def spread(where: Where | None, count: int) -> Sequence[Where]:
    """A place for each of several things: a corner each, one on either side."""
    where = where or Where()
    if where.anchor is not None and where.anchor.each:
        corners = ((0, 0), (2, 0), (0, 2), (2, 2))
        return [Where(anchor=Anchor(x, y, "")) for x, y in corners]
    if where.kinds and where.kinds[0] in (RelationKind.SIDES, RelationKind.FLANKED):
        sides = (RelationKind.LEFT, RelationKind.RIGHT)
        return [Where(kinds=(sides[n % 2],), others=where.others) for n in range(max(count, 2))]
    return [where] * count


def together(where: Where | None) -> bool:
    """Whether several things that go there share one place, side by side."""
    if where is None or (where.anchor is None and not where.kinds):
        return False
    if where.anchor is not None:
        return not where.anchor.each and not where.anchor.back
    return where.kinds[0] in (
        RelationKind.ABOVE,
        RelationKind.BELOW,
        RelationKind.ON,
        RelationKind.FRONT,
        RelationKind.BEHIND,
    )
