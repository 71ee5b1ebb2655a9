"""Commands that remove: "remove the tree", "no clouds", "one star less"."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rpg.errors import PlanError
from rpg.language.grammar.quantities import number
from rpg.language.lexicon.function_words import MAX_COUNT
from rpg.language.lexicon.inflect import singular
from rpg.planners.rules.commands.add import copy
from rpg.planners.rules.commands.destinations import Where
from rpg.planners.rules.commands.patterns import Match, form
from rpg.planners.rules.commands.plan_editor import PlanEditor, RegionNode
from rpg.planners.rules.commands.references import resolve, resolve_list, resolve_or_fail
from rpg.planners.rules.commands.selectors import reading_order
from rpg.planners.rules.commands.text.wording import mentions
from rpg.plans import edits as e


def remove(editor: PlanEditor, items: Sequence[RegionNode]) -> bool:
    """Takes things out, with what is in them."""
    for item in items:
        if any(each.id == item.id for each in editor.items):
            note = f"{item.id} is gone: {item.core or 'a group'!r}"
            editor.do(e.RemoveRegion(id=(editor.emptied(item) or item).id), note=note)
    editor.last = tuple(name for name in editor.last if any(i.id == name for i in editor.items))
    return True


def _removed(editor: PlanEditor, match: Match) -> bool:
    items = resolve_list(editor, match["what"])
    if items is None:
        _part(editor, match["what"])
        if " and " in match["what"] or "," in match["what"]:
            return False  # perhaps two instructions: tell them apart first
        items = resolve_or_fail(editor, match["what"])
    return remove(editor, items)


def _part(editor: PlanEditor, what: str) -> None:
    """Refuses to take out what is only part of something's description."""
    noun = singular(what.lower().split()[-1])
    for item in editor.items:
        if noun in {singular(word) for word in item.words}:
            raise PlanError(
                f"{what!r} is part of {item.shown} and cannot be removed by itself: rewrite that "
                "prompt, or remove the whole"
            )


def _none(editor: PlanEditor, match: Match) -> bool:
    """Reads "no clouds": takes them out, and asks for none."""
    what = re.sub(r"^(?:the|any|an?|all) ", "", match["what"], flags=re.IGNORECASE)
    items = resolve(editor, f"all {what}") or resolve_list(editor, what) or ()
    if not mentions(what):
        return False
    remove(editor, items)
    if what.lower() not in editor.plan.effective_negative.lower().split(", "):
        absent = (*editor.scene.absent, what)
        editor.do(e.SetScene(absent=absent), note=f"not there, as asked: {what}")
    return True


def _fewer(editor: PlanEditor, match: Match) -> bool:
    """Reads "one star less", "two fewer stars"."""
    word = match["count"].lower()
    count = 1 if word in ("a", "an") else number(word)
    items = resolve(editor, f"all {match['what']}")
    if count is None:
        return False
    if not items:
        raise editor.no(match["what"])
    if count > len(items):
        raise PlanError(f"{count} less: there are only {len(items)}: {editor.listing(items)}")
    return remove(editor, reading_order(items)[-count:])


def _only(editor: PlanEditor, match: Match) -> bool:
    """Reads "only one star", "make it three stars"; or "keep only the star": all else goes."""
    word = (match["count"] or "").lower()
    if not word:
        kept = {item.id for item in resolve_or_fail(editor, match["what"])}
        above = {item.parent for item in editor.items if item.id in kept}
        return remove(editor, [item for item in editor.siblings("") if item.id not in kept | above])
    items, count = resolve(editor, f"all {match['what']}"), number(word)
    if not items or count is None or count > MAX_COUNT:
        return False
    new = [copy(editor, items[-1], Where()) for _ in range(count - len(items))]
    remove(editor, reading_order(items)[count:])
    left = {item.id for item in editor.items}
    editor.last = (*(item.id for item in items if item.id in left), *new)
    return True


_COUNT = r"(?P<count>an?|one|two|three|four|five|six|\d+)"
FORMS = (
    form(
        r"(?:remove|delete|erase|clear|drop) (?:everything|all)(?: else)? (?:except|but|other than"
        r"|apart from|besides)(?: for)? (?P<count>)(?P<what>.+)",
        _only,
    ),
    form(
        r"(?:remove|delete|erase|take (?:away|out|off)|get rid of|drop|lose|eliminate|cut(?: out)?"
        r"|clear(?: away)?|throw (?:out|away)|scrap|discard|omit|leave out|hide|kill|wipe(?: out)?)"
        r" (?P<what>.+?)(?: from (?:the )?(?:picture|image|scene|canvas|plan))?",
        _removed,
    ),
    form(r"(?:take|throw|cut|wipe) (?P<what>.+) (?:away|out|off)", _removed),
    form(
        r"(?P<what>(?:the|all|both) .+?) (?:should|must|has to|can) (?:go|disappear|vanish)",
        _removed,
    ),
    form(rf"{_COUNT} (?:less|fewer) (?P<what>.+)", _fewer),
    form(rf"{_COUNT} (?P<what>.+?) (?:less|fewer)", _fewer),
    form(rf"(?:keep |leave |have |use |draw )?(?:only|just) {_COUNT} (?P<what>.+)", _only),
    form(
        r"(?:make (?:it|that|them)|there (?:should|must) be|i want|i'd like|we need|have)"
        r" (?:only |just |exactly )?(?P<count>two|three|four|five|six|seven|eight|nine|\d+)"
        r" (?P<what>(?!more\b)\S+|\S+ \S+)",
        _only,
    ),
    form(r"(?:keep|leave) (?:only|just|nothing but) (?P<count>)(?P<what>.+)", _only),
    form(
        r"(?:(?:there should be|have|with|i want|make it|use|put) )?(?:no more|no|without(?: any)?)"
        r" (?P<what>[^,]+?)(?: (?:in the picture|anywhere|please|any more|anymore))?",
        _none,
    ),
    form(
        r"(?:(?:i|we) )?(?:don't|do not|dont) (?:want|need|show|draw|include|have|add)"
        r"(?: to see)?(?: any| the)? (?P<what>.+?)(?: anymore| any more)?",
        _none,
    ),
    form(r"there (?:should not|shouldn't|must not|mustn't) be(?: any)? (?P<what>.+)", _none),
)
