"""Commands about written words: 'write "OPEN" on the door', 'make the sign say "CLOSED"'."""

from __future__ import annotations

from collections.abc import Sequence

from rpg.language.grammar.quotations import quotations, quoted
from rpg.planners.rules.commands.patterns import Match, form
from rpg.planners.rules.commands.plan_editor import PlanEditor, RegionNode
from rpg.planners.rules.commands.references import resolve_or_fail
from rpg.planners.rules.written import carrier, inscribed, parted

_QUOTE = r"(?P<quote>\"[^\"]+\"|\u201c[^\u201d]+\u201d|\u00ab[^\u00bb]+\u00bb|'[^']+')"
_TEXT = r"(?:(?:the|its) )?(?:words?|text|lettering|letters|inscription|writing|title|label)"


def inscribe(editor: PlanEditor, items: Sequence[RegionNode], words: str) -> None:
    """Writes words on things, in place of what is written there; none where they are empty."""
    editor.reshape(items, lambda thing: thing.model_copy(update={"words": words}))
    for item in items:
        end = item.subject.end if item.subject else len(item.core)
        old = item.thing.words if item.thing else ""
        editor.mend(item, inscribed(item.core, old, words, end))
    editor.last = tuple(item.id for item in items)


def write_on_last(editor: PlanEditor, command: str) -> None:
    """Writes what a command quotes on what it was about, which is done without the words by now."""
    bare, found = parted(command)
    for one in found:
        mention = carrier(bare, one.at)
        last = [item for item in editor.items if item.id in editor.last]
        named = [item for item in last if mention and item.head == mention.head]
        inscribe(editor, named or last, one.words)


def _written(editor: PlanEditor, match: Match) -> bool:
    words = next(map(quoted, quotations(match["quote"])), "")
    if not words:
        return False
    inscribe(editor, resolve_or_fail(editor, match["what"]), words)
    return True


def _exchanged(editor: PlanEditor, match: Match) -> bool:
    """Reads 'replace "OPEN" with "CLOSED"'."""
    old, new = (next(map(quoted, quotations(match[name])), "") for name in ("old", "quote"))
    items = [item for item in editor.items if item.thing and item.thing.words == old]
    if not items or not new:
        return False
    inscribe(editor, items, new)
    return True


def _erased(editor: PlanEditor, match: Match) -> bool:
    items = resolve_or_fail(editor, match["what"])
    if not any(item.thing and item.thing.words for item in items):
        return False
    inscribe(editor, items, "")
    return True


FORMS = (
    form(
        rf"(?:write|put|paint|print|add|engrave|place|have) (?:{_TEXT} )?{_QUOTE}"
        r" (?:on|onto|across|over|in) (?P<what>.+)",
        _written,
    ),
    form(rf"(?:make|let|have) (?P<what>.+?) (?:say|read|spell|show) {_QUOTE}", _written),
    form(
        r"(?P<what>(?:the|both|all|every|it|they)\b(?:(?!that\b|which\b).)*?)"
        rf" (?:should |must |shall |has to |needs to )?(?:say|says|read|reads) {_QUOTE}",
        _written,
    ),
    form(
        rf"(?:change|set|replace|make|turn) {_TEXT} (?:on|of|in|across) (?P<what>.+?)"
        rf" (?:to|into|with|by|say|read) {_QUOTE}",
        _written,
    ),
    form(
        rf"(?:change|set|replace|make|turn) (?P<what>.+?)'s {_TEXT} (?:to|into|with|by) {_QUOTE}",
        _written,
    ),
    form(
        rf"(?:change|replace|turn|exchange) (?:{_TEXT} )?{_QUOTE.replace('quote', 'old')}"
        rf" (?:to|into|with|by|for) (?:{_TEXT} )?{_QUOTE}",
        _exchanged,
    ),
    form(
        rf"(?:remove|erase|delete|clear|wipe) {_TEXT}(?: [\"'\u201c].+[\"'\u201d])?"
        r" (?:from|on|of|off) (?P<what>.+)",
        _erased,
    ),
)
