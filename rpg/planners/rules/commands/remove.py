"""Commands that remove: "remove the tree", "no clouds", "one star less"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial

from rpg.errors import PlanError
from rpg.language.grammar.quantities import number
from rpg.language.lexicon.function_words import DETERMINERS, MAX_COUNT
from rpg.language.lexicon.inflect import singular
from rpg.planners.rules.commands.add import copy
from rpg.planners.rules.commands.destinations import Where
from rpg.planners.rules.commands.patterns import Match, form
from rpg.planners.rules.commands.plan_editor import PlanEditor, RegionNode, noun_of
from rpg.planners.rules.commands.references import resolve, resolve_list, resolve_or_fail
from rpg.planners.rules.commands.selectors import reading_order
from rpg.planners.rules.commands.text.wording import mentions, subject_of, without_part
from rpg.plans import edits as e
from rpg.plans.scene import Thing

_OF = re.compile(
    r"(?P<part>.+?)\s+(?:from|off(?:\s+of)?|of|on|worn by|held by)\s+(?P<owner>.+)", re.IGNORECASE
)
_BELONGS = re.compile(r"(?P<owner>.+?)(?:'s|s')\s+(?P<part>.+)", re.IGNORECASE)


def remove(editor: PlanEditor, items: Sequence[RegionNode]) -> bool:
    """Takes things out, with what is in them; of what is part of a thing nothing but the part."""
    for item in items:
        if item.thing and item.thing.owner in item.region.shows:
            _take_part(editor, item.id, item.head)
        elif any(each.id == item.id for each in editor.items):
            note = f"{item.id} is gone: {item.core or 'a group'!r}"
            editor.do(e.RemoveRegion(id=(editor.emptied(item) or item).id), note=note)
            if item.parent and item.thing and item.thing.owner:
                _take_part(editor, item.parent, item.head)  # its owner's words name it too
    editor.last = tuple(name for name in editor.last if any(i.id == name for i in editor.items))
    return True


def _removed(editor: PlanEditor, match: Match) -> bool:
    items = resolve_list(editor, match["what"])
    if items is None:
        if " and " in match["what"] or "," in match["what"]:
            return False  # perhaps two instructions: tell them apart first
        if _parts_removed(editor, match["what"]):
            return True
        items = resolve_or_fail(editor, match["what"])
    return remove(editor, items)


def _taken(editor: PlanEditor, match: Match) -> bool:
    """Reads "take the hat off the man"."""
    return _parts_removed(editor, match["what"])


def _parts_removed(editor: PlanEditor, what: str, *, every: bool = False) -> bool:
    """Takes out what is only part of something's description: "the hat", "the man's hat".

    Args:
        editor: Of the plan.
        what: The part, and perhaps whose it is.
        every: Of all that have one, as far as it can be told from the rest.

    Raises:
        PlanError: Several things have such a part, or it cannot be told from the rest, unless
            `every` is asked for.
    """
    told = _OF.fullmatch(what)
    part, owner = (told["part"], told["owner"]) if told else (what, "")
    named = _BELONGS.fullmatch(part)
    if named and not owner:
        part, owner = named["part"], named["owner"]
    owners = resolve(editor, owner) if owner else editor.items
    words = [word for word in part.lower().split() if word not in DETERMINERS]
    if not owners or not words:
        return False
    noun, looks = singular(words[-1]), set(words[:-1])
    having = [
        item
        for item in owners
        for mention in mentions(item.core)
        if mention != item.subject and mention.head == noun and looks <= set(mention.words)
    ]
    if len(having) > 1 and not every:
        raise editor.which(what, having)
    if having and all([_take_part(editor, item.id, noun) for item in having]):
        editor.last = tuple(item.id for item in having)
        return True
    for item in () if every else owners:
        if noun in {singular(word) for word in item.words}:
            raise PlanError(
                f"{what!r} is part of {item.shown} and cannot be removed by itself: rewrite that "
                "prompt, or remove the whole"
            )
    return False


def _take_part(editor: PlanEditor, name: str, noun: str) -> bool:
    """Takes a part out of a region's words and of what they show; the region stays.

    Returns:
        Whether the words are without it; where they are not, nothing is done.
    """
    item = editor.item(name)
    text = _without(item.core, noun)
    if any(one.head == noun for one in mentions(text)):
        return False
    gone = {one.id for one in item.things if one.owner and noun_of(one) == noun}
    gone |= {
        one.id for thing in item.things for one in editor.scene.owned_by(thing.id)
        if noun_of(one) == noun and not editor.plan.shown_by(one.id)
    }  # fmt: skip
    editor.reshape([item], partial(_without_look, noun=noun))
    shows = tuple(one for one in item.region.shows if one not in gone)
    if shows != item.region.shows:
        editor.do(e.ModifyRegion(id=name, shows=shows))
    editor.mend(editor.item(name), text, ((), ""))
    still = {one for region in editor.plan.layers() for one in region.shows}
    left = editor.scene.without(gone - still, keep=still)
    if left != editor.scene:
        editor.do(e.SetScene(things=left.things, relations=left.relations))
    return True


def _without(text: str, noun: str) -> str:
    """A text without the parts of that noun; its subject stays."""
    subject = subject_of(text)
    found = (one for one in mentions(text) if one.head == noun and one != subject)
    part = next(found, None)
    shorter = without_part(text, part) if part else text
    return _without(shorter, noun) if shorter != text else text


def _without_look(thing: Thing, noun: str) -> Thing:
    looks = (_bare(one, noun) for one in thing.attributes)
    return thing.model_copy(update={"attributes": tuple(one for one in looks if one)})


def _bare(look: str, noun: str) -> str:
    """A look, such as "with a hat and a scarf", without one part."""
    part = next((one for one in mentions(look) if one.head == noun), None)
    return without_part(look, part) if part else look


def _none(editor: PlanEditor, match: Match) -> bool:
    """Reads "no clouds": takes them out, and asks for none."""
    what = re.sub(r"^(?:the|any|an?|all) ", "", match["what"], flags=re.IGNORECASE)
    items = resolve(editor, f"all {what}") or resolve_list(editor, what) or ()
    if not mentions(what):
        return False
    if not items:
        _parts_removed(editor, what, every=True)
    remove(editor, items)
    if what.lower() not in editor.plan.effective_negative.lower().split(", "):
        absent = tuple(dict.fromkeys((*editor.scene.absent, what)))
        unsaid = tuple(one for one in editor.plan.unsaid if one != what)
        edits = e.SetScene(absent=absent), e.SetBase(unsaid=unsaid)
        editor.do(*edits, note=f"not there, as asked: {what}")
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
    form(r"(?:take|pull) (?P<what>.+ (?:off|from)(?: of)? .+)", _taken),
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
